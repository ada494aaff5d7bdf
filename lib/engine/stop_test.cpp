// The red button: what devices read first, what waits beside the feed, and who wins a race.
#include <algorithm>

#include "actions/take_back.hpp"
#include "channel/spool.hpp"
#include "engine/engine_fixture.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using rollout::Phase;

namespace {

const std::string feed_path = "/repo/public/tranche/v1/feed.json";
const std::vector<cohort::Withdrawn> taken_back{{"1.1.0", "1.0.0"}};

struct Running : AppWorld {
  Running() {
    ship("1.0.0");
    build_and_create("1.1.0");
    must(start("1.1.0"));
  }
  // What a stop without the journal does, by hand: the spooled file, then the feed above it.
  std::string stop_beside(const std::string& release = "1.1.0", bool with_feed = true) {
    auto deck = open();
    const channel::Feed before = *published_feed();
    channel::SpooledStop stop{.app = "notes-agent",
                              .channel = "stable",
                              .rollout = "desktop",
                              .release = release,
                              .fallback = "1.0.0",
                              .by = "bo@example.org",
                              .reason = "at three in the morning",
                              .at = fake.clock.now(),
                              .seen_sequence = before.sequence,
                              .seen_sha256 = {}};
    const crypto::Ed25519Signer* key = must(deck->feed_key());
    const std::string envelope = must(channel::seal(stop, *key));
    fake.files.bytes["/repo/public/" + channel::spool_name(envelope)] = envelope;
    if (with_feed) {
      channel::Feed feed = before;
      feed.sequence += 1;
      feed.directions = actions::send_back(feed.directions, release, "1.0.0", "1.0.0");
      std::erase_if(feed.releases, [&](const auto& ref) { return ref.version == release; });
      fake.files.bytes[feed_path] = must(channel::seal(feed, *key));
    }
    return channel::spool_name(envelope);
  }
  bool waits(const std::string& name) const { return fake.files.bytes.contains("/repo/public/" + name); }
  int stops_in_journal() {
    const auto all = entries();
    return static_cast<int>(std::ranges::count(all, std::string("rollout.stopped"), &journal::Entry::kind));
  }
};

}  // namespace

TEST_CASE("a stop is read by devices before any step of the playbook is taken") {
  Running w;
  std::optional<channel::Feed> at_flag;
  w.fake.files.fault = [&](std::string_view op, std::string_view path) -> Result<> {
    if (op == "write" && path.ends_with(flags::flags_name) && !at_flag) {
      at_flag.emplace();  // asked for once, though reading asks again
      at_flag = w.published_feed();
    }
    return {};
  };
  const Report report = must(w.apply(rollout::Stop{"crashes"}));
  w.fake.files.fault = nullptr;
  REQUIRE(at_flag.has_value());
  CHECK(at_flag->directions.withdrawn == taken_back);
  CHECK_FALSE(at_flag->directions.offer.has_value());
  CHECK(report.state.phase == Phase::rolled_back);
  // Decided once: the playbook's own steps found it done.
  const auto all = w.entries();
  const auto stopped = std::ranges::find(all, std::string("rollout.stopped"), &journal::Entry::kind);
  REQUIRE(stopped != all.end());
  CHECK(std::count_if(stopped, all.end(), [](const auto& e) { return e.kind == "channel.directed"; }) == 1);
}

TEST_CASE("a stop that was pressed without the journal is taken in by the next tick") {
  for (const bool with_feed : {true, false}) {
    CAPTURE(with_feed);
    Running w;
    const std::string name = w.stop_beside("1.1.0", with_feed);
    const std::uint64_t spooled = w.published_feed()->sequence;
    const Report report = w.tick();
    CHECK(report.state.phase == Phase::rolled_back);
    CHECK(w.published_feed()->directions.withdrawn == taken_back);
    CHECK(w.published_feed()->sequence > spooled);
    CHECK_FALSE(w.waits(name));
    const auto all = w.entries();
    const auto entry = std::ranges::find(all, std::string("rollout.stopped"), &journal::Entry::kind);
    REQUIRE(entry != all.end());
    CHECK(entry->by == "bo@example.org");
    CHECK(entry->reason == "at three in the morning");
    const doc::Value* data = entry->data.find("spooled");
    REQUIRE(data != nullptr);
    CHECK(must(data->text("name")) == name);
    CHECK(must(channel::open_spooled(must(data->text("envelope")), w.open()->trust())).release == "1.1.0");
    w.tick();
    CHECK(w.stops_in_journal() == 1);
  }
}

