#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {

Command rollout_promote() {
  return {.name = "rollout promote",
          .summary = "go to the next stage now, gates notwithstanding",
          .help_path = "commands/rollout/promote.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {app_flag()},
          .run = [](const Options& options, Context& context) {
            return apply_event(options, context, rollout::Promote{context.reason},
                               "tranche/rollout-promote/v1");
          }};
}

}  // namespace tranche::commands
