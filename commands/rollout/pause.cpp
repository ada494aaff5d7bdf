#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {

Command rollout_pause() {
  return {.name = "rollout pause",
          .summary = "stop growing; the gates go on watching",
          .help_path = "commands/rollout/pause.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {app_flag()},
          .run = [](const Options& options, Context& context) {
            return apply_event(options, context, rollout::Pause{context.reason}, "tranche/rollout-pause/v1");
          }};
}

}  // namespace tranche::commands
