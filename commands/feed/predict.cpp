#include <algorithm>
#include <map>

#include "actions/stores.hpp"
#include "base/text.hpp"
#include "channel/feed.hpp"
#include "commands/commands.hpp"
#include "commands/feed/reading.hpp"
#include "commands/rollout/devices.hpp"
#include "commands/served.hpp"
#include "commands/support.hpp"

namespace tranche::commands {
namespace {

constexpr std::size_t shown_devices = 20;

struct Predicted {
  std::string_view offered;  // empty: nothing
  std::string_view reason;
};

// One answer a device, as text of both kinds; a million of them stay a stream of bytes.
class Answers {
 public:
  void add(const std::string& id, const Predicted& answer) {
    json_ += json_.empty() ? "{\"id\":" : ",{\"id\":";
    append_quoted(id);
    json_ += ",\"offered\":";
    if (answer.offered.empty())
      json_ += "null";
    else
      append_quoted(answer.offered);
    json_ += ",\"reason\":";
    append_quoted(answer.reason);
    json_ += '}';
    const std::string_view what = answer.offered.empty() ? std::string_view("nothing") : answer.offered;
    if (last_ == of_.end() || last_->first != what) last_ = of_.try_emplace(std::string(what), 0).first;
    ++last_->second;
    if (++count_ <= shown_devices)
      table_.row({printable(id, 64), std::string(what), std::string(answer.reason)});
  }

  Outcome outcome(const std::string& channel, const std::string& feed) {
    Outcome out;
    out.json_text =
        "{\"schema\":\"tranche/feed-predict/v1\",\"channel\":" + doc::to_json(doc::Value(channel)) +
        ",\"feed\":" + doc::to_json(doc::Value(feed)) + ",\"devices\":[" + json_ + "]}";
    out.text = table_.text();
    if (count_ > shown_devices) out.text += fmt::format("and {} more\n", count_ - shown_devices);
    for (const auto& [version, devices] : of_)
      out.text += fmt::format("{} of {} ({:.2f}%): {}\n", devices, count_,
                              100.0 * static_cast<double>(devices) / static_cast<double>(count_), version);
    return out;
  }

 private:
  void append_quoted(std::string_view text) {
    const bool plain =
        std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    if (!plain) {
      json_ += doc::to_json(doc::Value(text));
      return;
    }
    json_ += '"';
    json_ += text;
    json_ += '"';
  }

  std::string json_;
  Table table_{{"device", "offered", "reason"}};
  std::map<std::string, std::size_t> of_;  // devices by what they are offered
  std::map<std::string, std::size_t>::iterator last_ = of_.end();
  std::size_t count_ = 0;
};

Result<> predict_native(store::Store& store, const signing::Trust& trust, const std::string& app,
                        const spec::Channel& channel, const std::vector<ListedDevice>& devices,
                        Answers& answers) {
  const auto published = TRY(channel::read_published(store, trust, app, channel.name));
  if (!published)
    return fail_hint(ErrorKind::invalid, "start a rollout: tranche rollout start",
                     "nothing is published on channel '{}' yet", channel.name);
  for (const ListedDevice& one : devices) {
    const cohort::Decision decision = cohort::decide(published->feed.directions, one.device, one.running);
    answers.add(one.device.id, {decision.version, cohort::to_text(decision.reason)});
  }
  return {};
}

// As `tranche serve` answers: the directions are the native feed's.
Result<> predict_served(store::Store& store, const signing::Trust& trust, const spec::App& app,
                        const spec::Channel& channel, const Options& options,
                        const std::vector<ListedDevice>& devices, Answers& answers) {
  const auto published = TRY(channel::read_published(store, trust, app.name, channel.name));
  if (!published)
    return fail_hint(ErrorKind::invalid, "start a rollout: tranche rollout start",
                     "nothing is published on channel '{}' yet", channel.name);
  std::map<std::string, cohort::Served> by_file;
  for (const ListedDevice& one : devices) {
    const std::string& file = one.feed_channel.empty() ? options.text("feed-channel") : one.feed_channel;
    auto found = by_file.find(file);
    if (found == by_file.end())
      found =
          by_file
              .emplace(file,
                       TRY(served_feed(app, channel, options.text("feed"), file, published->feed.directions)))
              .first;
    const cohort::Decision decision = found->second.choose({one.device, one.running, false});
    answers.add(one.device.id, {decision.version, cohort::to_text(decision.reason)});
  }
  return {};
}

Result<Outcome> run(const Options& options, Context& context) {
  const Loaded loaded = TRY(load_app(context, options));
  const spec::Channel* channel = loaded.app().channel(options.text("channel"));
  if (channel == nullptr)
    return fail(ErrorKind::invalid, "app '{}' has no channel '{}'", loaded.app().name,
                printable(options.text("channel"), 64));
  const std::string feed = options.text("feed");
  const auto store = TRY(actions::open_channel(context.world, loaded.repository(), *channel));
  const auto devices = TRY(read_listed_devices(context, options.text("devices")));
  Answers answers;
  if (feed == "tranche" || options.given("served")) {
    const signing::Trust trust = TRY(load_trust(context, loaded.spec, loaded.app()));
    if (options.given("served"))
      TRY(predict_served(*store, trust, loaded.app(), *channel, options, devices, answers));
    else
      TRY(predict_native(*store, trust, loaded.app().name, *channel, devices, answers));
    return answers.outcome(channel->name, feed);
  }
  std::map<std::string, std::unique_ptr<channel::View>> views;  // by feed channel
  for (const ListedDevice& one : devices) {
    const std::string& file = one.feed_channel.empty() ? options.text("feed-channel") : one.feed_channel;
    auto& view = views[file];
    if (view == nullptr)
      view =
          TRY(read_feed(*store, *channel, feed, {file, options.text("platform")}, context.world.clock.now()));
    const channel::Answer answer = view->ask({one.device.id, one.running});
    answers.add(one.device.id, {answer.offered, answer.reason});
  }
  return answers.outcome(channel->name, feed);
}

}  // namespace

Command feed_predict() {
  return {
      .name = "feed predict",
      .summary = "what each device would be offered, by its client's own arithmetic",
      .help_path = "commands/feed/predict.md",
      .arguments = {{.name = "channel", .help = "a name under channels:"}},
      .flags = {{.name = "feed", .value = "FEED", .help = "which feed's client", .required = true},
                {.name = "devices",
                 .value = "FILE",
                 .help = "one id a line, or NDJSON of {\"id\",\"version\",\"labels\",\"feed-channel\"}",
                 .required = true},
                {.name = "feed-channel", .value = "NAME", .help = "the devices read this cohort's own file"},
                {.name = "served", .help = "what `tranche serve` answers, not what the file says"},
                {.name = "platform", .value = "OS/ARCH", .help = "linux/amd64; which file they read"},
                app_flag()},
      .run = run};
}

}  // namespace tranche::commands
