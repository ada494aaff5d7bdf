// A hotfix that goes on with an exposure, a plan that is amended, and rollouts that wait for each other.
#include "engine/engine_fixture.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using rollout::Phase;

namespace {

std::uint64_t below(const channel::Feed& feed) {
  REQUIRE(feed.directions.offer.has_value());
  REQUIRE(feed.directions.offer->rules.size() == 1);
  return feed.directions.offer->rules[0].below.value_or(0);
}

// 1.0.0 shipped; 1.1.0 at its second stage of three.
struct MidRamp : AppWorld {
  explicit MidRamp(const std::string& yaml = usual_yaml) : AppWorld(yaml) {
    ship("1.0.0");
    build_and_create("1.1.0");
    must(start("1.1.0"));
    tick_until([](const auto& state) { return state.stage == 1 && !state.pending; });
  }
  Result<Report> supersede(const std::string& version) {
    auto deck = TRY(try_open());
    return engine_on(*deck).start({"desktop", version, true, "a fix", true});
  }
  Result<Report> amend(const std::string& yaml) {
    apps = must(spec::parse(yaml)).apps;
    app = apps[0];
    auto deck = TRY(try_open());
    return engine_on(*deck).amend("desktop", "other numbers");
  }
};

// DESKTOP and BACKEND: more keys of their rollouts.
constexpr const char* two_apps = R"(
version: 1
artifacts: ["dist/notes_{version}_amd64.deb"]
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: env:TRANCHE_RELEASE_KEY, feed: env:TRANCHE_FEED_KEY, journal: env:TRANCHE_JOURNAL_KEY }
state: dir:state
apps:
  desktop:
    channels: { stable: { store: "dir:public" } }
    undo-order: [desktop, backend]
    rollouts: { desktop: { channel: stable, DESKTOP, stages: [ { percent: 50, bake: 1s, gates: [] }, { percent: 100, bake: 1s, gates: [] } ], on-failure: rollback } }
    playbooks: { rollback: { steps: [ { uses: channel.withdraw }, { uses: channel.fallback } ] } }
  backend:
    channels: { service: { store: "dir:service" } }
    undo-order: [desktop, backend]
    rollouts: { backend: { channel: service, BACKEND stages: [ { percent: 20, bake: 1s, gates: [] }, { percent: 100, bake: 1s, gates: [] } ], on-failure: rollback } }
    playbooks: { rollback: { steps: [ { uses: channel.withdraw }, { uses: channel.fallback } ] } }
)";

// The two apps of one file; commands name the app.
struct TwoApps : AppWorld {
  explicit TwoApps(const std::string& desktop_keys)
      : AppWorld(replace_all(replace_all(two_apps, "DESKTOP", desktop_keys), "BACKEND", "")) {}
  void be(const std::string& name) {
    for (const spec::App& one : apps)
      if (one.name == name) app = one;
    REQUIRE(app.name == name);
  }
  void create_for(const std::string& name, const std::string& version) {
    be(name);
    build_and_create(version);
  }
  Report tick_of(const std::string& name) {
    be(name);
    fake.clock.advance(1s);
    return must(advance(name));
  }
  void finish(const std::string& name) {
    for (int i = 0; i < 10; ++i) tick_of(name);
    REQUIRE(status(name).state.phase == Phase::done);
  }
};

}  // namespace

TEST_CASE("a hotfix in mid-ramp goes on with the same devices, and the old release is no longer offered") {
  MidRamp w;
  w.build_and_create("1.1.1");
  CHECK(w.start("1.1.1").error().kind == ErrorKind::conflict);
  const channel::Feed before = *w.published_feed();
  Report report = must(w.supersede("1.1.1"));
  CHECK(report.state.phase == Phase::baking);
  CHECK(report.state.stage == 1);
  CHECK(report.state.supersedes.starts_with("desktop/1.1.0/"));
  const channel::Feed feed = *w.published_feed();
  CHECK(feed.directions.offer->release == "1.1.1");
  CHECK(below(feed) == below(before));
  CHECK(feed.directions.offer->salt == before.directions.offer->salt);
  CHECK(feed.directions.withdrawn.empty());
  CHECK(feed.directions.baseline == "1.0.0");
  // The same again is the same start.
  CHECK(must(w.supersede("1.1.1")).state.id == report.state.id);
  CHECK(w.tick_until_final().state.phase == Phase::done);
  CHECK(w.published_feed()->directions.baseline == "1.1.1");
  bool ended = false;
  for (const journal::Entry& entry : w.entries()) ended = ended || entry.kind == "rollout.superseded";
  CHECK(ended);
}

