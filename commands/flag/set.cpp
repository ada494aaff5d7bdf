#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/flag/shared.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

constexpr int most_tries = 20;

Result<Outcome> run_flag_set(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const spec::Flag* flag = TRY(find_flag(opened.loaded.app(), options.text("flag")));
  const doc::Value value = TRY(flags::parse_flag_value(*flag, options.text("value")));
  const doc::Value json = doc::Value::object({{"schema", "tranche/flag-set/v1"},
                                              {"flag", flag->name},
                                              {"value", value},
                                              {"changed", !context.dry_run}});
  if (context.dry_run)
    return Outcome{0, json, fmt::format("would set {} to {}\n", flag->name, doc::to_json(value))};
  // A switch is thrown now: a lost race is run again, on what the other one left.
  for (int attempt = 1;; ++attempt) {
    auto set = opened.deck->set_flag(*flag, value, {}, {opened.deck->by(), context.reason});
    if (set) break;
    if (set.error().kind != ErrorKind::conflict || attempt == most_tries) return fail(std::move(set.error()));
    TRY(opened.deck->reload());
  }
  return Outcome{0, json, fmt::format("{} is {}\n", flag->name, doc::to_json(value))};
}

}  // namespace

Command flag_set() {
  return {.name = "flag set",
          .summary = "throw a switch",
          .help_path = "commands/flag/set.md",
          .changes = true,
          .arguments = {{.name = "flag", .help = "a name under flags:"},
                        {.name = "value", .help = "true, false, a number or a string, by its type"}},
          .flags = {app_flag()},
          .run = run_flag_set};
}

}  // namespace tranche::commands
