#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_rollout_status(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  engine::Engine engine(*opened.deck);
  const engine::Report report = TRY(engine.status(TRY(rollout_name(opened.loaded.app(), options))));
  const int code =
      options.given("exit-code") ? exit_code(report.state.phase, options.given("pending-ok")) : 0;
  return Outcome{code, report_json(report, "tranche/rollout-status/v1"),
                 report_text(report, context.world.clock.now(), context.color)};
}

}  // namespace

Command rollout_status() {
  return {.name = "rollout status",
          .summary = "where a rollout stands, from the journal",
          .help_path = "commands/rollout/status.md",
          .arguments = {rollout_argument()},
          .flags = {{.name = "exit-code", .help = "exit 5, 8 or 10 as rollout advance would"},
                    pending_ok_flag(),
                    app_flag()},
          .run = run_rollout_status};
}

}  // namespace tranche::commands
