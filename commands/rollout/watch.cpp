#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_rollout_watch(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const std::string name = TRY(rollout_name(opened.loaded.app(), options));
  const Duration every = TRY(options.duration("every"));
  ports::Clock& clock = context.world.clock;
  std::string last;
  for (;;) {
    engine::Engine engine(*opened.deck);
    const engine::Report report = TRY(engine.status(name));
    const doc::Value event = report_json(report, "tranche/rollout-watch/v1");
    if (const std::string now = doc::to_json(event); now != last) {
      last = now;
      if (context.json) context.stream(event);
      if (!context.talk.is_live()) context.say("{}", live_text(report, clock.now()));
    }
    if (rollout::is_final(report.state.phase))
      return Outcome{exit_code(report.state.phase, options.given("pending-ok")), event,
                     report_text(report, clock.now(), context.color)};
    const Instant next = clock.now() + every;
    while (clock.now() < next && !clock.interrupted()) {
      context.talk.live(live_text(report, clock.now()));
      clock.sleep_until(std::min(next, clock.now() + std::chrono::milliseconds(200)));
    }
    if (clock.interrupted())
      return fail(ErrorKind::interrupted, "interrupted; the rollout goes on without a watcher");
    TRY(opened.deck->reload());
  }
}

}  // namespace

Command rollout_watch() {
  return {.name = "rollout watch",
          .summary = "follow a rollout that somebody else ticks",
          .help_path = "commands/rollout/watch.md",
          .arguments = {rollout_argument()},
          .flags = {{.name = "every", .value = "DURATION", .help = "how often to look", .default_text = "2s"},
                    pending_ok_flag(),
                    app_flag()},
          .run = run_rollout_watch};
}

}  // namespace tranche::commands
