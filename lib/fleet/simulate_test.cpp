#include "fleet/simulate.hpp"

#include <doctest/doctest.h>

#include "cohort/decide.hpp"
#include "spec/spec.hpp"

using namespace tranche;
using namespace tranche::fleet;

namespace {

SimulateOptions options_for(std::string_view stages, std::size_t devices = 20'000) {
  const auto spec = spec::parse(fmt::format(R"(version: 1
app: app
artifacts: ["dist/*"]
channels: {{ stable: {{ store: "dir:public", feeds: [tranche] }} }}
cohorts: {{ pilot: {{ match: {{ ring: [pilot] }} }}, eu: {{ match: {{ region: [de, fr, nl] }} }} }}
sources: {{ fleet: {{ serve: "http://127.0.0.1:1" }} }}
gates:
  crashes: {{ kind: compare, source: fleet, events: crashes, exposure: sessions, every: 1m }}
  latency: {{ kind: threshold, source: fleet, query: "signal:slow / sessions", success-condition: "result < 2" }}
rollouts:
  desktop:
    channel: stable
    stages: {}
)",
                                            stages));
  if (!spec) FAIL(spec.error().message);
  rollout::PlanInput input;
  input.rollout = "desktop";
  input.release = "1.1.0";
  input.manifest_sha256 = std::string(64, '0');
  input.current.baseline = "1.0.0";
  auto plan = rollout::make_plan(spec->apps.front(), input);
  if (!plan) FAIL(plan.error().message);
  SimulateOptions options;
  options.plan = std::move(*plan);
  options.model.devices = devices;
  options.start = Instant(std::chrono::seconds(1'767'603'600));
  return options;
}

constexpr std::string_view usual =
    "[{ cohort: pilot, bake: 1h }, { percent: 5, bake: 1h..12h, gates: [crashes] }, "
    "{ cohort: eu, percent: 20, bake: 1h..12h, gates: [crashes] }, "
    "{ percent: 50, bake: 1h..12h, gates: [crashes] }, { percent: 100, bake: 1h }]";

}  // namespace

TEST_CASE("a good release reaches every device") {
  const auto result = simulate(options_for(usual));
  REQUIRE(result);
  CHECK(result->phase == rollout::Phase::done);
  CHECK(result->ever == 20'000);
  CHECK(!result->detected);
  CHECK(result->took >= std::chrono::hours(5));
  CHECK(result->timeline.back().updated == 20'000);
}

TEST_CASE("a release that crashes three times as often is seen early, and everyone comes back") {
  SimulateOptions options = options_for(usual);
  options.model.crash_rate_of["1.1.0"] = 0.015;
  const auto result = simulate(options);
  REQUIRE(result);
  CHECK(result->phase == rollout::Phase::rolled_back);
  CHECK(result->ever < 2000);
  REQUIRE(result->detected);
  REQUIRE(result->recovered);
  CHECK(*result->recovered <= options.model.poll + std::chrono::minutes(1));
  CHECK(result->timeline.back().updated == 0);
  CHECK(result->stranded == 0);
}

TEST_CASE("a bake shorter than the poll interval does not promote on sessions of the old version") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    SimulateOptions options = options_for(
        "[{ percent: 10, bake: 1m..6h, gates: [crashes] }, { percent: 50, bake: 1m..6h, gates: [crashes] }, "
        "{ percent: 100, bake: 1m }]");
    options.model.seed = seed;
    options.model.poll = std::chrono::minutes(20);
    options.model.crash_rate_of["1.1.0"] = 0.02;
    const auto result = simulate(options);
    REQUIRE(result);
    CHECK(result->phase == rollout::Phase::rolled_back);
    CHECK(result->ever <= 2500);
  }
}

TEST_CASE("without a baseline the devices that have a bad release are stranded") {
  SimulateOptions options = options_for(usual);
  options.plan.baseline.clear();
  options.model.crash_rate_of["1.1.0"] = 0.05;
  const auto result = simulate(options);
  REQUIRE(result);
  CHECK(result->phase == rollout::Phase::stranded);
  CHECK(result->stranded == result->ever);
  CHECK(!result->recovered);
}

TEST_CASE("the same seed tells the same story") {
  SimulateOptions options = options_for(usual, 5'000);
  options.model.crash_rate_of["1.1.0"] = 0.008;
  options.model.seed = 99;
  const auto a = simulate(options), b = simulate(options);
  REQUIRE(a);
  REQUIRE(b);
  CHECK(doc::to_json(to_value(*a)) == doc::to_json(to_value(*b)));
  options.model.seed = 100;
  CHECK(doc::to_json(to_value(*simulate(options))) != doc::to_json(to_value(*a)));
}

TEST_CASE("at every stage exactly the devices that cohort::decide names are exposed") {
  const SimulateOptions options = options_for(usual, 3'000);
  const auto result = simulate(options);
  REQUIRE(result);
  for (std::size_t stage = 0; stage < options.plan.stages.size(); ++stage) {
    CAPTURE(options.plan.stages[stage].name);
    cohort::Directions directions;
    directions.baseline = "1.0.0";
    directions.offer = cohort::Offer{"1.1.0", options.plan.salt, rollout::rules_at(options.plan, stage)};
    std::uint64_t offered = 0;
    for (std::size_t i = 0; i < options.model.devices; ++i)
      if (cohort::decide(directions, make_device(options.model, i), "1.0.0").reason ==
          cohort::Reason::offered)
        ++offered;
    bool seen = false;
    for (const SimulatedPoint& point : result->timeline)
      if (point.stage == options.plan.stages[stage].name) {
        seen = true;
        CHECK(point.exposed == offered);
      }
    CHECK(seen);
  }
}

TEST_CASE("what cannot be rehearsed is said") {
  SimulateOptions options =
      options_for("[{ percent: 5, bake: 1m..1h, gates: [crashes, latency] }, { percent: 100, bake: 1m }]");
  const auto result = simulate(options);
  REQUIRE(result);
  REQUIRE(result->assumptions.size() == 1);
  CHECK(result->assumptions[0].find("latency") != std::string::npos);
}

TEST_CASE("a simulation ends when it is interrupted") {
  SimulateOptions options = options_for(usual, 100);
  options.interrupted = [] { return true; };
  const auto result = simulate(options);
  REQUIRE(!result);
  CHECK(result.error().kind == ErrorKind::interrupted);
}
