#include "commands/journal/listing.hpp"

#include "base/text.hpp"

namespace tranche::commands {

std::vector<Flag> selection_flags() {
  return {
      {.name = "from", .value = "INDEX", .help = "begin with this entry"},
      {.name = "to", .value = "INDEX", .help = "end before this entry"},
      {.name = "since", .value = "TIME", .help = "entries of this time and later: 2026-11-21T10:00:00Z"},
      {.name = "until", .value = "TIME", .help = "entries before this time"},
      {.name = "by", .value = "TEXT", .help = "entries whose author's name holds this"},
      {.name = "kind", .value = "KIND", .help = "entries of this kind: rollout.exposed, or rollout for all"},
      {.name = "subject", .value = "SUBJECT", .help = "entries about it: channel/APP/stable"},
      {.name = "release", .value = "VERSION", .help = "entries that name this version"}};
}

Result<journal::Selection> read_selection(const Options& options) {
  journal::Selection selection;
  if (options.given("from")) selection.from = TRY(options.number("from"));
  if (options.given("to")) selection.to = TRY(options.number("to"));
  if (options.given("since")) selection.since = TRY(options.instant("since"));
  if (options.given("until")) selection.until = TRY(options.instant("until"));
  selection.by = options.text("by");
  selection.kind = options.text("kind");
  selection.subject = options.text("subject");
  selection.release = options.text("release");
  return selection;
}

std::string line_of(const journal::Entry& entry) {
  if (const doc::Value* decisions = entry.data.find("decisions");
      decisions != nullptr && decisions->is_array() && !decisions->as_array().empty()) {
    std::vector<std::string> parts;
    for (const doc::Value& decision : decisions->as_array())
      if (decision.is_string()) parts.push_back(decision.as_string());
    return printable(join(parts, "; "), 140);
  }
  if (entry.kind.starts_with("playbook.step-")) {
    const std::string step = entry.data.text_or("step", "?").value_or("?");
    if (entry.kind == "playbook.step-intended") return printable("step " + step + " is tried", 140);
    const std::string status = entry.data.text_or("status", "?").value_or("?");
    const std::string detail = entry.data.text_or("detail", "").value_or("");
    return printable(fmt::format("step {}: {}{}{}", step, status, detail.empty() ? "" : ": ", detail), 140);
  }
  if (!entry.reason.empty()) return printable(entry.reason, 140);
  if (entry.data.is_object() && !entry.kind.starts_with("rollout.planned"))
    return printable(doc::to_json(entry.data), 140);
  return {};
}

std::string csv_cell(std::string_view text) {
  std::string cell(text);
  if (!cell.empty() && std::string_view("=+-@\t\r").find(cell.front()) != std::string_view::npos)
    cell.insert(0, 1, '\'');
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string csv_header() { return "index,at,kind,subject,by,reason,data\r\n"; }

std::string csv_row(const journal::Entry& entry) {
  return fmt::format("{},{},{},{},{},{},{}\r\n", entry.index, to_text(entry.at), csv_cell(entry.kind),
                     csv_cell(entry.subject), csv_cell(entry.by), csv_cell(entry.reason),
                     entry.data.is_null() ? std::string() : csv_cell(doc::to_json(entry.data)));
}

}  // namespace tranche::commands
