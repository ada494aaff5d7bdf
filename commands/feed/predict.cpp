#include <algorithm>
#include <functional>
#include <map>
#include <memory>

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

// What one device is offered. The text lives as long as the predictor.
using Predict = std::function<Result<Predicted>(const ListedDevice&)>;

Result<cohort::Directions> published_directions(store::Store& store, const signing::Trust& trust,
                                                const std::string& app, const spec::Channel& channel) {
  auto published = TRY(channel::read_published(store, trust, app, channel.name));
  if (!published)
    return fail_hint(ErrorKind::invalid, "start a rollout: tranche rollout start",
                     "nothing is published on channel '{}' yet", channel.name);
  return std::move(published->feed.directions);
}

// `of` makes what answers for the devices that read one file; each is made once.
template <class T>
class ByFile {
 public:
  ByFile(std::string usual, std::function<Result<T>(const std::string&)> of)
      : usual_(std::move(usual)), of_(std::move(of)) {}
  Result<T*> get(const ListedDevice& device) {
    const std::string& file = device.feed_channel.empty() ? usual_ : device.feed_channel;
    if (last_ != known_.end() && last_->first == file) return &last_->second;
    last_ = known_.find(file);
    if (last_ == known_.end()) {
      T made = TRY(of_(file));
      last_ = known_.emplace(file, std::move(made)).first;
    }
    return &last_->second;
  }

 private:
  std::string usual_;
  std::function<Result<T>(const std::string&)> of_;
  std::map<std::string, T> known_;
  typename std::map<std::string, T>::iterator last_ = known_.end();
};

Result<Outcome> run_feed_predict(const Options& options, Context& context) {
  const Loaded loaded = TRY(load_app(context, options));
  const spec::App& app = loaded.app();
  const spec::Channel* channel = app.channel(options.text("channel"));
  if (channel == nullptr)
    return fail(ErrorKind::invalid, "app '{}' has no channel '{}'", app.name,
                printable(options.text("channel"), 64));
  const std::string feed = options.text("feed"), platform = options.text("platform");
  const auto store = TRY(actions::open_channel(context.world, loaded.repository(), *channel));
  const bool served = options.given("served");
  cohort::Directions directions;
  if (served || feed == "tranche") {
    const signing::Trust trust = TRY(load_trust(context, loaded.spec, app));
    directions = TRY(published_directions(*store, trust, app.name, *channel));
  }
  ByFile<cohort::Served> deciders(options.text("feed-channel"), [&](const std::string& file) {
    return served_feed(app, *channel, feed, file, directions);
  });
  ByFile<std::unique_ptr<channel::View>> views(options.text("feed-channel"), [&](const std::string& file) {
    return read_feed(*store, *channel, feed, {file, platform}, context.world.clock.now());
  });
  std::string version;
  const auto by_served = [&](const ListedDevice& one) -> Result<Predicted> {
    cohort::Served* decider = TRY(deciders.get(one));
    const cohort::Decision decision = decider->choose({one.device, one.running, false});
    version = decision.version;
    return Predicted{version, cohort::to_text(decision.reason)};
  };
  const auto by_native = [&](const ListedDevice& one) -> Result<Predicted> {
    const cohort::Decision decision = cohort::decide(directions, one.device, one.running);
    version = decision.version;
    return Predicted{version, cohort::to_text(decision.reason)};
  };
  const auto by_client = [&](const ListedDevice& one) -> Result<Predicted> {
    const std::unique_ptr<channel::View>* view = TRY(views.get(one));
    const channel::Answer answer = (*view)->ask({one.device.id, one.running});
    return Predicted{answer.offered, answer.reason};
  };
  const Predict predict = served              ? Predict(by_served)
                          : feed == "tranche" ? Predict(by_native)
                                              : Predict(by_client);
  Answers answers;
  TRY(each_listed_device(context, options.text("devices"), [&](const ListedDevice& one) -> Result<> {
    answers.add(one.device.id, TRY(predict(one)));
    return {};
  }));
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
      .run = run_feed_predict};
}

}  // namespace tranche::commands
