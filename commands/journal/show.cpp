#include <algorithm>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

// What an entry says, in a line.
std::string line_of(const journal::Entry& entry) {
  if (const doc::Value* decisions = entry.data.find("decisions");
      decisions != nullptr && decisions->is_array() && !decisions->as_array().empty()) {
    std::vector<std::string> parts;
    for (const doc::Value& decision : decisions->as_array())
      if (decision.is_string()) parts.push_back(decision.as_string());
    return printable(join(parts, "; "), 140);
  }
  if (!entry.reason.empty()) return printable(entry.reason, 140);
  if (entry.data.is_object() && !entry.kind.starts_with("rollout.planned"))
    return printable(doc::to_json(entry.data), 140);
  return {};
}

Result<Outcome> run_journal_show(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  journal::Journal& journal = opened.deck->journal();
  const std::uint64_t last = TRY(options.number("last"));
  const std::uint64_t from =
      options.given("from") ? TRY(options.number("from")) : journal.size() - std::min(last, journal.size());
  const std::uint64_t to = std::min(journal.size(), from + last);
  doc::Value list = doc::Value::array();
  Table table({"#", "when", "who", "kind", "what"});
  if (from < to) {
    for (const journal::Entry& entry : TRY(journal.read(from, to))) {
      list.push(journal::to_value(entry));
      table.row({std::to_string(entry.index), to_text(entry.at), printable(entry.by, 40), entry.kind,
                 line_of(entry)});
    }
  }
  return Outcome{0,
                 doc::Value::object(
                     {{"schema", "tranche/journal-show/v1"}, {"size", journal.size()}, {"entries", list}}),
                 table.text()};
}

}  // namespace

Command journal_show() {
  return {.name = "journal show",
          .summary = "what was decided and done",
          .help_path = "commands/journal/show.md",
          .flags = {{.name = "last", .value = "N", .help = "how many entries", .default_text = "20"},
                    {.name = "from",
                     .value = "INDEX",
                     .help = "begin with this entry instead of the newest ones"},
                    app_flag()},
          .run = run_journal_show};
}

}  // namespace tranche::commands
