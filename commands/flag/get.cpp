#include "commands/commands.hpp"
#include "commands/flag/shared.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_flag_get(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const spec::Flag* flag = TRY(find_flag(opened.loaded.app(), options.text("flag")));
  const flags::FlagSet set = TRY(opened.deck->flag_set());
  const doc::Value& value = set.flags.at(flag->name).value;
  return Outcome{
      0, doc::Value::object({{"schema", "tranche/flag-get/v1"}, {"flag", flag->name}, {"value", value}}),
      (value.is_string() ? value.as_string() : doc::to_json(value)) + "\n"};
}

}  // namespace

Command flag_get() {
  return {.name = "flag get",
          .summary = "the value of a flag",
          .help_path = "commands/flag/get.md",
          .arguments = {{.name = "flag", .help = "a name under flags:"}},
          .flags = {app_flag()},
          .run = run_flag_get};
}

}  // namespace tranche::commands
