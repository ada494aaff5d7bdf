#include <algorithm>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/flag/shared.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_flag_history(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const spec::Flag* flag = TRY(find_flag(opened.loaded.app(), options.text("flag")));
  const std::string subject = opened.deck->flag_subject(flag->name);
  journal::Journal& journal = opened.deck->journal();
  doc::Value list = doc::Value::array();
  Table table({"#", "when", "who", "value", "why"});
  constexpr std::uint64_t piece = 1'024;
  for (std::uint64_t from = 0; from < journal.size(); from += piece)
    for (const journal::Entry& entry : TRY(journal.read(from, std::min(from + piece, journal.size())))) {
      if (entry.subject != subject) continue;
      const doc::Value* value = entry.state.find("value");
      const doc::Value shown = value == nullptr ? doc::Value() : *value;
      list.push(doc::Value::object({{"index", entry.index},
                                    {"at", to_text(entry.at)},
                                    {"by", entry.by},
                                    {"value", shown},
                                    {"reason", entry.reason}}));
      table.row({std::to_string(entry.index), to_text(entry.at), printable(entry.by, 40), doc::to_json(shown),
                 printable(entry.reason, 120)});
    }
  return Outcome{
      0, doc::Value::object({{"schema", "tranche/flag-history/v1"}, {"flag", flag->name}, {"changes", list}}),
      table.text()};
}

}  // namespace

Command flag_history() {
  return {.name = "flag history",
          .summary = "who set a flag to what, when and why",
          .help_path = "commands/flag/history.md",
          .arguments = {{.name = "flag", .help = "a name under flags:"}},
          .flags = {app_flag()},
          .run = run_flag_history};
}

}  // namespace tranche::commands
