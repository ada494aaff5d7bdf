// Crash is a normal way to stop: the whole story of a channel, killed at every write and every request, goes
// on where it was and ends in the same place.
//
// The story: 1.0.0 ships, 1.1.0 is bad and rolled back by its gate, 1.2.0 is stopped by a person, 1.3.0 ships
// and is undone. Each line of it is a run of the binary of its own. A kill is an operation after which
// nothing of the process reaches the world any more, with that operation's effect or without it. The killed
// run is then run again, as cron and people do. The clock stands still meanwhile, so that both stories see
// the same windows.
#include <array>
#include <iostream>
#include <random>
#include <set>

#include "engine/engine_fixture.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using rollout::Phase;

namespace {

struct Kill {
  int at = 0;          // the n-th operation that changes the world, from 1; counted on from the last kill
  bool after = false;  // its effect takes place
};

// The usual file with short stages: fewer ticks, the same turns.
std::string short_yaml() {
  std::string yaml = usual_yaml;
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"3s..12s", "1s..12s"},
                                 {"3s..12s", "1s..12s"},
                                 {"bake: 2s", "bake: 1s"}}) {
    REQUIRE(yaml.find(from) != std::string::npos);
    yaml.replace(yaml.find(from), from.size(), to);
  }
  return yaml;
}

class Executioner {
 public:
  explicit Executioner(std::vector<Kill> kills) : kills_(std::move(kills)) {}
  // Before an operation; `changing` ones can be the last. True: it takes place.
  bool allows(bool changing) {
    if (away) return true;
    if (dead_) return false;
    if (!changing) return true;
    ++operations;
    if (next_ == kills_.size() || ++since_ < kills_[next_].at) return true;
    dead_ = true;
    return kills_[next_].after;
  }
  [[nodiscard]] bool dead() const { return dead_; }
  [[nodiscard]] std::size_t kills() const { return kills_.size(); }
  [[nodiscard]] bool over() const { return next_ == kills_.size(); }
  void revive() {
    dead_ = false;
    since_ = 0;
    ++next_;
  }
  int operations = 0;
  bool away = false;  // while the test itself looks

 private:
  std::vector<Kill> kills_;
  std::size_t next_ = 0;
  int since_ = 0;
  bool dead_ = false;
};

std::unexpected<Error> gone() { return fail(ErrorKind::failed, "the process is gone"); }

// What is left when a chapter is over, without times and entry numbers.
struct Ending {
  std::string published;  // the feed: directions, releases, plan
  std::string flags;
  std::string state;                 // phase, reason, evidence
  std::vector<std::string> steps;    // of the playbook
  std::vector<std::string> created;  // releases journalled
};

// Ships; is bad; is stopped at its second stage; is shipped and undone.
constexpr std::array versions{"1.0.0", "1.1.0", "1.2.0", "1.3.0"};

// The world between two chapters.
struct Bookmark {
  std::map<std::string, std::string> files;
  std::map<std::string, int> delivered;
};

class Story {
 public:
  explicit Story(std::vector<Kill> kills, const Bookmark& from = {})
      : w(short_yaml()), executioner(std::move(kills)) {
    w.fleet_size = 20;
    w.crashes_of_20["1.1.0"] = 100;
    for (const char* version : versions) w.build(version);
    for (const auto& [path, bytes] : from.files) w.fake.files.bytes[path] = bytes;
    w.delivered = from.delivered;
    w.fake.files.fault = [this](std::string_view op, std::string_view) -> Result<> {
      if (!executioner.allows(op == "write" || op == "create" || op == "copy" || op == "remove"))
        return gone();
      return {};
    };
    const auto fleet = w.fake.http.handler;
    w.fake.http.handler = [this, fleet](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      if (!executioner.allows(request.method == "POST")) return gone();
      auto response = fleet(request);
      if (executioner.dead()) return gone();  // it arrived, and nobody hears the answer
      return response;
    };
    // Busy at first, so that a retry is part of the story.
    w.hook = [this](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
      return ports::HttpResponse{++hooks_ % 2 == 1 ? 503 : 204, {}, {}};
    };
  }

  Ending tell(std::size_t chapter) {
    // Retries sleep: without this a request that was cut short would move the chapters after it.
    w.fake.clock.set(must(parse_instant("2026-01-01T00:00:00Z")) + chapter * 1h);
    const std::string version = versions[chapter];
    hooks_ = 0;
    executioner.away = true;
    const std::uint64_t first_entry = w.open()->journal().size();
    executioner.away = false;
    again([&] { return w.create(version); });
    Report report = again([&] { return w.start(version); });
    const auto stop = [&] { return w.apply(rollout::Stop{"red button"}); };
    for (int ticks = 0; !rollout::is_final(report.state.phase); ++ticks) {
      REQUIRE(ticks < 60);
      if (version == "1.2.0" && report.state.stage == 1) {
        report = again(stop);
      } else {
        w.fake.clock.advance(1s);
        report = again([&] { return w.advance(); });
      }
    }
    if (version == "1.3.0") report = again(stop);
    executioner.away = true;
    const Ending ending = read_ending(report, first_entry);
    executioner.away = false;
    return ending;
  }
  [[nodiscard]] Bookmark bookmark() const { return {w.fake.files.bytes, w.delivered}; }

  AppWorld w;
  Executioner executioner;
  std::set<std::string> may_be_unknown;  // releases whose request was cut short

