#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {

Command rollout_resume() {
  return {.name = "rollout resume",
          .summary = "go on after a pause or a hold",
          .help_path = "commands/rollout/resume.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {app_flag()},
          .run = [](const Options& options, Context& context) {
            return apply_event(options, context, rollout::Resume{context.reason},
                               "tranche/rollout-resume/v1");
          }};
}

}  // namespace tranche::commands
