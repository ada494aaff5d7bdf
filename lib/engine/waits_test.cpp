// Whole rollouts that wait: for their window, for somebody who watches again, for a store that answers.
#include "engine/engine_fixture.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using rollout::Phase;

namespace {

std::string yaml_with(const std::string& keys) {
  return replace_all(usual_yaml, "    channel: stable\n", "    channel: stable\n    " + keys + "\n");
}

// Answers those addresses too; `well`: with 204.
void listen(AppWorld& w, std::string part, bool well = true) {
  const auto others = w.fake.http.handler;
  w.fake.http.handler = [=](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    if (request.url.find(part) == std::string::npos) return others(request);
    if (!well) return fail(ErrorKind::failed, "refused");
    return ports::HttpResponse{204, {}, {}};
  };
}

std::size_t heard(const AppWorld& w, std::string_view part) {
  std::size_t count = 0;
  for (const ports::HttpRequest& request : w.fake.http.requests)
    count += request.url.find(part) != std::string::npos ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a rollout begins when its window opens, in the window's own zone") {
  AppWorld w(yaml_with("window: \"Mon-Fri 09:00-16:00 Europe/Berlin\"\n    freeze: \"2026-01-02\""));
  w.fake.zones.offsets["Europe/Berlin"] = 1h;
  w.build_and_create("1.0.0");
  // A Thursday, 00:00 UTC.
  Report report = must(w.start("1.0.0"));
  CHECK(report.state.phase == Phase::waiting);
  CHECK_FALSE(w.published_feed().has_value());
  REQUIRE(report.state.waits.size() == 1);
  CHECK(report.state.waits[0].until == must(parse_instant("2026-01-01T08:00:00Z")));
  {
    auto deck = w.open();
    CHECK(Engine(*deck).next_tick(report, 24h) == *report.state.waits[0].until);
  }
  const auto before = w.visible();
  report = w.tick(1h);
  CHECK(w.visible() == before);  // a tick with nothing to do writes nothing
  report = w.tick(7h);
  CHECK(report.state.phase == Phase::baking);
  CHECK(w.published_feed()->directions.offer.has_value());
}

TEST_CASE("on a frozen day nothing grows, and a stop works") {
  AppWorld w(yaml_with("freeze: [\"2026-01-01\"]"));
  w.build_and_create("1.0.0");
  Report report = must(w.start("1.0.0"));
  CHECK(report.state.because == "the day is frozen");
  report = w.tick(24h);
  CHECK(report.state.phase == Phase::baking);
  AppWorld stopped(yaml_with("freeze: [\"2026-01-01\"]"));
  stopped.build_and_create("1.0.0");
  must(stopped.start("1.0.0"));
  CHECK(rollout::is_final(must(stopped.apply(rollout::Stop{"no"})).state.phase));
}

TEST_CASE("a zone that nobody knows keeps a rollout from growing") {
  AppWorld w(yaml_with("window: \"Mon-Sun 00:00-24:00 Mars/Olympus\""));
  w.build_and_create("1.0.0");
  const Report report = must(w.start("1.0.0"));
  CHECK(report.state.phase == Phase::waiting);
  CHECK(report.state.because.find("its window cannot be read") != std::string::npos);
}

TEST_CASE("every tick beats, and a heartbeat that nobody hears is a warning") {
  AppWorld w(yaml_with("heartbeat: env:TRANCHE_BEAT"));
  bool well = true;
  SUBCASE("heard") {}
  SUBCASE("not heard") { well = false; }
  listen(w, "/beat", well);
  w.fake.environ.values["TRANCHE_BEAT"] = "http://127.0.0.1:9/beat-secret\n";
  w.build_and_create("1.0.0");
  must(w.start("1.0.0"));
  CHECK(heard(w, "beat-secret") == 0);
  w.tick();
  const Report report = w.tick();
  CHECK(heard(w, "beat-secret") == 2);
  for (const std::string& decision : report.decisions) CHECK(decision.find("secret") == std::string::npos);
  CHECK(report.state.phase == Phase::baking);
}

TEST_CASE("after a gap without ticks the rollout is held, on-hold tells people once, and a person resumes") {
  AppWorld w(replace_all(yaml_with("max-tick-gap: 30m\n    on-hold: tell"), "playbooks:\n",
                         "playbooks:\n  tell: { steps: [ { uses: http.request, with: { method: POST, url: "
                         "\"http://127.0.0.1:2/told\", body: { text: held } } } ] }\n"));
  listen(w, "/told");
  w.ship("1.0.0");
  w.build_and_create("1.1.0");
  must(w.start("1.1.0"));
  Report report = w.tick(31min);
  CHECK(report.state.phase == Phase::held);
  CHECK(heard(w, "/told") == 1);
  CHECK_FALSE(report.state.notice.has_value());
  report = w.tick(2h);
  CHECK(report.state.phase == Phase::held);
  CHECK(heard(w, "/told") == 1);
  must(w.apply(rollout::Resume{"back"}));
  CHECK(w.tick_until_final().state.phase == Phase::done);
}

TEST_CASE("people who cannot be told do not keep a bad release on devices") {
  AppWorld w(replace_all(yaml_with("max-tick-gap: 30m\n    on-hold: tell"), "playbooks:\n",
                         "playbooks:\n  tell: { steps: [ { uses: http.request, with: { method: POST, url: "
                         "\"http://127.0.0.1:2/told\", body: { text: held } } } ] }\n"));
  w.ship("1.0.0");
  w.build_and_create("1.1.0");
  listen(w, "/told", false);
  must(w.start("1.1.0"));
  CHECK(w.tick(31min).state.phase == Phase::held);
  w.crashes_of_20["1.1.0"] = 100;
  CHECK(w.tick_until_final().state.phase == Phase::rolled_back);
}

TEST_CASE(
    "a store that refuses is left alone for a while, the stage that is out is watched, and then it goes on") {
  AppWorld w;
  w.ship("1.0.0");
  w.build_and_create("1.1.0");
  must(w.start("1.1.0"));
  int writes = 0;
  w.fake.files.fault = [&](std::string_view op, std::string_view path) -> Result<> {
    if (op != "write" || !path.starts_with("/repo/public/")) return {};
    ++writes;
    return fail(ErrorKind::failed, "no space left");
  };
  std::optional<Report> report;
  int failures = 0;
  for (int i = 0; i < 40; ++i) {
    w.fake.clock.advance(1s);
    auto ticked = w.advance();
    if (!ticked) ++failures;
  }
  CHECK(failures >= 3);
  CHECK(failures <= 7);  // at 0, 0, 2 and more, 4 and more ... seconds
  CHECK(writes <= 2 * failures);
  Report stuck = w.status();
  REQUIRE(stuck.state.trouble.has_value());
  CHECK(stuck.state.trouble->error.find("no space left") != std::string::npos);
  CHECK(stuck.state.stage == 0);
  CHECK(stuck.state.gates.at("crashes").polled_until > stuck.state.trouble->since);  // watched on
  SUBCASE("it recovers") {
    w.fake.files.fault = nullptr;
    CHECK(w.tick_until([](const auto& state) { return state.stage == 1; }).state.phase == Phase::baking);
    CHECK(w.tick_until_final().state.phase == Phase::done);
  }
  SUBCASE("it turns out bad, and is taken back as soon as the store answers") {
    w.crashes_of_20["1.1.0"] = 300;
    for (int i = 0; i < 20; ++i) {
      w.fake.clock.advance(1s);
      (void)w.advance();
    }
    CHECK(w.status().state.phase == Phase::rolling_back);
    w.fake.files.fault = nullptr;
    CHECK(w.tick_until_final().state.phase == Phase::rolled_back);
  }
}

TEST_CASE("Ctrl-C between two effects leaves what the next run finishes") {
  AppWorld w;
  w.ship("1.0.0");
  w.build_and_create("1.1.0");
  must(w.start("1.1.0"));
  w.crashes_of_20["1.1.0"] = 100;
  w.fake.clock.interrupt();
  std::optional<ErrorKind> kind;
  for (int i = 0; i < 20 && !kind; ++i) {
    w.fake.clock.advance(1s);
    if (auto ticked = w.advance(); !ticked) kind = ticked.error().kind;
  }
  CHECK(kind == ErrorKind::interrupted);
  CHECK(w.status().state.phase == Phase::rolling_back);
}

TEST_CASE("a bake of 48 hours takes milliseconds") {
  AppWorld w(replace_all(usual_yaml, "bake: 3s..12s, gates: [crashes]", "bake: 48h..72h, gates: []"));
  w.build_and_create("1.0.0");
  must(w.start("1.0.0"));
  CHECK(w.tick(47h).state.stage == 0);
  CHECK(w.tick(1h).state.stage == 1);
  CHECK(w.tick(48h).state.stage == 2);
  CHECK(w.tick_until_final().state.phase == Phase::done);
}
