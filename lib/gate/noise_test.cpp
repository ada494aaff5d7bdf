#include "gate/noise.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "gate/compare.hpp"

using namespace tranche;
using namespace tranche::gate;

namespace {

struct Service {
  double canary = 1200, control = 10800;  // exposure a poll
  double base = 0.005;
  double log_sd = 0;  // noise a poll and arm beyond Poisson's
};

Poll draw(std::mt19937_64& random, const Service& service, double ratio, double common = 1) {
  std::normal_distribution<double> normal;
  const auto arm = [&](double exposure, double rate) -> ArmCounts {
    std::poisson_distribution<int> events(exposure * rate * common *
                                          std::exp(service.log_sd * normal(random)));
    return {static_cast<double>(events(random)), exposure};
  };
  ArmCounts canary = arm(service.canary, service.base * ratio);
  ArmCounts control = arm(service.control, service.base);
  return {{"all", {std::move(canary), std::move(control)}}};
}

struct Rates {
  double failed = 0, passed = 0;
};
Rates watch(std::mt19937_64& random, const Service& service, double ratio, int runs) {
  CompareConfig config;
  config.false_rollback = 0.05;
  Rates out;
  for (int run = 0; run < runs; ++run) {
    Evidence evidence;
    bool passed = false;
    for (int poll = 0; poll < 60; ++poll) {
      REQUIRE(observe(evidence, config, draw(random, service, ratio)).has_value());
      const Verdict verdict = judge(evidence, config, false).verdict;
      passed = passed || verdict == Verdict::pass;
      if (verdict != Verdict::fail) continue;
      out.failed += 1.0 / runs;
      break;
    }
    out.passed += passed ? 1.0 / runs : 0;
  }
  return out;
}

Dispersion after_an_hour(std::mt19937_64& random, const Service& service, double jump_at = 100) {
  Evidence evidence;
  for (int poll = 0; poll < 60; ++poll)
    REQUIRE(observe(evidence, {}, draw(random, service, 1, poll >= jump_at ? 5 : 1)).has_value());
  return judge_noise(evidence.noise);
}

}  // namespace

TEST_CASE("Poisson counts are calm, bursts are noisy, whatever the traffic") {
  constexpr unsigned seed = 20261121;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  struct Row {
    Service service;
    int least_noisy, most_noisy;  // of 100
  };
  for (const Row& row : {Row{{1200, 10800, 0.005, 0}, 0, 15}, Row{{30, 570, 0.005, 0}, 0, 15},
                         Row{{12, 108, 0.5, 0}, 0, 15}, Row{{1200, 10800, 0.005, 0.3}, 95, 100},
                         Row{{1200, 10800, 0.005, 0.6}, 95, 100}, Row{{30, 570, 0.005, 0.6}, 60, 100}}) {
    int noisy = 0;
    for (int i = 0; i < 100; ++i) noisy += after_an_hour(random, row.service) == Dispersion::noisy ? 1 : 0;
    CAPTURE(row.service.control);
    CAPTURE(row.service.log_sd);
    CHECK(noisy >= row.least_noisy);
    CHECK(noisy <= row.most_noisy);
  }
}

TEST_CASE("the dispersion is unknown until two differences of the control arm were seen") {
  Evidence evidence;
  CHECK(judge_noise(evidence.noise) == Dispersion::unknown);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(observe(evidence, {}, {{"all", {{6, 1200}, {54, 10800}}}}).has_value());
    CHECK(judge_noise(evidence.noise) == Dispersion::unknown);
  }
  REQUIRE(observe(evidence, {}, {{"all", {{6, 1200}, {54, 10800}}}}).has_value());
  CHECK(judge_noise(evidence.noise) == Dispersion::calm);
}

TEST_CASE("a ramp is no noise: counts are compared by their exposure") {
  Evidence evidence;
  for (const double share : {0.05, 0.1, 0.25, 0.5})
    for (int i = 0; i < 5; ++i)
      REQUIRE(observe(evidence, {},
                      {{"all", {{60 * share, 12000 * share}, {60 * (1 - share), 12000 * (1 - share)}}}})
                  .has_value());
  CHECK(judge_noise(evidence.noise) == Dispersion::calm);
  CHECK(dispersion(evidence.noise) < 0.1);
}

TEST_CASE("bursts that begin after a calm week are seen") {
  constexpr unsigned seed = 7;
  std::mt19937_64 random(seed);
  Evidence evidence;
  for (int i = 0; i < 5000; ++i) REQUIRE(observe(evidence, {}, draw(random, {}, 1)).has_value());
  CHECK(judge_noise(evidence.noise) == Dispersion::calm);
  for (int i = 0; i < 15; ++i)
    REQUIRE(observe(evidence, {}, draw(random, {1200, 10800, 0.005, 0.6}, 1)).has_value());
  CHECK(judge_noise(evidence.noise) == Dispersion::noisy);
}

TEST_CASE("with noise beyond Poisson's, good releases still fail at most as often as said") {
  constexpr unsigned seed = 20261122;
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  for (const double log_sd : {0.1, 0.3, 0.6}) {
    const Service service{1200, 10800, 0.005, log_sd};
    const Rates good = watch(random, service, 1, 400);
    const Rates bad = watch(random, service, 2, 200);
    MESSAGE("log-sd " << log_sd << ": false rollbacks " << good.failed << ", good passed " << good.passed
                      << ", 2x found " << bad.failed);
    CHECK(good.failed <= 0.06 + 3 * std::sqrt(0.06 * 0.94 / 400));
    CHECK(bad.failed >= 0.95);
    CHECK(bad.passed <= 0.05 + 3 * std::sqrt(0.05 * 0.95 / 200));
  }
}

TEST_CASE("a jump that both arms share does not fail a good release, nor hide a bad one") {
  constexpr unsigned seed = 11;
  std::mt19937_64 random(seed);
  int failed = 0, found = 0;
  for (int run = 0; run < 200; ++run) {
    Evidence good, bad;
    bool good_failed = false, bad_found = false;
    for (int poll = 0; poll < 60; ++poll) {
      const double common = poll >= 20 && poll < 30 ? 5 : 1;
      REQUIRE(observe(good, {}, draw(random, {}, 1, common)).has_value());
      REQUIRE(observe(bad, {}, draw(random, {}, poll >= 25 ? 2 : 1, common)).has_value());
      good_failed = good_failed || judge(good, {}, false).verdict == Verdict::fail;
      bad_found = bad_found || judge(bad, {}, false).verdict == Verdict::fail;
    }
    failed += good_failed ? 1 : 0;
    found += bad_found ? 1 : 0;
  }
  CHECK(failed <= 6);
  CHECK(found >= 190);
}