TEST_CASE("what must not be superseded is refused, and nothing is written") {
  MidRamp w;
  w.build_and_create("1.0.9");
  w.build_and_create("1.1.1");
  const auto before = w.visible();
  CHECK(w.supersede("1.0.9").error().kind == ErrorKind::invalid);  // older than what devices have
  CHECK(w.visible() == before);
  w.fake.files.fault = [](std::string_view op, std::string_view path) -> Result<> {
    if (op == "write" && path.starts_with("/repo/public/")) return fail(ErrorKind::failed, "no space");
    return {};
  };
  (void)w.apply(rollout::Stop{"bad"});
  w.fake.files.fault = nullptr;
  if (w.status().state.phase == Phase::rolling_back)
    CHECK(w.supersede("1.1.1").error().kind == ErrorKind::denied);
}

TEST_CASE("a hotfix does not skip an approval") {
  MidRamp w;
  w.add_key("ana", "TRANCHE_ANA_KEY", 'a');
  const std::string yaml =
      replace_all(replace_all(usual_yaml, "percent: 50,", "percent: 50, approval: managers,"),
                  "channels:", "people: { managers: { keys: [keys/ana.pub] } }\nchannels:");
  w.apps = must(spec::parse(yaml)).apps;
  w.app = w.apps[0];
  w.build_and_create("1.1.1");
  const auto refused = w.supersede("1.1.1");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::denied);
  CHECK(refused.error().message.find("must approve") != std::string::npos);
}

TEST_CASE("a stop after a supersede takes the new release back, and the old rollout stays superseded") {
  MidRamp w;
  w.build_and_create("1.1.1");
  must(w.supersede("1.1.1"));
  const Report report = must(w.apply(rollout::Stop{"bad too"}));
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(report.state.release == "1.1.1");
  CHECK_FALSE(w.published_feed()->directions.offer.has_value());
}

TEST_CASE("an amended plan goes on where it was, with both digests in the journal") {
  MidRamp w;
  const std::string before = w.status().state.plan_digest;
  const channel::Feed feed = *w.published_feed();
  const Report report =
      must(w.amend(replace_all(usual_yaml, "{ percent: 100, bake: 2s }",
                               "{ percent: 80, bake: 1s, gates: [] }\n      - { percent: 100, bake: 4s }")));
  CHECK(report.state.stage == 1);
  CHECK(report.state.plan_digest != before);
  CHECK(report.plan.stages.size() == 4);
  CHECK(w.published_feed()->directions == feed.directions);
  bool told = false;
  for (const journal::Entry& entry : w.entries())
    if (entry.kind == "rollout.amended") {
      told = true;
      CHECK(entry.reason == "other numbers");
      const std::string what = doc::to_json(entry.data);
      CHECK(what.find(before.substr(0, 12)) != std::string::npos);
      CHECK(what.find(report.state.plan_digest.substr(0, 12)) != std::string::npos);
      CHECK(what.find("stages") != std::string::npos);
    }
  CHECK(told);
  Report next = w.tick_until([](const auto& state) { return state.stage == 2 && !state.pending; });
  CHECK(below(*w.published_feed()) == cohort::threshold(Percent{800'000}));
  CHECK(w.tick_until_final().state.phase == Phase::done);
}

TEST_CASE("an amendment with nothing in it writes nothing; one that moves exposure is refused") {
  MidRamp w;
  const auto before = w.visible();
  must(w.amend(usual_yaml));
  CHECK(w.visible() == before);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"      - { percent: 50, bake: 3s..12s, gates: [crashes] }\n", ""},
           {"percent: 50,", "percent: 60,"},
           {"percent: 50,", "percent: 40,"}}) {
    CAPTURE(to);
    const auto refused = w.amend(replace_all(usual_yaml, from, to));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::denied);
    CHECK(w.visible() == before);
  }
}