TEST_CASE("the sequence of the feed goes on above what a stop without the journal published") {
  Running w;
  // Many offline publications: far above every index of the journal.
  {
    auto deck = w.open();
    channel::Feed feed = *w.published_feed();
    feed.sequence = 5'000;
    w.fake.files.bytes[feed_path] = must(channel::seal(feed, *must(deck->feed_key())));
  }
  w.stop_beside();
  w.tick();
  std::uint64_t last = w.published_feed()->sequence;
  CHECK(last == 5'002);
  w.fake.clock.advance(13h);
  w.tick(0s);  // signed anew
  CHECK(w.published_feed()->sequence == 5'003);
  w.build_and_create("1.2.0");
  must(w.start("1.2.0"));
  CHECK(w.published_feed()->sequence == 5'004);
  CHECK(w.tick_until_final().state.phase == Phase::done);
  CHECK(w.published_feed()->directions.baseline == "1.2.0");
  CHECK(w.published_feed()->sequence > 5'004);
}

TEST_CASE("nothing is published over a stop that waits, and what no trusted key signed stops nothing") {
  Running w;
  auto slept = w.open();  // decides, and sleeps before it publishes
  const std::string name = w.stop_beside();
  const std::string stopped = w.fake.files.bytes[feed_path];
  const auto draft = must(slept->decide(
      *w.app.channel("stable"), "late", {}, {}, [](cohort::Directions d) { return d; }, "late"));
  REQUIRE(draft.has_value());
  must(slept->append({*draft}));
  const auto late = slept->publish(*w.app.channel("stable"));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == ErrorKind::conflict);
  CHECK(late.error().message.find("bo@example.org") != std::string::npos);
  CHECK(w.fake.files.bytes[feed_path] == stopped);
  CHECK(w.tick().state.phase == Phase::rolled_back);

  w.fake.files.bytes["/repo/public/tranche/v1/spool/ffff.json"] = w.fake.files.bytes[feed_path];
  const Report report = w.tick();
  REQUIRE_FALSE(report.decisions.empty());
  CHECK(report.decisions[0].find("signed by no trusted feed key") != std::string::npos);
  CHECK(w.waits("tranche/v1/spool/ffff.json"));
}

TEST_CASE("an old stop that somebody puts back stops nothing that came after it") {
  Running w;
  const std::string name = w.stop_beside();
  const std::string envelope = w.fake.files.bytes["/repo/public/" + name];
  w.tick();
  w.build_and_create("1.2.0");
  must(w.start("1.2.0"));
  w.fake.files.bytes["/repo/public/" + name] = envelope;
  CHECK(w.tick().state.phase == Phase::baking);
  CHECK_FALSE(w.waits(name));
  CHECK(w.published_feed()->directions.offer->release == "1.2.0");
}

TEST_CASE("a stop goes above a feed that nothing in the journal explains") {
  Running w;
  const std::string name = w.stop_beside();
  w.fake.files.bytes.erase("/repo/public/" + name);  // lost
  const std::uint64_t there = w.published_feed()->sequence + 40;
  {
    auto deck = w.open();
    channel::Feed feed = *w.published_feed();
    feed.sequence = there;
    w.fake.files.bytes[feed_path] = must(channel::seal(feed, *must(deck->feed_key())));
  }
  CHECK(must(w.apply(rollout::Stop{"again"})).state.phase == Phase::rolled_back);
  CHECK(w.published_feed()->sequence == there + 1);
  CHECK(w.published_feed()->directions.withdrawn == taken_back);
}

TEST_CASE("killed anywhere while a waiting stop is taken in, the next tick ends in the same place") {
  int points = 0;
  for (int kill = 0;; ++kill) {
    CAPTURE(kill);
    Running w;
    const std::string name = w.stop_beside();
    int writes = 0;
    bool dead = false;
    w.fake.files.fault = [&](std::string_view op, std::string_view path) -> Result<> {
      const bool ours = path.starts_with("/repo/state/") || path.starts_with("/repo/public/");
      if (dead) return fail(ErrorKind::failed, "killed");
      if (ours && (op == "write" || op == "remove") && writes++ == kill) {
        dead = true;
        return fail(ErrorKind::failed, "killed");
      }
      return {};
    };
    w.fake.clock.advance(1s);
    const auto first = w.advance();
    w.fake.files.fault = nullptr;
    if (!dead) break;
    ++points;
    for (int i = 0; i < 3; ++i) w.tick();
    CHECK(w.status().state.phase == Phase::rolled_back);
    CHECK(w.stops_in_journal() == 1);
    CHECK_FALSE(w.waits(name));
    CHECK(w.published_feed()->directions.withdrawn == taken_back);
  }
  MESSAGE("killed at ", points, " points");
  CHECK(points > 10);
}

TEST_CASE("a stop between any two writes of a tick wins, and both end in the same place") {
  int points = 0;
  for (int at = 0;; ++at) {
    CAPTURE(at);
    Running w;
    w.tick_until([](const auto& state) { return state.stage == 0 && state.phase == Phase::baking; });
    int operations = 0;
    bool pressed = false;
    std::optional<Phase> after;
    w.fake.clock.advance(4s);
    const auto other = w.open();  // the tick's own deck is opened before the button is pressed
    w.fake.files.fault = [&](std::string_view op, std::string_view path) -> Result<> {
      const bool ours = path.starts_with("/repo/state/") || path.starts_with("/repo/public/");
      if (!pressed && ours && op == "lock" && operations++ == at) {
        pressed = true;
        const auto stopped = w.apply(rollout::Stop{"now"});
        REQUIRE_MESSAGE(stopped.has_value(), (stopped ? std::string() : stopped.error().message));
        after = stopped->state.phase;
      }
      return {};
    };
    const auto ticked = Engine(*other).advance("desktop");
    w.fake.files.fault = nullptr;
    if (!pressed) break;
    ++points;
    CHECK(after == Phase::rolled_back);
    if (!ticked) CHECK(ticked.error().kind == ErrorKind::conflict);
    CHECK(w.published_feed()->directions.withdrawn == taken_back);
    CHECK_FALSE(w.published_feed()->directions.offer.has_value());
    CHECK(w.tick().state.phase == Phase::rolled_back);
    CHECK(w.published_feed()->directions.withdrawn == taken_back);
  }
  MESSAGE("pressed at ", points, " points of a tick");
  CHECK(points >= 3);
}

TEST_CASE("a tick between any two writes of a stop does not keep it from its end") {
  int points = 0;
  for (int at = 0;; ++at) {
    CAPTURE(at);
    Running w;
    w.fake.clock.advance(1s);
    int operations = 0;
    bool ticked = false;
    w.fake.files.fault = [&](std::string_view op, std::string_view path) -> Result<> {
      const bool ours = path.starts_with("/repo/state/") || path.starts_with("/repo/public/");
      if (!ticked && ours && op == "lock" && operations++ == at) {
        ticked = true;
        static_cast<void>(w.advance().has_value());
      }
      return {};
    };
    const auto stopped = w.apply(rollout::Stop{"now"});
    w.fake.files.fault = nullptr;
    if (!ticked) break;
    ++points;
    REQUIRE_MESSAGE(stopped.has_value(), (stopped ? std::string() : stopped.error().message));
    CHECK(stopped->state.phase == Phase::rolled_back);
    CHECK(w.published_feed()->directions.withdrawn == taken_back);
  }
  MESSAGE("ticked at ", points, " points of a stop");
  CHECK(points >= 3);
}

TEST_CASE("property: the feed's sequence only grows, whoever publishes and whatever is killed") {
  const std::uint64_t seed = 20260101;
  MESSAGE("seed ", seed);
  support::SeededRandom random(seed);
  for (int story = 0; story < 12; ++story) {
    CAPTURE(story);
    Running w;
    std::uint64_t last = 0;
    int version = 1;
    for (int i = 0; i < 25; ++i) {
      int budget = random.below(3) == 0 ? static_cast<int>(random.below(12)) : -1;
      w.fake.files.fault = [&](std::string_view op, std::string_view) -> Result<> {
        if (budget < 0 || (op != "write" && op != "remove")) return {};
        return budget-- > 0 ? Result<>() : (budget = 0, fail(ErrorKind::failed, "killed"));
      };
      const std::uint64_t what = random.below(6);
      w.fake.clock.advance(what == 4 ? 13h : 1s);
      if (what <= 1 || what == 4) static_cast<void>(w.advance().has_value());
      if (what == 2) static_cast<void>(w.apply(rollout::Stop{"now"}).has_value());
      w.fake.files.fault = nullptr;
      if (what == 3) {
        const auto feed = w.published_feed();
        if (feed && feed->directions.offer) w.stop_beside(feed->directions.offer->release);
      }
      if (what == 5 && rollout::is_final(w.status().state.phase)) {
        const std::string next = fmt::format("1.{}.0", ++version);
        w.build_and_create(next);
        static_cast<void>(w.start(next).has_value());
      }
      const auto feed = w.published_feed();
      REQUIRE(feed.has_value());
      CHECK(feed->sequence >= last);
      last = feed->sequence;
      if (feed->directions.offer)
        for (const auto& withdrawn : feed->directions.withdrawn)
          CHECK(withdrawn.version != feed->directions.offer->release);
    }
  }
}
