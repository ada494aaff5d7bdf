#include "cli/render.hpp"

#include "base/render_error.hpp"

namespace tranche::cli {
namespace {

doc::Value describe(const Error& error) {
  doc::Value value = doc::Value::object();
  value.set("kind", kind_word(error.kind));
  value.set("message", error.message);
  if (error.mark) {
    value.set("file", error.mark->file);
    value.set("line", error.mark->line);
    value.set("column", error.mark->column);
  }
  if (!error.hint.empty()) value.set("hint", error.hint);
  doc::Value doing = doc::Value::array();
  for (const auto& what : error.while_doing) doing.push(what);
  value.set("while", std::move(doing));
  doc::Value others = doc::Value::array();
  for (const auto& other : error.others) others.push(describe(other));
  value.set("others", std::move(others));
  return value;
}

}  // namespace

std::string_view kind_word(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::failed:
      return "failed";
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::gate_failed:
      return "gate-failed";
    case ErrorKind::verification:
      return "verification";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::pending:
      return "pending";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::stranded:
      return "stranded";
    case ErrorKind::bug:
      return "bug";
    case ErrorKind::interrupted:
      return "interrupted";
  }
  return "failed";
}

doc::Value error_to_value(const Error& error) {
  return doc::Value::object({{"schema", "tranche/error/v1"}, {"error", describe(error)}});
}

void show(const commands::Outcome& outcome, bool json, ports::Console& console) {
  if (json)
    console.out((outcome.json_text.empty() ? doc::to_json(outcome.json) : outcome.json_text) + "\n");
  else
    console.out(outcome.text);
}

void show(const Error& error, bool json, bool color, ports::Console& console) {
  if (json)
    console.out(doc::to_json(error_to_value(error)) + "\n");
  else
    console.err(render_error(error, color));
}

}  // namespace tranche::cli