 private:
  // Runs the binary until it is not killed.
  template <class Run>
  auto again(const Run& run) -> std::decay_t<decltype(*run())> {
    while (true) {
      auto result = run();
      if (!executioner.dead()) return must(std::move(result));
      executioner.revive();
      look_around();
    }
  }

  // What others see while the process is dead.
  void look_around() {
    executioner.away = true;
    auto deck = w.open();
    const spec::Channel& channel = w.app.channels[0];
    store::Store* store = must(deck->channel_store(channel));
    if (const auto feed = w.published_feed()) {
      CHECK(feed->sequence >= seen_);
      seen_ = feed->sequence;
      for (const auto& finding : must(channel::check_channel(*store, deck->trust(), w.app.name, channel.name,
                                                             w.fake.clock.now(), true))) {
        CAPTURE(finding.check);
        CAPTURE(finding.detail);
        CHECK(finding.ok);
      }
    }
    if (const auto entry = must(deck->journal().latest(deck->playbook_subject("desktop")))) {
      const playbook::Run run = must(playbook::run_from_value(entry->state));
      for (const playbook::StepRecord& step : run.steps)
        if (step.uses == "http.request" && step.status == playbook::Status::running)
          may_be_unknown.insert(must(Engine(*deck).status("desktop")).state.release);
    }
    executioner.away = false;
  }

  Ending read_ending(const Report& report, std::uint64_t first_entry) {
    Ending ending;
    const rollout::State& state = report.state;
    ending.state = fmt::format("{} {} {} stage {}: {}", state.rollout, state.release,
                               rollout::to_text(state.phase), state.stage, state.because);
    for (const auto& [name, memory] : state.gates)
      ending.state += " " + name + " " + doc::to_json(gate::to_value(memory.process));
    if (report.playbook)
      for (const playbook::StepRecord& step : report.playbook->steps)
        ending.steps.push_back(step.uses + " " + std::string(playbook::to_text(step.status)));
    const channel::Feed feed = *w.published_feed();
    ending.published = doc::to_json(actions::to_value(feed.directions)) + feed.plan;
    for (const channel::ReleaseRef& ref : feed.releases) ending.published += " " + ref.manifest_sha256;
    if (auto set = w.published_flags()) {
      set->sequence = 0;
      ending.flags = flags::to_payload(*set);
    }
    auto deck = w.open();
    for (const journal::Entry& entry : must(deck->journal().read(first_entry, deck->journal().size())))
      if (entry.kind == "release.created") ending.created.push_back(must(entry.data.text("version")));
    if (executioner.kills() != 1) must(deck->journal().verify());  // the whole log: not at every kill point
    return ending;
  }

  int hooks_ = 0;
  std::uint64_t seen_ = 0;
};

// The same ending, but for a request that was cut short: shown as unknown, and never sent again once heard.
void check_same(Ending got, const Ending& undisturbed, const Story& story, const std::string& version) {
  for (std::string& step : got.steps)
    if (step == "http.request unknown" && story.may_be_unknown.contains(version)) step = "http.request done";
  CHECK(got.published == undisturbed.published);
  CHECK(got.flags == undisturbed.flags);
  CHECK(got.state == undisturbed.state);
  CHECK(got.steps == undisturbed.steps);
  CHECK(got.created == undisturbed.created);
  for (const auto& [key, times] : story.w.delivered) {
    CAPTURE(key);
    CHECK(times <= 1);
  }
}

}  // namespace

TEST_CASE("killed at any write or request, and run again, the story ends where it would have") {
  Story undisturbed({});
  int points = 0;
  for (std::size_t chapter = 0; chapter < versions.size(); ++chapter) {
    const std::string version = versions[chapter];
    CAPTURE(version);
    const Bookmark bookmark = undisturbed.bookmark();
    const int before = undisturbed.executioner.operations;
    const Ending ending = undisturbed.tell(chapter);
    CHECK(ending.created == std::vector<std::string>{version});
    if (chapter > 0)
      CHECK(ending.steps == std::vector<std::string>{"flag.set done", "channel.withdraw done",
                                                     "channel.fallback done", "http.request done"});
    for (int at = 1; at <= undisturbed.executioner.operations - before; ++at)
      for (const bool after : {false, true}) {
        CAPTURE(at);
        CAPTURE(after);
        Story story({{at, after}}, bookmark);
        const Ending got = story.tell(chapter);
        REQUIRE(story.executioner.over());
        check_same(got, ending, story, version);
        ++points;
      }
  }
  CHECK(undisturbed.w.delivered.size() == 3);
  std::cout << "kill points: " << points << " (" << undisturbed.executioner.operations
            << " operations, with and without the effect of each)\n";
}

TEST_CASE("killed again and again, at random, the story ends where it would have") {
  Story undisturbed({});
  std::vector<Ending> endings;
  for (std::size_t chapter = 0; chapter < versions.size(); ++chapter)
    endings.push_back(undisturbed.tell(chapter));
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<Kill> kills;
    for (int i = 0; i < 40; ++i) kills.push_back({static_cast<int>(random() % 25) + 1, random() % 2 == 0});
    Story story(kills);
    for (std::size_t chapter = 0; chapter < versions.size(); ++chapter)
      check_same(story.tell(chapter), endings[chapter], story, versions[chapter]);
  }
}
