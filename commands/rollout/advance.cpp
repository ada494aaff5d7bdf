#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_rollout_advance(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const std::string name = TRY(rollout_name(opened.loaded.app(), options));
  engine::Engine engine = make_engine(opened);
  if (context.dry_run) {
    const engine::Report report = TRY(engine.status(name));
    return Outcome{exit_code(report.state.phase, options.given("pending-ok")),
                   report_json(report, "tranche/rollout-advance/v1"),
                   "would tick:\n" + report_text(report, context.world.clock.now(), context.color)};
  }
  engine.on_decision([&](const std::string& decision) { context.say("{}", printable(decision, 400)); });
  const engine::Report report = TRY(engine.advance(name));
  TRY(say_observed(context, *opened.deck, report.plan.channel));
  return Outcome{exit_code(report.state.phase, options.given("pending-ok")),
                 report_json(report, "tranche/rollout-advance/v1"),
                 report_text(report, context.world.clock.now(), context.color)};
}

}  // namespace

Command rollout_advance() {
  return {.name = "rollout advance",
          .summary = "one tick: ask the gates, do what is due",
          .help_path = "commands/rollout/advance.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {pending_ok_flag(), app_flag()},
          .run = run_rollout_advance};
}

}  // namespace tranche::commands
