// `tranche serve` and a gate that reads it, side by side: a fleet of one day reports to the counters, the
// gate asks /v1/series. No sockets, and a clock that the test moves.
#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "engine/read_gate.hpp"
#include "server/counters.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace std::chrono_literals;
using gate::Verdict;

namespace {

constexpr const char* yaml = R"(
version: 1
app: app
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
gates:
  crashes: { kind: compare, events: crashes, exposure: sessions, margin: 2x, every: 1m }
)";

// Devices report every ten minutes; one in a hundred sessions crashes. A fifth is offered 1.1.0.
struct Day {
  static constexpr int devices = 5'000;

  support::FakeWorld fake;
  server::Counters counters{fake.clock.now(), "0123456789abcdef", {}};
  cohort::Directions directions;
  spec::App app;
  rollout::GateMemory memory;
  struct One {
    cohort::Arm arm = cohort::Arm::none;
    std::uint32_t boot = 0, seq = 0, sessions = 0, crashes = 0;
    bool dead = false;
    std::string version = "1.0.0";
  };
  std::vector<One> fleet{devices};

  // What becomes of a canary when it reaches it.
  enum class Fate { updates, updates_late, never_updates, dies };
  std::function<Fate(int)> fate = [](int) { return Fate::updates; };
  double canary_crashes = 0.01;
  int liars = 0;  // canaries that report a thousand crashes every minute

  Day() {
    app = spec::parse(yaml)->apps.front();
    fake.http.handler = [this](const ports::HttpRequest& request) { return answer(request); };
  }

  Result<ports::HttpResponse> answer(const ports::HttpRequest& request) {
    std::map<std::string, std::string> form;
    for (const std::string_view pair :
         split(std::string_view(request.url).substr(request.url.find('?') + 1), '&'))
      form[std::string(pair.substr(0, pair.find('=')))] =
          percent_decode(pair.substr(pair.find('=') + 1)).value_or("");
    auto series = counters.series(
        {form["app"], form["channel"], form["name"], form["release"], *parse_instant(form["after"]),
         *parse_instant(form["until"]), *parse_duration(form["step"])},
        fake.clock.now());
    if (!series) return ports::HttpResponse{400, {}, "{}"};
    return ports::HttpResponse{200, {}, *series};
  }

  void report(int number) {
    One& one = fleet[static_cast<std::size_t>(number)];
    server::CheckIn in;
    in.device.id = fmt::format("d{}", number);
    in.app = "app";
    in.channel = "stable";
    in.version = one.version;
    in.boot = fmt::format("b{}", one.boot);
    in.seq = ++one.seq;
    in.sessions = one.sessions;
    in.crashes = one.crashes;
    REQUIRE(counters.report(in, directions, fake.clock.now()).has_value());
  }
  void restart(One& one, const std::string& version) {
    one.version = version;
    ++one.boot;
    one.seq = one.sessions = one.crashes = 0;
  }
  void pass_a_minute(int minute, bool offered) {
    fake.clock.advance(1min);
    int liars_left = liars;
    for (int i = 0; i < devices; ++i) {
      One& one = fleet[static_cast<std::size_t>(i)];
      if (one.dead) continue;
      const bool canary = offered && one.arm == cohort::Arm::canary;
      if (canary && liars_left > 0) {
        --liars_left;
        one.crashes += 1'000;
        report(i);
        continue;
      }
      if (minute % 10 != i % 10) continue;
      one.sessions += 1;
      const double chance = canary && one.version == "1.1.0" ? canary_crashes : 0.01;
      one.crashes += fake.random.below(1'000'000) < static_cast<std::uint64_t>(chance * 1e6) ? 1 : 0;
      report(i);
      if (!canary || one.version == "1.1.0") continue;
      switch (fate(i)) {
        case Fate::updates:  // and reports at once
          restart(one, "1.1.0");
          report(i);
          break;
        case Fate::updates_late:
          if (minute > 60) restart(one, "1.1.0");
          break;
        case Fate::never_updates:
          break;
        case Fate::dies:
          one.dead = true;
          break;
      }
    }
  }

  // An hour before the offer, then `hours` with it; the gate is asked every ten minutes. Ends at a fail.
  void run(int hours) {
    directions.baseline = "1.0.0";
    counters.see_feed("app", "stable", directions, fake.clock.now());
    for (int minute = 0; minute < 60; ++minute) pass_a_minute(minute, false);
    cohort::Rule rule;
    rule.below = cohort::threshold(Percent{200'000});
    directions.offer = cohort::Offer{"1.1.0", "app/stable/1.1.0", {rule}};
    counters.see_feed("app", "stable", directions, fake.clock.now());
    for (int i = 0; i < devices; ++i)
      fleet[static_cast<std::size_t>(i)].arm = cohort::place(directions, {fmt::format("d{}", i), {}}).arm;
    const spec::Gate& gate = app.gates.front();
    engine::GateReader reader(fake.world(), "");
    rollout::begin_stage(memory, gate, fake.clock.now());
    for (int minute = 0; minute < hours * 60 && memory.verdict != Verdict::fail; ++minute) {
      pass_a_minute(minute, true);
      if (minute % 10 != 9) continue;
      const rollout::Observation seen =
          reader.read(app, gate, {"app", "stable", "1.1.0", "1.1.0", "1.0.0", {}}, memory);
      rollout::fold(memory, app, gate, seen, fake.clock.now());
    }
  }
};

}  // namespace

TEST_CASE("serve and a gate: a good release passes whenever its devices update, a bad one fails") {
  Day good;
  good.fate = [](int i) {
    return i % 3 == 0 ? Day::Fate::updates : i % 3 == 1 ? Day::Fate::updates_late : Day::Fate::never_updates;
  };
  good.run(6);
  CAPTURE(good.memory.explanation);
  CAPTURE(good.memory.source_error);
  CHECK(good.memory.verdict == Verdict::pass);
  CHECK(good.memory.process.assigned.polls > 0);
  CHECK(good.memory.process.assigned.canary + good.memory.process.assigned.control == Day::devices);
  Day bad;
  bad.canary_crashes = 0.04;
  bad.run(6);
  CHECK(bad.memory.verdict == Verdict::fail);
}

TEST_CASE("serve and a gate: canaries that die before they report make it inconclusive, with the reason") {
  Day day;
  day.fate = [](int i) { return i % 10 < 3 ? Day::Fate::dies : Day::Fate::updates; };
  day.run(4);
  CAPTURE(day.memory.explanation);
  CHECK(day.memory.verdict == Verdict::inconclusive);
  CHECK(day.memory.explanation.find("devices of one arm are missing") != std::string::npos);
}

TEST_CASE("serve and a gate: one lying device does not fail a release") {
  Day honest, lied;
  lied.liars = 1;
  honest.run(6);
  lied.run(6);
  CAPTURE(lied.memory.explanation);
  CHECK(honest.memory.verdict == Verdict::pass);
  CHECK(lied.memory.verdict != Verdict::fail);
}
