#include "gate/odds_noise.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "gate/proportion.hpp"

using namespace tranche;
using namespace tranche::gate;

namespace {

int draw(std::mt19937_64& random, int trials, double odds) {
  return std::binomial_distribution<int>(trials, odds / (1 + odds))(random);
}

StratumTable table(double a, double x, double b, double y, double bound = 0) {
  return {"1", bound, {a, x, b, y}};
}

}  // namespace

TEST_CASE("odds noise: the ratio and its variance are Mantel's and Robins's, by hand for one table") {
  OddsNoise noise;
  observe(noise, {table(29.5, 99, 179.5, 899)});  // cells 30, 70, 180, 720 with a half more
  const OddsRatio odds = odds_ratio(noise);
  CHECK(odds.ratio == doctest::Approx(30.0 * 720 / (70 * 180)));
  // For one table the variance is Woolf's.
  CHECK(noise.all.variance() == doctest::Approx(1.0 / 30 + 1.0 / 70 + 1.0 / 180 + 1.0 / 720));
  CHECK(odds.lower < odds.ratio);
  CHECK(odds.upper > odds.ratio);
  CHECK(judge_noise(noise) == Dispersion::unknown);
}

TEST_CASE("odds noise: little polls are joined, empty margins are left out, another bound is no difference") {
  OddsNoise noise;
  observe(noise, {table(0, 100, 1, 900)});
  CHECK(noise.ratios.count() == 0);
  for (int i = 0; i < 30; ++i) observe(noise, {table(0, 100, 1, 900)});
  CHECK(noise.ratios.count() > 0);
  OddsNoise none;
  observe(none, {table(0, 100, 0, 900), {"2", 0, {100, 100, 900, 900}}, {"3", 0, {}}});
  CHECK(none.ratios.count() == 0);
  CHECK(std::isnan(odds_ratio(none).ratio));
  OddsNoise moving;
  for (int i = 0; i < 10; ++i) observe(moving, {table(30, 100, i % 2 == 0 ? 10 : 500, 900, i)});
  CHECK(moving.control_scatter.count == 0);
}

TEST_CASE("odds noise: chance is calm, bad minutes are noisy, a shared drift is not noise") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr int runs = 200;
  int calm = 0, noisy = 0;
  for (int i = 0; i < runs; ++i) {
    OddsNoise chance, minutes;
    std::normal_distribution<double> normal(0, 0.3);
    for (int poll = 0; poll < 30; ++poll) {
      const double drift = 0.2 * (1 + poll / 30.0);
      observe(chance, {table(draw(random, 120, drift), 120, draw(random, 1'080, drift), 1'080)});
      observe(minutes, {table(draw(random, 120, 0.2 * std::exp(normal(random))), 120,
                              draw(random, 1'080, 0.2 * std::exp(normal(random))), 1'080)});
    }
    calm += judge_noise(chance) == Dispersion::calm;
    noisy += judge_noise(minutes) == Dispersion::noisy;
  }
  MESSAGE("calm " << calm << ", noisy " << noisy << " of " << runs);
  CHECK(calm >= 0.5 * runs);  // a false "noisy" costs a few polls
  CHECK(noisy >= 0.98 * runs);
}

TEST_CASE("odds noise: while unknown, only what much noise could not make counts") {
  OddsNoise noise;
  CHECK(weigh_above(noise, 50, 1) == 0);
  observe(noise, {table(80, 100, 450, 900)});
  CHECK(weigh_above(noise, 50, 1) < std::log(20));
  OddsNoise gross;
  observe(gross, {table(9'900, 10'000, 9'000, 90'000)});  // 890 times the odds
  CHECK(weigh_above(gross, 500, 1) > std::log(100));
  CHECK(weigh_below(gross, -30, 1) == -30);
}

TEST_CASE("odds noise: reads back bit by bit, and what was tampered with is refused") {
  OddsNoise noise;
  for (int i = 0; i < 12; ++i) observe(noise, {table(20 + i % 5, 100, 180 + i % 7, 900)});
  const std::string good = doc::to_json(to_value(noise));
  CHECK(odds_noise_from_value(*doc::parse_json(good)).value() == noise);
  CHECK(odds_noise_from_value(to_value(OddsNoise{})).value() == OddsNoise{});
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"sums\":[", "\"sums\":[1,"}, {"\"ratios\":[", "\"ratios\":[1,"}, {",900]", ",-900]"}}) {
    std::string bad = good;
    const auto at = bad.find(from);
    REQUIRE(at != std::string::npos);
    bad.replace(at, from.size(), to);
    CAPTURE(to);
    CHECK_FALSE(odds_noise_from_value(*doc::parse_json(bad)).has_value());
  }
}

TEST_CASE(
    "odds noise: bad minutes of either arm roll back few good releases, and regressions are still found") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 0.6);
  constexpr int runs = 300;
  CompareConfig config;
  config.false_rollback = 0.05;
  int failed = 0, found = 0;
  for (int i = 0; i < runs; ++i) {
    ProportionEvidence good, bad;
    bool seen[2] = {};
    for (int poll = 0; poll < 60; ++poll) {
      const double canary = std::exp(normal(random)), control = std::exp(normal(random));
      const double others = draw(random, 1'080, control);
      const auto polls = [&](double ratio) {
        return Poll{{"1", {{static_cast<double>(draw(random, 120, canary * ratio)), 120}, {others, 1'080}}}};
      };
      REQUIRE(observe(good, config, polls(1)).has_value());
      REQUIRE(observe(bad, config, polls(2)).has_value());
      seen[0] |= judge(good, config).verdict == Verdict::fail;
      seen[1] |= judge(bad, config).verdict == Verdict::fail;
    }
    failed += seen[0];
    found += seen[1];
  }
  MESSAGE("log-sd 0.6: failed " << failed << ", 2x found " << found << " of " << runs);
  CHECK(failed <= runs * (0.06 + 3 * std::sqrt(0.06 * 0.94 / runs)));  // asymptotic: 6% is the promise
  CHECK(found >= 0.95 * runs);
}
