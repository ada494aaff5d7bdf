#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {

Command rollout_undo() {
  return {.name = "rollout undo",
          .summary = "take a release back, even one that is done",
          .help_path = "commands/rollout/undo.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {app_flag()},
          .run = [](const Options& options, Context& context) -> Result<Outcome> {
            {
              const Opened opened = TRY(open_deck(context, options));
              engine::Engine engine = make_engine(opened);
              TRY(engine.check_undo_order(TRY(rollout_name(opened.loaded.app(), options))));
            }
            return apply_event(options, context, rollout::Stop{context.reason}, "tranche/rollout-undo/v1");
          }};
}

}  // namespace tranche::commands
