#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<rollout::What> event_of(const Options& options, const Context& context) {
  if (!options.given("settle")) {
    if (options.given("outcome"))
      return fail_hint(ErrorKind::usage, "name the effect: --settle KEY",
                       "--outcome says how an effect ended");
    return rollout::What(rollout::Resume{context.reason});
  }
  const std::string outcome = options.given("outcome") ? options.text("outcome") : "";
  if (outcome != "done" && outcome != "again")
    return fail_hint(ErrorKind::usage, "look whether it took place: --outcome done, or --outcome again",
                     "--settle wants to know how the effect ended");
  return rollout::What(rollout::Settle{options.text("settle"), outcome == "done", context.reason});
}

}  // namespace

Command rollout_resume() {
  return {.name = "rollout resume",
          .summary = "go on after a pause or a hold",
          .help_path = "commands/rollout/resume.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {{.name = "settle",
                     .value = "KEY",
                     .help = "an effect of unknown outcome, as rollout status names it"},
                    {.name = "outcome", .value = "done|again", .help = "how that effect ended"},
                    app_flag()},
          .run = [](const Options& options, Context& context) -> Result<Outcome> {
            return apply_event(options, context, TRY(event_of(options, context)),
                               "tranche/rollout-resume/v1");
          }};
}

}  // namespace tranche::commands
