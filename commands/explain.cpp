#include "actions/stores.hpp"
#include "base/text.hpp"
#include "channel/feed.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"

namespace tranche::commands {
namespace {

Result<const spec::Channel*> channel_of(const spec::App& app, const Options& options) {
  if (!options.given("channel")) {
    if (app.channels.size() == 1) return &app.channels.front();
    return fail_hint(ErrorKind::usage, "name one: --channel stable", "app '{}' has {} channels", app.name,
                     app.channels.size());
  }
  if (const spec::Channel* channel = app.channel(options.text("channel"))) return channel;
  return fail(ErrorKind::invalid, "app '{}' has no channel '{}'", app.name,
              printable(options.text("channel"), 64));
}

Result<Outcome> run(const Options& options, Context& context) {
  const Loaded loaded = TRY(load_app(context, options));
  const signing::Trust trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  const spec::Channel* channel = TRY(channel_of(loaded.app(), options));
  cohort::Device device{options.text("device"), {}};
  for (const std::string& label : options.list("label")) {
    const auto equals = label.find('=');
    if (equals == std::string::npos)
      return fail_hint(ErrorKind::usage, "write --label ring=pilot", "'{}' is not a label",
                       printable(label, 64));
    device.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  TRY(cohort::check_device(device));
  const auto store = TRY(actions::open_channel(context.world, loaded.repository(), *channel));
  const auto published = TRY(channel::read_published(*store, trust, loaded.app().name, channel->name));
  if (!published)
    return fail_hint(ErrorKind::invalid, "start a rollout: tranche rollout start",
                     "nothing is published on channel '{}' yet", channel->name);

  const std::string running = options.text("running");
  const cohort::Directions& directions = published->feed.directions;
  const cohort::Decision decision = cohort::decide(directions, device, running);
  const cohort::Placement placement = cohort::place(directions, device);
  doc::Value steps = doc::Value::array();
  const std::string outcome = decision.version.empty() ? (running.empty() ? "nothing" : "keeps " + running)
                                                       : "gets " + decision.version;
  std::string text = fmt::format("{} {}: {}\n", device.id, outcome, cohort::to_text(decision.reason));
  for (const std::string& line : cohort::explain(directions, device, running)) {
    steps.push(line);
    text += "  " + line + "\n";
  }
  return Outcome{
      0,
      doc::Value::object({{"schema", "tranche/explain/v1"},
                          {"device", device.id},
                          {"channel", channel->name},
                          {"sequence", published->feed.sequence},
                          {"version", decision.version.empty() ? doc::Value() : doc::Value(decision.version)},
                          {"reason", cohort::to_text(decision.reason)},
                          {"arm", cohort::to_text(placement.arm)},
                          {"bucket", std::to_string(decision.bucket)},
                          {"steps", steps}}),
      text};
}

}  // namespace

Command explain() {
  return {
      .name = "explain",
      .summary = "why does this device get this version",
      .help_path = "commands/explain.md",
      .arguments = {{.name = "device", .help = "the device's id"}},
      .flags = {{.name = "channel",
                 .value = "CHANNEL",
                 .help = "which stream; may be left out when there is one"},
                {.name = "label", .value = "NAME=VALUE", .help = "a label of the device", .repeated = true},
                {.name = "running", .value = "VERSION", .help = "what the device runs now"},
                app_flag()},
      .run = run};
}

}  // namespace tranche::commands
