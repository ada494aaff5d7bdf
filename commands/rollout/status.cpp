#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"
#include "rollout/table.hpp"

namespace tranche::commands {
namespace {

// The machine itself, from the table that it is held to.
Outcome states() {
  doc::Value rows = doc::Value::array();
  for (const rollout::Transition& one : rollout::transitions()) {
    doc::Value effects = doc::Value::array();
    for (const rollout::EffectKind kind :
         {rollout::EffectKind::expose, rollout::EffectKind::finish, rollout::EffectKind::playbook})
      if ((one.effects & rollout::bit(kind)) != 0) effects.push(rollout::to_text(kind));
    rows.push(doc::Value::object({{"phase", rollout::to_text(one.from)},
                                  {"event", rollout::to_text(one.event)},
                                  {"to", rollout::to_text(one.to)},
                                  {"effects", std::move(effects)},
                                  {"without-effect", (one.effects & rollout::no_effect) != 0}}));
  }
  return {0, doc::Value::object({{"schema", "tranche/rollout-states/v1"}, {"transitions", std::move(rows)}}),
          rollout::table_text()};
}

Result<Outcome> run_rollout_status(const Options& options, Context& context) {
  if (options.given("states")) return states();
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
          .flags = {{.name = "states", .help = "print what a rollout can do: phases, events, effects"},
                    {.name = "exit-code", .help = "exit 5, 8 or 10 as rollout advance would"},
                    pending_ok_flag(),
                    app_flag()},
          .run = run_rollout_status};
}

}  // namespace tranche::commands
