#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/evidence.hpp"
#include "commands/rollout/shared.hpp"
#include "commands/trusted_ref.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_rollout_start(const Options& options, Context& context) {
  // What is frozen now is what later ticks run and send; looked at before anything is connected to.
  TRY(demand_trusted(context, options, TRY(load_app(context, options)), {}, "rollout start"));
  const Opened opened = TRY(open_deck(context, options));
  engine::Engine engine = make_engine(opened);
  const engine::StartRequest request{TRY(rollout_name(opened.loaded.app(), options)), options.text("release"),
                                     options.given("accept-no-way-back"), context.reason,
                                     options.given("supersede")};
  if (context.dry_run) {
    const rollout::Plan plan = TRY(engine.plan(request));
    return Outcome{0, plan_json(plan), "would start:\n" + plan_text(plan, context.color)};
  }
  engine.on_decision([&](const std::string& decision) { context.say("{}", printable(decision, 400)); });
  auto started = engine.start(request);
  if (!started) {
    if (auto denied =
            TRY(show_denial(context, *opened.deck, request, started.error(), "tranche/rollout-start/v1")))
      return std::move(*denied);
    return fail(std::move(started.error()));
  }
  const engine::Report report = std::move(*started);
  TRY(say_observed(context, *opened.deck, report.plan.channel));
  for (const std::string& warning : report.plan.warnings) context.say("warning: {}", warning);
  return Outcome{0, report_json(report, "tranche/rollout-start/v1"),
                 report_text(report, context.world.clock.now(), context.color) +
                     "next: tranche rollout advance " + report.state.rollout +
                     " (cron), or tranche rollout run " + report.state.rollout + "\n"};
}

}  // namespace

Command rollout_start() {
  return {
      .name = "rollout start",
      .summary = "freeze the plan and expose the first stage",
      .help_path = "commands/rollout/start.md",
      .changes = true,
      .arguments = {rollout_argument()},
      .flags = {{.name = "release", .value = "VERSION", .help = "the release to roll out", .required = true},
                {.name = "accept-no-way-back",
                 .help = "start even though the channel has no earlier release to fall back to"},
                {.name = "supersede",
                 .help = "go on with the exposure of the release that is being rolled out now"},
                trusted_ref_flag(),
                app_flag()},
      .run = run_rollout_start};
}

}  // namespace tranche::commands
