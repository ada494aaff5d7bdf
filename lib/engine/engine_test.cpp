// Whole rollouts over fakes: what devices would read, and what the journal says, at every turn.
#include "engine/engine_fixture.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using rollout::Phase;

namespace {

bool is_baking_at(const rollout::State& state, std::size_t stage) {
  return state.phase == Phase::baking && state.stage == stage && !state.pending;
}

std::uint64_t share_of(const channel::Feed& feed) {
  REQUIRE(feed.directions.offer.has_value());
  REQUIRE(feed.directions.offer->rules.size() == 1);
  return feed.directions.offer->rules[0].below.value_or(0);
}

// The app with release 1.0.0 shipped, and 1.1.0 built and recorded.
struct Shipped : AppWorld {
  explicit Shipped(const std::string& yaml = usual_yaml) : AppWorld(yaml) {
    ship("1.0.0");
    build_and_create("1.1.0");
  }
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

const playbook::StepRecord& step_of(const Report& report, const std::string& uses) {
  REQUIRE(report.playbook.has_value());
  for (const playbook::StepRecord& step : report.playbook->steps)
    if (step.uses == uses) return step;
  FAIL("no step ", uses);
  return report.playbook->steps.front();
}

}  // namespace

TEST_CASE("a good release goes through every stage to done and becomes the baseline") {
  Shipped w;
  Report report = must(w.start("1.1.0"));
  CHECK(is_baking_at(report.state, 0));
  channel::Feed feed = *w.published_feed();
  CHECK(feed.directions.offer->release == "1.1.0");
  CHECK(feed.directions.baseline == "1.0.0");
  CHECK(feed.plan == report.state.plan_digest);
  CHECK(share_of(feed) == cohort::threshold(Percent{50'000}));
  CHECK_FALSE(is_baking_at(w.tick().state, 1));  // bake's minimum
  report = w.tick_until([](const auto& state) { return is_baking_at(state, 1); });
  CHECK(share_of(*w.published_feed()) == cohort::threshold(Percent{500'000}));
  w.tick_until([](const auto& state) { return is_baking_at(state, 2); });
  CHECK(w.published_feed()->directions.offer->rules[0].all);
  report = w.tick_until_final();
  CHECK(report.state.phase == Phase::done);
  feed = *w.published_feed();
  CHECK(feed.directions.baseline == "1.1.0");
  CHECK_FALSE(feed.directions.offer.has_value());
  CHECK(feed.directions.withdrawn.empty());
  CHECK_FALSE(report.playbook.has_value());
  auto deck = w.open();
  CHECK(must(deck->journal().verify()).entries == deck->journal().size());
  // A device that reads all this finds what was signed.
  for (const auto& finding :
       must(channel::check_channel(*must(deck->channel_store(w.app.channels[0])), deck->trust(), w.app.name,
                                   "stable", w.fake.clock.now(), true))) {
    CAPTURE(finding.check);
    CHECK(finding.ok);
  }
}

TEST_CASE("a bad release is rolled back by its gate, and the feed sends devices to the one before") {
  Shipped w;
  w.crashes_of_20["1.1.0"] = 100;
  must(w.start("1.1.0"));
  const Report report = w.tick_until_final();
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(report.state.because.find("gate 'crashes' failed") != std::string::npos);
  CHECK(report.state.detected.has_value());
  const channel::Feed feed = *w.published_feed();
  CHECK_FALSE(feed.directions.offer.has_value());
  CHECK(feed.directions.baseline == "1.0.0");
  CHECK(feed.directions.withdrawn == std::vector<cohort::Withdrawn>{{"1.1.0", "1.0.0"}});
  CHECK(cohort::decide(feed.directions, {"device-1", {}}, "1.1.0").version == "1.0.0");
  CHECK(cohort::decide(feed.directions, {"device-1", {}}, "").version == "1.0.0");
  for (const playbook::StepRecord& step : report.playbook->steps) {
    CAPTURE(step.id);
    CHECK(step.status == playbook::Status::done);
  }
  // It does not come back under the same version.
  CHECK(w.start("1.1.0").error().message.find("was withdrawn") != std::string::npos);
}

TEST_CASE("the kill switch is thrown, signed and beside the feed") {
  Shipped w;
  CHECK_FALSE(w.published_flags().has_value());
  w.crashes_of_20["1.1.0"] = 100;
  must(w.start("1.1.0"));
  w.tick_until_final();
  const auto set = w.published_flags();
  REQUIRE(set.has_value());
  CHECK(set->flags.at("agent-enabled").value == doc::Value(false));
  CHECK(set->flags.at("agent-enabled").kill_switch);
}

TEST_CASE("a flag that a killed run set and did not publish is published by the next tick") {
  Shipped w;
  w.fake.files.fault = [](std::string_view op, std::string_view path) -> Result<> {
    if (op == "write" && path.ends_with(flags::flags_name)) return fail(ErrorKind::failed, "killed");
    return {};
  };
  auto deck = w.open();
  CHECK_FALSE(deck->set_flag(w.app.flags[0], doc::Value(false), {}, {"ana", "panic"}).has_value());
  w.fake.files.fault = nullptr;
  CHECK_FALSE(w.published_flags().has_value());
  w.tick();
  REQUIRE(w.published_flags().has_value());
  CHECK(w.published_flags()->flags.at("agent-enabled").value == doc::Value(false));
}

TEST_CASE("a hook that fails is tried again with the same key, as often as retry says") {
  Shipped w;
  w.crashes_of_20["1.1.0"] = 100;
  int answers = 0;
  w.hook = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    CHECK(request.method == "POST");
    CHECK(request.body.find("1.1.0: gate 'crashes' failed") != std::string::npos);
    if (++answers == 1) return fail(ErrorKind::failed, "connection refused");
    return ports::HttpResponse{answers == 2 ? 503 : 200, {}, "busy"};
  };
  must(w.start("1.1.0"));
  const Report report = w.tick_until_final();
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(step_of(report, "http.request").status == playbook::Status::done);
  CHECK(step_of(report, "http.request").attempts == 3);
  REQUIRE(w.tried.size() == 1);
  CHECK(w.tried.begin()->second == 3);
  CHECK(w.tried.begin()->first == report.playbook->key + "/" + step_of(report, "http.request").id);
}

TEST_CASE("a hook that never answers does not keep the release on devices") {
  Shipped w;
  w.crashes_of_20["1.1.0"] = 100;
  w.hook = [](const auto&) -> Result<ports::HttpResponse> { return fail(ErrorKind::failed, "refused"); };
  must(w.start("1.1.0"));
  const Report report = w.tick_until_final();
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(step_of(report, "http.request").status == playbook::Status::failed);
  CHECK(step_of(report, "http.request").attempts == 3);
}

TEST_CASE("a request whose outcome nobody knows is shown, and not sent again") {
  Shipped w;
  w.crashes_of_20["1.1.0"] = 100;
  w.hook = [&](const auto&) -> Result<ports::HttpResponse> {
    w.fake.files.fault = [](auto, auto) -> Result<> { return fail(ErrorKind::failed, "killed"); };
    return ports::HttpResponse{200, {}, {}};
  };
  must(w.start("1.1.0"));
  std::optional<Error> killed;
  for (int i = 0; i < 30 && !killed; ++i) {
    w.fake.clock.advance(1s);
    if (auto report = w.advance(); !report) killed = report.error();
  }
  REQUIRE(killed.has_value());
  w.fake.files.fault = nullptr;
  const Report report = w.tick_until_final();
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(step_of(report, "http.request").status == playbook::Status::unknown);
  CHECK(w.tried.begin()->second == 1);
}

TEST_CASE("a first release that is bad is withdrawn, and its devices are said to be stranded") {
  AppWorld w;
  w.build_and_create("1.0.0");
  w.crashes_of_20["1.0.0"] = 100;
  must(w.start("1.0.0"));
  const Report report = w.tick_until_final();
  CHECK(report.state.phase == Phase::stranded);
  CHECK(step_of(report, "channel.withdraw").status == playbook::Status::done);
  CHECK(step_of(report, "channel.fallback").status == playbook::Status::failed);
  const channel::Feed feed = *w.published_feed();
  CHECK(feed.directions.withdrawn == std::vector<cohort::Withdrawn>{{"1.0.0", ""}});
  CHECK(feed.directions.baseline.empty());
  CHECK(feed.releases.empty());
  w.ship("1.0.1");  // and the channel goes on
  CHECK(w.published_feed()->directions.baseline == "1.0.1");
}

TEST_CASE("a rollback is not over before its feed is out") {
  Shipped w;
  must(w.start("1.1.0"));
  const channel::Feed offering = *w.published_feed();
  w.fake.files.fault = [](std::string_view op, std::string_view path) -> Result<> {
    if (op == "write" && path.ends_with("feed.json")) return fail(ErrorKind::failed, "the store is down");
    return {};
  };
  CHECK_FALSE(w.apply(rollout::Stop{"bad"}).has_value());
  CHECK_FALSE(w.advance().has_value());
  CHECK(w.status().state.phase == Phase::rolling_back);
  CHECK(w.published_feed() == offering);
  CHECK(w.published_flags()->flags.at("agent-enabled").value ==
        doc::Value(false));  // the switch is elsewhere
  w.fake.files.fault = nullptr;
  CHECK(w.tick().state.phase == Phase::rolled_back);
  CHECK(w.published_feed()->directions.withdrawn == std::vector<cohort::Withdrawn>{{"1.1.0", "1.0.0"}});
}

TEST_CASE("what was shipped can be undone again and again, back to the release before each") {
  Shipped w;
  must(w.start("1.1.0"));
  w.tick_until_final();
  CHECK(must(w.apply(rollout::Stop{"regrets"})).state.phase == Phase::rolled_back);
  for (int i = 1; i <= 20; ++i) w.ship(fmt::format("2.0.{}", i));
  CHECK(w.published_feed()->releases.size() == 2);  // the baseline, and the fallback of what was withdrawn
  must(w.apply(rollout::Stop{"regrets"}));
  CHECK(w.published_feed()->directions.baseline == "2.0.19");
  auto deck = w.open();
  CHECK(must(deck->channel_state("stable"))->releases.size() <= 19);
  for (const auto& finding :
       must(channel::check_channel(*must(deck->channel_store(w.app.channels[0])), deck->trust(), w.app.name,
                                   "stable", w.fake.clock.now(), true)))
    CHECK(finding.ok);
}

TEST_CASE("one version with two digests is refused; the same build again is not") {
  AppWorld w;
  w.build_and_create("1.0.0");
  const auto before = w.visible();
  w.fake.clock.advance(1h);
  CHECK(must(w.create("1.0.0")).existed);
  CHECK(w.visible() == before);
  w.build("1.0.0", "other code");
  const auto refused = w.create("1.0.0");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::invalid);
  CHECK(refused.error().message.find("notes_1.0.0_amd64.deb") != std::string::npos);
  CHECK(w.visible() == before);
}

TEST_CASE("a release that a killed run recorded and did not journal is journalled by the next one, once") {
  AppWorld w;
  w.build("1.0.0");
  w.fake.files.fault = [](std::string_view op, std::string_view path) -> Result<> {
    if (op == "write" && path.ends_with("checkpoint")) return fail(ErrorKind::failed, "killed");
    return {};
  };
  CHECK_FALSE(w.create("1.0.0").has_value());
  w.fake.files.fault = nullptr;
  for (int i = 0; i < 3; ++i) CHECK(must(w.create("1.0.0")).existed);
  REQUIRE(w.entries().size() == 1);
  CHECK(w.entries()[0].kind == "release.created");
}

TEST_CASE("another release is refused while one runs on the channel, and nothing changes") {
  AppWorld w(replaced(usual_yaml, "rollouts:\n",
                      "rollouts:\n  hurry: { channel: stable, stages: [ { percent: 100, bake: 1s } ], "
                      "on-failure: rollback }\n"));
  w.ship("1.0.0");
  w.build_and_create("1.1.0");
  w.build_and_create("1.2.0");
  must(w.start("1.1.0"));
  const auto before = w.visible();
  for (const char* rollout : {"desktop", "hurry"})
    for (const char* version : {"1.1.0", "1.2.0"}) {
      if (std::string_view(rollout) == "desktop" && std::string_view(version) == "1.1.0") continue;
      CAPTURE(rollout);
      CAPTURE(version);
      const auto refused = w.start(version, rollout);
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().kind == ErrorKind::conflict);
      CHECK(refused.error().message == "rollout 'desktop' is still baking with release 1.1.0");
    }
  CHECK(w.visible() == before);
}

TEST_CASE("the same start again is the same start; under another plan it is refused") {
  Shipped w;
  const Report first = must(w.start("1.1.0"));
  const auto before = w.visible();
  CHECK(must(w.start("1.1.0")).state.id == first.state.id);
  CHECK(w.visible() == before);
  w.app.rollouts[0].stages[0].bake.max = 1h;
  CHECK(w.start("1.1.0").error().kind == ErrorKind::conflict);
  CHECK(w.visible() == before);
}

TEST_CASE("an artifact that is missing or was changed stops the start before anything is published") {
  AppWorld w;
  w.build_and_create("1.0.0");
  const auto before = w.visible();
  w.fake.files.bytes.erase(AppWorld::artifact_path("1.0.0"));
  CHECK_FALSE(w.start("1.0.0").has_value());
  CHECK(w.visible() == before);
  w.build("1.0.0", "evil code");
  CHECK(w.start("1.0.0").error().kind == ErrorKind::verification);
  CHECK(w.visible() == before);
  w.build("1.0.0");
  CHECK(w.start("1.0.0").has_value());
}

TEST_CASE("stop works from baking, held, paused and done, and once more changes nothing") {
  for (const Phase phase : {Phase::baking, Phase::held, Phase::paused, Phase::done}) {
    CAPTURE(rollout::to_text(phase));
    Shipped w;
    must(w.start("1.1.0"));
    if (phase == Phase::paused) must(w.apply(rollout::Pause{"lunch"}));
    w.source_down = phase == Phase::held;
    w.tick_until([&](const auto& state) { return state.phase == phase; });
    const Report report = must(w.apply(rollout::Stop{"red button"}));
    CHECK(report.state.phase == Phase::rolled_back);
    CHECK(report.state.because == "stopped: red button");
    const cohort::Directions directions = w.published_feed()->directions;
    CHECK(directions.withdrawn == std::vector<cohort::Withdrawn>{{"1.1.0", "1.0.0"}});
    CHECK(directions.baseline == "1.0.0");
    CHECK_FALSE(directions.offer.has_value());
    const auto before = w.visible();
    CHECK(must(w.apply(rollout::Stop{"again"})).state.phase == Phase::rolled_back);
    CHECK(w.visible() == before);
  }
}

TEST_CASE("stop works between an exposure's intent and its feed, and while the playbook was cut short") {
  for (const std::string_view failing : {"public/tranche/v1/feed.json", "public/tranche/v1/flags.json"}) {
    CAPTURE(failing);
    Shipped w;
    bool dead = false;  // from the write on
    w.fake.files.fault = [&](std::string_view op, std::string_view path) -> Result<> {
      dead = dead || (op == "write" && path.ends_with(failing));
      if (dead) return fail(ErrorKind::failed, "killed");
      return {};
    };
    const bool exposing = failing.ends_with("feed.json");
    CHECK(w.start("1.1.0").has_value() != exposing);
    if (!exposing) CHECK_FALSE(w.apply(rollout::Stop{"first"}).has_value());
    CHECK(dead);
    w.fake.files.fault = nullptr;
    const rollout::State cut_short = w.status().state;
    REQUIRE(cut_short.pending.has_value());
    CHECK(cut_short.pending->kind ==
          (exposing ? rollout::EffectKind::expose : rollout::EffectKind::playbook));
    CHECK(must(w.apply(rollout::Stop{"red button"})).state.phase == Phase::rolled_back);
    CHECK(w.published_feed()->directions.withdrawn == std::vector<cohort::Withdrawn>{{"1.1.0", "1.0.0"}});
    CHECK_FALSE(w.published_feed()->directions.offer.has_value());
  }
}

TEST_CASE("a writer that fell behind gets a conflict and changes nothing; its stop is not lost") {
  Shipped w;
  must(w.start("1.1.0"));
  auto behind = w.open();
  must(w.apply(rollout::Pause{"lunch"}));
  const auto before = w.visible();
  w.fake.clock.advance(1s);
  for (const rollout::What& what :
       {rollout::What(rollout::Pause{"me too"}), rollout::What(rollout::Promote{"hurry"})}) {
    const auto refused = Engine(*behind).apply("desktop", what);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::conflict);
  }
  const auto tick = Engine(*behind).advance("desktop");
  REQUIRE_FALSE(tick.has_value());
  CHECK(tick.error().kind == ErrorKind::conflict);
  CHECK(w.visible() == before);
  CHECK(must(Engine(*behind).apply("desktop", rollout::Stop{"red button"})).state.phase ==
        Phase::rolled_back);
}

TEST_CASE("a writer that fell behind never publishes an older feed, nor runs a step of the playbook") {
  Shipped w;
  w.fake.files.fault = [](std::string_view op, std::string_view path) -> Result<> {
    if (op == "write" && path.ends_with("feed.json")) return fail(ErrorKind::failed, "killed");
    return {};
  };
  CHECK_FALSE(w.start("1.1.0").has_value());
  w.fake.files.fault = nullptr;
  auto behind = w.open();  // sees the exposure pending
  must(w.advance());
  must(w.apply(rollout::Promote{"hurry"}));
  const auto exposed = w.visible();
  CHECK(Engine(*behind).advance("desktop").error().kind == ErrorKind::conflict);
  CHECK(w.visible() == exposed);
  must(w.apply(rollout::Stop{"bad"}));
  const auto before = w.visible();
  const auto hooks = w.tried;
  CHECK(Engine(*behind).advance("desktop").error().kind == ErrorKind::conflict);
  CHECK(w.visible() == before);
  CHECK(w.tried == hooks);
}

TEST_CASE("a reload that fails leaves the deck as it was") {
  Shipped w;
  auto deck = w.open();
  w.fake.files.fault = [](auto, auto) -> Result<> { return fail(ErrorKind::failed, "the disk is gone"); };
  CHECK_FALSE(deck->reload().has_value());
  w.fake.files.fault = nullptr;
  CHECK(must(Engine(*deck).status("desktop")).state.phase == Phase::done);
  CHECK(Engine(*deck).start({"desktop", "1.1.0", false, "ship it"}).has_value());
}

TEST_CASE("the feed is signed anew at half of its life, and not before") {
  Shipped w;
  const channel::Feed first = *w.published_feed();
  w.tick(11h);
  CHECK(w.published_feed()->sequence == first.sequence);
  w.tick(1h);
  const channel::Feed second = *w.published_feed();
  CHECK(second.sequence > first.sequence);
  CHECK(second.issued == w.fake.clock.now());
  CHECK(second.expires == second.issued + 24h);
  CHECK(second.directions == first.directions);
  CHECK(second.releases == first.releases);
}

TEST_CASE("a late tick has the evidence of the timely ones") {
  Shipped timely, late;
  for (Shipped* w : {&timely, &late}) {
    w->app.rollouts[0].stages[0].bake = {30s, 60s};
    must(w->start("1.1.0"));
  }
  for (int i = 0; i < 20; ++i) timely.tick();
  late.tick(20s);
  const rollout::GateMemory a = timely.status().state.gates.at("crashes");
  const rollout::GateMemory b = late.status().state.gates.at("crashes");
  CHECK(gate::totals(a.process).polls == 20);
  CHECK((a.process == b.process));
  CHECK(a.polled_until == b.polled_until);
  CHECK(a.verdict == b.verdict);
}

TEST_CASE(
    "metrics that cannot be read promote nothing: the rollout is held, and goes on when they are back") {
  Shipped w;
  w.source_down = true;
  must(w.start("1.1.0"));
  const channel::Feed feed = *w.published_feed();
  const Report held = w.tick_until([](const auto& state) { return state.phase == Phase::held; });
  CHECK(held.state.stage == 0);
  CHECK(held.state.changed - held.state.stage_since >= 12s);
  CHECK(held.state.gates.at("crashes").source_error.find("connection refused") != std::string::npos);
  CHECK(w.published_feed() == feed);
  w.source_down = false;
  must(w.apply(rollout::Resume{"prometheus is back"}));
  CHECK(w.tick_until_final().state.phase == Phase::done);
}

TEST_CASE("an outage does not hide a bad release: what was missed is read when the source is back") {
  Shipped w;
  w.crashes_of_20["1.1.0"] = 100;
  w.source_down = true;
  must(w.start("1.1.0"));
  w.tick(5s);
  w.source_down = false;
  CHECK(w.tick().state.phase == Phase::rolled_back);
}

TEST_CASE("the feed's sequence grows with every change of what it says, and never goes back") {
  AppWorld w;
  w.app.channels[0].expires = 4s;  // renewals in between
  w.crashes_of_20["1.1.0"] = 100;
  std::optional<channel::Feed> last;
  int changes = 0;
  const auto look = [&] {
    const auto now = w.published_feed();
    if (!now) return;
    if (last && *last != *now) {
      ++changes;
      CHECK(now->sequence > last->sequence);
      CHECK(now->issued >= last->issued);
    }
    last = now;
  };
  for (const char* version : {"1.0.0", "1.1.0", "1.2.0"}) {
    w.build_and_create(version);
    must(w.start(version));
    for (int i = 0; i < 40; ++i) {
      look();
      if (rollout::is_final(w.tick().state.phase)) break;
    }
    look();
  }
  CHECK(w.status().state.phase == Phase::done);
  CHECK(changes > 10);
  CHECK(last->directions.baseline == "1.2.0");
}

TEST_CASE("a paused rollout does not grow; resumed it does; a person may promote it") {
  Shipped w;
  must(w.start("1.1.0"));
  must(w.apply(rollout::Pause{"lunch"}));
  const channel::Feed feed = *w.published_feed();
  for (int i = 0; i < 15; ++i) CHECK(w.tick().state.phase == Phase::paused);
  CHECK(w.published_feed() == feed);
  CHECK(w.apply(rollout::Promote{"hurry"}).has_value());
  CHECK(is_baking_at(w.status().state, 1));
  CHECK(share_of(*w.published_feed()) == cohort::threshold(Percent{500'000}));
  must(w.apply(rollout::Pause{"dinner"}));
  must(w.apply(rollout::Resume{"done eating"}));
  CHECK(w.tick_until_final().state.phase == Phase::done);
  CHECK(w.apply(rollout::Pause{"too late"}).error().kind == ErrorKind::denied);
}

TEST_CASE("a paused rollout is still watched: a failing gate takes it back") {
  Shipped w;
  w.crashes_of_20["1.1.0"] = 100;
  must(w.start("1.1.0"));
  must(w.apply(rollout::Pause{"lunch"}));
  CHECK(w.tick_until_final().state.phase == Phase::rolled_back);
}

TEST_CASE("only the frozen plan counts: edits of the file change nothing in a running rollout") {
  Shipped w;
  const rollout::Plan plan = must(w.start("1.1.0")).plan;
  w.app.rollouts[0].stages[0].percent = Percent{900'000};
  w.app.playbooks[0].steps.clear();
  w.app.gates.clear();
  w.crashes_of_20["1.1.0"] = 100;
  const Report report = w.tick_until_final();
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(report.playbook->steps.size() == 4);
  CHECK(must(rollout::plan_digest(report.plan)) == must(rollout::plan_digest(plan)));
}

TEST_CASE("a rollout that was never started says how to start it") {
  AppWorld w;
  const auto nothing = w.advance();
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().hint.find("rollout start desktop") != std::string::npos);
  CHECK(w.start("1.0.0").error().hint.find("release create 1.0.0") != std::string::npos);
}

TEST_CASE("the next tick is when a window ends, and at the latest when the caller says") {
  Shipped w;
  const Report report = must(w.start("1.1.0"));
  auto deck = w.open();
  const Instant now = w.fake.clock.now();
  CHECK(Engine(*deck).next_tick(report, 1h) == now + 1s);
  CHECK(Engine(*deck).next_tick(report, 500ms) == now + 500ms);
  w.source_down = true;
  w.fake.clock.advance(10s);
  CHECK(Engine(*deck).next_tick(w.status(), 1h) > w.fake.clock.now());
}