TEST_CASE("two apps share a state store; one waits until the other has come so far") {
  TwoApps w("after: { rollout: backend, stage: \"100%\" }");
  w.create_for("backend", "2.0.0");
  w.create_for("desktop", "1.0.0");
  Report desktop = must(w.start("1.0.0", "desktop"));
  CHECK(desktop.state.phase == Phase::waiting);
  CHECK(desktop.state.because == "rollout 'backend' was never started");
  w.be("backend");
  must(w.start("2.0.0", "backend"));
  desktop = w.tick_of("desktop");
  CHECK(desktop.state.because == "rollout 'backend' has not reached its stage '100%'");
  w.tick_of("backend");
  CHECK(w.status("backend").state.stage == 1);
  desktop = w.tick_of("desktop");
  CHECK(desktop.state.phase == Phase::baking);
  // It is taken back: the desktop grows no more.
  w.be("backend");
  must(w.apply(rollout::Stop{"bad"}, "backend"));
  for (int i = 0; i < 3; ++i) desktop = w.tick_of("desktop");
  CHECK(desktop.state.stage == 0);
  REQUIRE(desktop.state.waits.size() == 1);
  CHECK(desktop.state.waits[0].why == "rollout 'backend' took release 2.0.0 back");
}

TEST_CASE("a required version is that of everyone, read from the other app's journal") {
  TwoApps w("requires: { backend: \">=2.3\" }");
  w.create_for("backend", "2.2.0");
  must(w.start("2.2.0", "backend"));
  w.finish("backend");
  w.create_for("desktop", "1.0.0");
  Report desktop = must(w.start("1.0.0", "desktop"));
  CHECK(desktop.state.because == "app 'backend' is at 2.2.0, and >=2.3 is required");
  w.create_for("backend", "2.3.0");
  must(w.start("2.3.0", "backend"));
  CHECK(w.tick_of("desktop").state.phase == Phase::waiting);
  w.finish("backend");
  CHECK(w.tick_of("desktop").state.phase == Phase::baking);
  // A journal that cannot be read is not met.
  for (auto& [path, bytes] : w.fake.files.bytes)
    if (path.starts_with("/repo/state/backend/checkpoint")) bytes = "not a checkpoint";
  for (int i = 0; i < 3; ++i) desktop = w.tick_of("desktop");
  CHECK(desktop.state.stage == 0);
  CHECK(desktop.state.waits.at(0).why.find("cannot be read") != std::string::npos);
}

TEST_CASE("undo-order: what others need is taken back after them, and a stop asks nobody") {
  TwoApps w("after: { rollout: backend }");
  w.create_for("backend", "2.0.0");
  must(w.start("2.0.0", "backend"));
  w.finish("backend");
  w.create_for("desktop", "1.0.0");
  must(w.start("1.0.0", "desktop"));
  w.finish("desktop");
  w.be("backend");
  {
    auto deck = w.open();
    const auto refused = w.engine_on(*deck).undo("backend", "found later");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::denied);
    CHECK(refused.error().hint == "take it back first: tranche rollout undo desktop");
  }
  SUBCASE("in order") {
    w.be("desktop");
    {
      auto deck = w.open();
      // A first release: nothing to go back to, so its devices are stranded, and still need the service.
      CHECK(must(w.engine_on(*deck).undo("desktop", "first")).state.phase == Phase::stranded);
    }
    w.be("backend");
    auto deck = w.open();
    CHECK(w.engine_on(*deck).undo("backend", "then").error().message.find("stranded") != std::string::npos);
  }
  SUBCASE("the red button") {
    CHECK(rollout::is_final(must(w.apply(rollout::Stop{"now"}, "backend")).state.phase));
  }
}
