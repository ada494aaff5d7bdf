#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

// Another runner may win some ticks; losing this many in a row means that something is wrong.
constexpr int most_conflicts = 20;
// A run that is watched by a person gives up after about a quarter of an hour of them.
constexpr int most_failures = 20;
constexpr Duration first_wait = std::chrono::seconds(5);
constexpr Duration longest_pause = std::chrono::minutes(1);

Result<Outcome> run_rollout_run(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const std::string name = TRY(rollout_name(opened.loaded.app(), options));
  engine::Engine engine = make_engine(opened);
  engine.on_decision([&](const std::string& decision) { context.say("{}", printable(decision, 400)); });
  ports::Clock& clock = context.world.clock;
  std::optional<Instant> give_up;
  if (options.given("deadline")) give_up = clock.now() + TRY(options.duration("deadline"));

  if (context.dry_run) {
    const rollout::Plan plan =
        TRY(engine.plan({name, options.text("release"), options.given("accept-no-way-back"), {}, false}));
    return Outcome{0, plan_json(plan), "would run:\n" + plan_text(plan, context.color)};
  }
  // With --release: start it, unless this very release is under way already (the run was interrupted).
  std::optional<engine::Report> report;
  if (options.given("release")) {
    const auto under_way = engine.status(name);
    if (!under_way || under_way->state.release != options.text("release") ||
        rollout::is_final(under_way->state.phase))
      report = TRY(engine.start(
          {name, options.text("release"), options.given("accept-no-way-back"), context.reason, false}));
  }
  int conflicts = 0, failures = 0;
  for (;;) {
    auto ticked = engine.advance(name);
    if (!ticked && ticked.error().kind == ErrorKind::conflict && ++conflicts < most_conflicts) {
      TRY(opened.deck->reload());
      continue;
    }
    // A store or a network that is down is waited for; the rollout says when it is tried again.
    if (!ticked && ticked.error().kind == ErrorKind::failed && failures++ < most_failures) {
      context.say("{}; it is tried again", printable(ticked.error().message, 200));
      if (!clock.sleep_until(clock.now() + failures * first_wait)) return fail(std::move(ticked.error()));
      TRY(opened.deck->reload());
      continue;
    }
    report = TRY(std::move(ticked));
    conflicts = failures = 0;
    const rollout::Phase phase = report->state.phase;
    if (rollout::is_final(phase) || phase == rollout::Phase::held || phase == rollout::Phase::paused) break;
    const auto asks_people = [](const rollout::Wait& wait) {
      return wait.condition == rollout::approval_condition;
    };
    if (std::ranges::any_of(report->state.waits, asks_people)) break;
    if (report->state.trouble && report->state.trouble->unknown) break;
    if (give_up && clock.now() >= *give_up) break;
    // Closes the state: what this tick wrote is for all to read while we wait. Trouble shows at the next
    // tick.
    static_cast<void>(opened.deck->reload().has_value());
    const Instant next = engine.next_tick(*report, longest_pause);
    while (clock.now() < next && !clock.interrupted()) {
      if (!context.talk.is_live()) {
        clock.sleep_until(next);
        break;
      }
      context.talk.live(live_text(*report, clock.now()));
      clock.sleep_until(std::min(next, clock.now() + std::chrono::milliseconds(200)));
    }
    if (clock.interrupted())
      return fail_hint(ErrorKind::interrupted,
                       "tranche rollout run " + name + " goes on; tranche stop " + name + " takes it back",
                       "interrupted; rollout '{}' stays as it is", name);
  }
  context.talk.clear();
  return Outcome{exit_code(report->state.phase, options.given("pending-ok")),
                 report_json(*report, "tranche/rollout-run/v1"),
                 report_text(*report, clock.now(), context.color)};
}

}  // namespace

Command rollout_run() {
  return {.name = "rollout run",
          .summary = "start a rollout and tick until it ends or waits for a person",
          .help_path = "commands/rollout/run.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {{.name = "release",
                     .value = "VERSION",
                     .help = "start this release first (goes on when it is under way)"},
                    {.name = "deadline",
                     .value = "DURATION",
                     .help = "leave after this long; the rollout stays as it is"},
                    {.name = "accept-no-way-back",
                     .help = "start even though the channel has no earlier release to fall back to"},
                    pending_ok_flag(),
                    app_flag()},
          .run = run_rollout_run};
}

}  // namespace tranche::commands
