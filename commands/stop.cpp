#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_stop(const Options& options, Context& context) {
  if (context.reason.empty())
    return fail_hint(ErrorKind::usage,
                     "tranche stop " + options.text("rollout") + " --reason \"crashes on start\"",
                     "stop wants a reason: it is the first thing that everybody will ask for");
  Outcome outcome = TRY(apply_event(options, context, rollout::Stop{context.reason}, "tranche/stop/v1"));
  const doc::Value* phase = outcome.json.find("phase");
  if (!context.dry_run && phase != nullptr && phase->as_string() == "stranded") outcome.exit_code = 10;
  return outcome;
}

}  // namespace

Command stop() {
  return {.name = "stop",
          .summary = "the red button: withdraw, bring devices back, tell people",
          .help_path = "commands/stop.md",
          .changes = true,
          .arguments = {{.name = "rollout", .help = "a name under rollouts:"}},
          .flags = {app_flag()},
          .run = run_stop};
}

}  // namespace tranche::commands
