// A rollout rehearsed on devices that do not exist, in virtual time.
#include "fleet/simulate.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "commands/commands.hpp"
#include "commands/fleet/shared.hpp"
#include "commands/rollout/shared.hpp"
#include "rollout/plan.hpp"

namespace tranche::commands {
namespace {

// Whole seconds: virtual time has no finer meaning.
std::string when(Duration at) { return to_text(Duration(std::chrono::floor<std::chrono::seconds>(at))); }

std::string describe(const fleet::Simulation& simulation) {
  Table table({"at", "decision"});
  for (const fleet::SimulatedDecision& one : simulation.decisions)
    table.row({when(one.at), printable(one.text, 160)});
  std::string text = table.text();
  text += fmt::format("\n{} ends {} after {}: {}\n", simulation.release, rollout::to_text(simulation.phase),
                      when(simulation.took), simulation.because);
  const double share = 100.0 * static_cast<double>(simulation.ever) / static_cast<double>(simulation.devices);
  text += fmt::format("{} of {} devices ran it ({:.2f}%)", simulation.ever, simulation.devices, share);
  if (simulation.detected) text += fmt::format(", seen after {}", when(*simulation.detected));
  if (simulation.recovered) text += fmt::format(", everyone back {} later", when(*simulation.recovered));
  text += simulation.stranded > 0 ? fmt::format(", {} stranded\n", simulation.stranded) : "\n";
  for (const std::string& one : simulation.assumptions) text += fmt::format("note: {}\n", one);
  text += fmt::format("seed {}\n", simulation.seed);
  return text;
}

Result<Outcome> run_simulate(const Options& options, Context& context) {
  fleet::SimulateOptions simulate;
  simulate.model = TRY(read_model(options));
  const Loaded loaded = TRY(load_app(context, options));
  rollout::PlanInput input;
  input.rollout = TRY(rollout_name(loaded.app(), options));
  input.release = options.text("release");
  if (!valid_version(input.release))
    return fail_hint(ErrorKind::usage, "write --release 2.0.0", "'{}' is no version",
                     printable(input.release, 64));
  input.manifest_sha256 = std::string(64, '0');
  input.accept_no_way_back = true;
  if (!options.given("no-baseline")) input.current.baseline = simulate.model.start_version;
  simulate.plan = TRY(rollout::make_plan(loaded.app(), input));
  if (simulate.plan.channel.empty())
    return fail_hint(ErrorKind::invalid, "name a rollout that has a channel",
                     "rollout '{}' carries a service, and a fleet of devices is what can be rehearsed",
                     simulate.plan.rollout);
  // A fixed Monday morning: the answer hangs on the seed, not on the day.
  simulate.start = TRY(parse_instant("2026-01-05T09:00:00Z"));
  simulate.interrupted = [&] { return context.world.clock.interrupted(); };
  if (options.given("most")) simulate.most = TRY(options.duration("most"));
  context.say("{} through rollout '{}', seed {}", count_of(simulate.model.devices, "device"), input.rollout,
              simulate.model.seed);
  const fleet::Simulation simulation = TRY(fleet::simulate(simulate));
  return Outcome{exit_code(simulation.phase, false), fleet::to_value(simulation), describe(simulation)};
}

}  // namespace

Command simulate() {
  Command command{
      .name = "simulate",
      .summary = "rehearse a rollout on a synthetic fleet, in virtual time",
      .help_path = "commands/simulate.md",
      .arguments = {{.name = "rollout", .help = "a name under rollouts:", .required = false}},
      .flags =
          {{.name = "release", .value = "VERSION", .help = "the release rehearsed", .default_text = "2.0.0"},
           {.name = "no-baseline", .help = "as if nothing had been released before: no way back"},
           {.name = "most",
            .value = "TIME",
            .help = "virtual time after which it stops",
            .default_text = "90d"}},
      .run = run_simulate};
  for (Flag& flag : model_flags("100000", "5m")) command.flags.push_back(std::move(flag));
  command.flags.push_back(app_flag());
  return command;
}

}  // namespace tranche::commands
