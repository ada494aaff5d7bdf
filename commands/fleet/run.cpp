// Synthetic devices over real HTTP.
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/fleet/shared.hpp"
#include "fleet/http_load.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_fleet_run(const Options& options, Context& context) {
  fleet::LoadOptions load;
  load.model = TRY(read_model(options));
  const Loaded loaded = TRY(load_app(context, options));
  load.trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  load.app = loaded.app().name;
  if (options.given("channel")) {
    load.channel = options.text("channel");
  } else if (loaded.app().channels.size() == 1) {
    load.channel = loaded.app().channels.front().name;
  } else {
    return fail_hint(ErrorKind::usage, "add --channel NAME", "app '{}' has {} channels", load.app,
                     loaded.app().channels.size());
  }
  load.url = options.text("url");
  load.report = options.text("report");
  load.until_gone = options.text("until-gone");
  if (options.given("duration")) load.duration = TRY(options.duration("duration"));
  const std::uint64_t connections = TRY(options.number("connections"));
  if (connections < 1 || connections > 256)
    return fail_hint(ErrorKind::usage, "give 1 to 256", "--connections is {}", connections);
  load.connections = static_cast<int>(connections);
  context.say("{} on {}, channel {}, seed {}", count_of(load.model.devices, "device"), printable(load.url),
              printable(load.channel), load.model.seed);
  if (!context.quiet) load.progress = [&](const std::string& line) { context.talk.live(line); };
  doc::Value report = TRY(fleet::run_load(context.world, load));
  context.talk.clear();
  Table table({"version", "run it", "ever ran it"});
  table.align_right(1).align_right(2);
  for (const doc::Member& member : report.find("by-version")->as_object())
    table.row({member.key, fmt::format("{}", member.value.as_int()),
               fmt::format("{}", report.find("ever")->find(member.key)->as_int())});
  Outcome outcome;
  outcome.text = table.text();
  for (const doc::Member& member : report.find("failures")->as_object())
    outcome.text += fmt::format("kept what ran, {} times: {}\n", member.value.as_int(), member.key);
  outcome.json = std::move(report);
  return outcome;
}

}  // namespace

Command fleet_run() {
  Command command{.name = "fleet run",
                  .summary = "synthetic devices that poll, verify, update and report over HTTP",
                  .help_path = "commands/fleet/run.md",
                  .flags = {{.name = "url",
                             .value = "URL",
                             .help = "of `tranche serve`",
                             .default_text = "http://127.0.0.1:8090"},
                            {.name = "channel", .value = "CHANNEL", .help = "which stream they follow"},
                            {.name = "report",
                             .value = "FILE",
                             .help = "rewritten every second with what runs where",
                             .default_text = ""},
                            {.name = "duration", .value = "TIME", .help = "ends by itself; else Ctrl-C"},
                            {.name = "until-gone",
                             .value = "VERSION",
                             .help = "end once no device runs it any more, after some did",
                             .default_text = ""},
                            {.name = "connections",
                             .value = "N",
                             .help = "keep-alive connections, a thread each",
                             .default_text = "8"}},
                  .run = run_fleet_run};
  for (Flag& flag : model_flags("10000", "5m")) command.flags.push_back(std::move(flag));
  command.flags.push_back(app_flag());
  return command;
}

}  // namespace tranche::commands
