#include <utility>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"
#include "spec/manual.hpp"
#include "spec/spec.hpp"

namespace tranche::commands {
namespace {

// Lines of at most so many bytes, broken at blanks.
constexpr std::size_t line_bytes = 100;
std::vector<std::string> wrapped(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view paragraph : split(text, '\n')) {
    std::string line;
    for (const std::string_view word : split(paragraph, ' ')) {
      if (!line.empty() && line.size() + 1 + word.size() > line_bytes)
        lines.push_back(std::exchange(line, ""));
      line += (line.empty() ? "" : " ") + std::string(word);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// Every key in words, or those of one part of the file.
Result<Outcome> show_keys(const std::string& wanted, bool color) {
  doc::Value list = doc::Value::array();
  std::string text;
  std::vector<std::string> names;
  for (const spec::ManualSection& section : spec::manual()) {
    names.push_back(section.name);
    if (!wanted.empty() && wanted != section.name) continue;
    doc::Value keys = doc::Value::array();
    Table table;
    for (const spec::ManualKey& key : section.keys) {
      keys.push(doc::Value::object({{"key", key.key},
                                    {"takes", key.takes},
                                    {"is", key.doc},
                                    {"default", key.fallback},
                                    {"required", key.required}}));
      std::string about = key.doc;
      if (key.required) about += " (required)";
      if (!key.fallback.empty()) about += "; by default " + key.fallback;
      bool first = true;
      for (const std::string& line : wrapped(about + "\n" + key.takes)) {
        table.row({first ? key.key : "", line});
        first = false;
      }
    }
    list.push(doc::Value::object({{"part", section.name}, {"is", section.doc}, {"keys", std::move(keys)}}));
    text += fmt::format("{}{}{}: {}\n", text.empty() ? "" : "\n", section.is_action ? "action " : "",
                        styled(section.name, Style::bold, color), section.doc) +
            table.text(2);
  }
  if (list.as_array().empty()) {
    const std::string near = nearest(wanted, names);
    return fail_hint(ErrorKind::invalid,
                     near.empty() ? "there are: " + join(names, ", ") : "did you mean '" + near + "'?",
                     "tranche.yaml has no part and no action '{}'", printable(wanted, 64));
  }
  return Outcome{0, doc::Value::object({{"schema", "tranche/schema-keys/v1"}, {"parts", std::move(list)}}),
                 std::move(text)};
}

Result<Outcome> run_schema(const Options& options, Context& context) {
  if (options.given("part") && !options.given("keys"))
    return fail_hint(ErrorKind::usage, "tranche schema --keys " + printable(options.text("part"), 64),
                     "the schema is printed whole");
  if (options.given("keys"))
    return show_keys(options.given("part") ? options.text("part") : "", context.color);
  doc::Value schema = spec::json_schema();
  std::string text = doc::to_json_pretty(schema);
  return Outcome{
      .json = doc::Value::object({{"schema", "tranche/schema/v1"}, {"document", std::move(schema)}}),
      .text = std::move(text)};
}

}  // namespace

Command schema() {
  return {.name = "schema",
          .summary = "print the JSON Schema of tranche.yaml for editors, or its keys in words",
          .help_path = "commands/schema.md",
          .arguments = {{.name = "part",
                         .help = "with --keys: rollout, stage, step, ..., or an action",
                         .required = false}},
          .flags = {{.name = "keys", .help = "every key in words instead"}},
          .run = run_schema};
}

}  // namespace tranche::commands
