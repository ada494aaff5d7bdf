#include "actions/stores.hpp"
#include "base/text.hpp"
#include "channel/feed.hpp"
#include "commands/commands.hpp"
#include "commands/feed/reading.hpp"
#include "commands/served.hpp"
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

// The one decision function over the signed feed.
void explain_native(const channel::Feed& feed, const cohort::Device& device, const std::string& running,
                    Outcome& outcome) {
  const cohort::Directions& directions = feed.directions;
  const cohort::Decision decision = cohort::decide(directions, device, running);
  const cohort::Placement placement = cohort::place(directions, device);
  doc::Value steps = doc::Value::array();
  const std::string what = decision.version.empty() ? (running.empty() ? "nothing" : "keeps " + running)
                                                    : "gets " + decision.version;
  outcome.text = fmt::format("{} {}: {}\n", device.id, what, cohort::to_text(decision.reason));
  for (const std::string& line : cohort::explain(directions, device, running)) {
    steps.push(line);
    outcome.text += "  " + line + "\n";
  }
  outcome.json.set("sequence", feed.sequence);
  outcome.json.set("version", decision.version.empty() ? doc::Value() : doc::Value(decision.version));
  outcome.json.set("reason", cohort::to_text(decision.reason));
  outcome.json.set("arm", cohort::to_text(placement.arm));
  outcome.json.set("bucket", std::to_string(decision.bucket));
  outcome.json.set("steps", std::move(steps));
}

// The file that an updater reads, by its client's own arithmetic.
Result<doc::Value> explain_feed(store::Store& store, const spec::Channel& channel, const std::string& feed,
                                const FeedPlace& place, const channel::Asker& asker, Instant now,
                                std::string& text) {
  const auto view = TRY(read_feed(store, channel, feed, place, now));
  const channel::Answer answer = view->ask(asker);
  text +=
      fmt::format("{}: {}: {}\n", feed,
                  answer.offered.empty() ? std::string("nothing") : "offers " + std::string(answer.offered),
                  answer.reason);
  doc::Value steps = doc::Value::array();
  for (const std::string& line : view->explain(asker)) {
    steps.push(line);
    text += "  " + line + "\n";
  }
  return doc::Value::object({{"feed", feed},
                             {"offered", answer.offered.empty() ? doc::Value() : doc::Value(answer.offered)},
                             {"reason", answer.reason},
                             {"steps", steps}});
}

// That was the file's word, for clients that are not sent to the server yet. Where they are, it decides.
Result<> explain_served(store::Store& store, const signing::Trust& trust, const spec::App& app,
                        const spec::Channel& channel, const std::string& feed,
                        const std::string& feed_channel, const cohort::Question& question,
                        doc::Value& explained, std::string& text) {
  const auto published = TRY(channel::read_published(store, trust, app.name, channel.name));
  if (!published) return {};
  const auto served = TRY(served_feed(app, channel, feed, feed_channel, published->feed.directions));
  const cohort::Decision decision = served.choose(question);
  const std::string_view reason = cohort::to_text(decision.reason);
  text += fmt::format("  `tranche serve` {}: {}\n",
                      decision.version.empty() ? std::string("tells it to keep what it runs")
                                               : "gives it " + decision.version,
                      reason);
  explained.set(
      "served",
      doc::Value::object({{"version", decision.version.empty() ? doc::Value() : doc::Value(decision.version)},
                          {"reason", reason}}));
  return {};
}

Result<Outcome> run_explain(const Options& options, Context& context) {
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
  const std::string running = options.text("running");
  const std::string only = options.text("feed");
  if (!only.empty() && !channel->has_feed(only)) return fail(unknown_feed(*channel, only));

  Outcome outcome;
  outcome.json = doc::Value::object(
      {{"schema", "tranche/explain/v1"}, {"device", device.id}, {"channel", channel->name}});
  if (only.empty() || only == "tranche") {
    const auto published = TRY(channel::read_published(*store, trust, loaded.app().name, channel->name));
    if (!published)
      return fail_hint(ErrorKind::invalid, "start a rollout: tranche rollout start",
                       "nothing is published on channel '{}' yet", channel->name);
    explain_native(published->feed, device, running, outcome);
  }
  doc::Value feeds = doc::Value::array();
  for (const std::string& feed : channel->feeds) {
    if (feed == "tranche" || (!only.empty() && feed != only)) continue;
    auto explained =
        TRY(explain_feed(*store, *channel, feed, {options.text("feed-channel"), options.text("platform")},
                         {device.id, running}, context.world.clock.now(), outcome.text));
    if (is_served(*channel, feed))
      TRY(explain_served(*store, trust, loaded.app(), *channel, feed, options.text("feed-channel"),
                         {device, running, false}, explained, outcome.text));
    feeds.push(std::move(explained));
  }
  if (!feeds.as_array().empty()) outcome.json.set("feeds", std::move(feeds));
  return outcome;
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
                {.name = "feed", .value = "FEED", .help = "this feed only"},
                {.name = "feed-channel", .value = "NAME", .help = "the device reads this cohort's own file"},
                {.name = "platform", .value = "OS/ARCH", .help = "which file it reads: linux/amd64"},
                app_flag()},
      .run = run_explain};
}

}  // namespace tranche::commands
