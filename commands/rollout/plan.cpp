#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/devices.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_rollout_plan(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  engine::Engine engine(*opened.deck);
  const rollout::Plan plan = TRY(engine.plan({TRY(rollout_name(opened.loaded.app(), options)),
                                              options.text("release"),
                                              options.given("accept-no-way-back"),
                                              {}}));
  Outcome outcome{0, plan_json(plan), plan_text(plan, context.color)};
  if (options.given("devices") && plan.channel.empty())
    return fail_hint(ErrorKind::usage, "leave --devices out",
                     "rollout '{}' carries a service: it has no devices", plan.rollout);
  if (options.given("devices")) {
    const auto devices = TRY(read_devices(context, options.text("devices")));
    TRY(add_devices(plan, devices, outcome));
  }
  return outcome;
}

}  // namespace

Command rollout_plan() {
  return {
      .name = "rollout plan",
      .summary = "show what a rollout would do, and to whom",
      .help_path = "commands/rollout/plan.md",
      .arguments = {rollout_argument()},
      .flags = {{.name = "release", .value = "VERSION", .help = "the release to plan for", .required = true},
                {.name = "devices",
                 .value = "FILE",
                 .help = "NDJSON of {\"id\",\"labels\":{}}: says at which stage each is reached"},
                {.name = "accept-no-way-back", .help = "plan even though the channel has no earlier release"},
                app_flag()},
      .run = run_rollout_plan};
}

}  // namespace tranche::commands
