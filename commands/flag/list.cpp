#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_flag_list(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  doc::Value list = doc::Value::array();
  Table table({"flag", "value", "kind"});
  for (const auto& [name, setting] : TRY(opened.deck->flag_set()).flags) {
    list.push(
        doc::Value::object({{"flag", name}, {"value", setting.value}, {"kill-switch", setting.kill_switch}}));
    table.row({name, doc::to_json(setting.value), setting.kill_switch ? "kill switch" : ""});
  }
  return Outcome{0, doc::Value::object({{"schema", "tranche/flag-list/v1"}, {"flags", list}}), table.text()};
}

}  // namespace

Command flag_list() {
  return {.name = "flag list",
          .summary = "all flags and their values",
          .help_path = "commands/flag/list.md",
          .flags = {app_flag()},
          .run = run_flag_list};
}

}  // namespace tranche::commands
