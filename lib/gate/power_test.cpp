#include "gate/power.hpp"

#include <random>

#include <doctest/doctest.h>

namespace tranche::gate {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

PowerQuestion asked(double canary_a_minute, double control_a_minute, double ratio, Duration within) {
  PowerQuestion out;
  out.canary_rate = canary_a_minute / 60;
  out.control_rate = control_a_minute / 60;
  out.base = 0.005;
  out.ratio = ratio;
  out.within = within;
  return out;
}

struct Checked {
  double fails = 0, passes = 0;
};
// The same chances by another path: the standard library's draws, a series at a time.
Checked simulated(const PowerQuestion& question, int runs) {
  std::mt19937_64 random(4711);
  Checked out;
  const double seconds = static_cast<double>(question.every.count()) / 1000;
  const auto draw = [&](double mean) {
    return mean > 0 ? static_cast<double>(std::poisson_distribution<long>(mean)(random)) : 0;
  };
  std::normal_distribution<double> normal;
  const auto factor = [&] { return question.noise > 0 ? std::exp(question.noise * normal(random)) : 1; };
  const auto events = [&](double exposure, double rate) {
    if (question.config.statistic == Statistic::rate) return draw(exposure * rate * factor());
    return static_cast<double>(std::binomial_distribution<long>(static_cast<long>(exposure),
                                                                std::min(1.0, rate * factor()))(random));
  };
  const double odds = question.base / (1 - question.base) * question.ratio;
  const double canary_rate =
      question.config.statistic == Statistic::rate ? question.base * question.ratio : odds / (1 + odds);
  for (int run = 0; run < runs; ++run) {
    Process process = begin(question.config);
    bool passed = false;
    for (std::int64_t poll = 0; poll < question.within / question.every; ++poll) {
      StratumCounts counts;
      counts.canary.exposure = draw(question.canary_rate * seconds);
      counts.control.exposure = draw(question.control_rate * seconds);
      counts.canary.events = events(counts.canary.exposure, canary_rate);
      counts.control.events = events(counts.control.exposure, question.base);
      REQUIRE(observe(process, question.config, {{"all", counts}}));
      const Verdict verdict = judge(process, question.config).verdict;
      passed = passed || verdict == Verdict::pass;
      if (verdict == Verdict::fail) {
        out.fails += 1.0 / runs;
        break;
      }
    }
    if (passed) out.passes += 1.0 / runs;
  }
  return out;
}

TEST_CASE("what is predicted is what independent simulation sees, within 5 points") {
  std::vector<PowerQuestion> questions{
      asked(30, 570, 2, hours(1)), asked(30, 570, 3, hours(1)),        asked(1200, 10800, 1.2, minutes(30)),
      asked(30, 570, 1, hours(1)), asked(1200, 10800, 1, minutes(20)), asked(1200, 10800, 1.5, minutes(40))};
  questions.back().noise = 0.6;
  PowerQuestion common = asked(60, 540, 1.6, minutes(30));
  common.config.statistic = Statistic::proportion;
  common.base = 0.2;
  questions.push_back(common);
  for (const PowerQuestion& question : questions) {
    CAPTURE(question.canary_rate);
    CAPTURE(question.ratio);
    auto power = simulate_power(question);
    REQUIRE(power);
    CHECK(power->half_width < (question.noise > 0 ? 0.035 : 0.025));
    const Checked checked = simulated(question, 1000);
    CHECK(std::abs(power->fails - checked.fails) < 0.05);
    CHECK(std::abs(power->passes - checked.passes) < 0.05);
  }
}

TEST_CASE("what may not be decided is not decided") {
  std::mt19937_64 random(11);
  for (const Statistic statistic : {Statistic::rate, Statistic::proportion})
    for (const double rate : {0.005, 0.012, 0.05}) {
      ProcessConfig config;
      config.statistic = statistic;
      Process process = begin(config);
      int skipped = 0;
      for (int poll = 0; poll < 400; ++poll) {
        StratumCounts counts;
        counts.canary.exposure = 100;
        counts.control.exposure = 900;
        counts.canary.events = std::poisson_distribution<int>(100 * (poll < 300 ? 0.01 : rate))(random);
        counts.control.events = std::poisson_distribution<int>(9)(random);
        REQUIRE(observe(process, config, {{"all", counts}}));
        const Verdict verdict = judge(process, config, false).verdict;
        const bool adverse = verdict == Verdict::fail || verdict == Verdict::suspect;
        if (!may_decide(process, config, false)) CHECK_FALSE(adverse);
        if (!may_decide(process, config, true)) CHECK(verdict == Verdict::inconclusive);
        skipped += may_decide(process, config, true) ? 0 : 1;
      }
      CHECK(skipped > 10);
    }
}

TEST_CASE("the same question has the same answer") {
  const PowerQuestion question = asked(30, 570, 2, hours(1));
  const auto one = simulate_power(question), two = simulate_power(question);
  REQUIRE(one);
  REQUIRE(two);
  CHECK(one->fails == two->fails);
  CHECK(one->fail_exposure_median == two->fail_exposure_median);
}

TEST_CASE("more exposure and larger regressions are seen more often and sooner") {
  const auto small = simulate_power(asked(30, 570, 2, hours(1)));
  const auto more = simulate_power(asked(120, 2280, 2, hours(1)));
  const auto larger = simulate_power(asked(30, 570, 4, hours(1)));
  REQUIRE(small);
  REQUIRE(more);
  REQUIRE(larger);
  CHECK(more->fails > small->fails);
  CHECK(larger->fails > small->fails);
  REQUIRE(more->fail_median);
  REQUIRE(larger->fail_median);
  CHECK(*larger->fail_median < hours(1));
}

TEST_CASE("the estimate without simulation is at most twice, and at least a third of, the median") {
  for (const double ratio : {1.5, 2.0, 3.0})
    for (const double rate : {60.0, 600.0}) {
      const PowerQuestion question = asked(rate, rate * 9, ratio, hours(24));
      const auto power = simulate_power(question);
      REQUIRE(power);
      REQUIRE(power->fail_median);
      const double seconds = static_cast<double>(power->fail_median->count()) / 1000;
      CAPTURE(ratio);
      CAPTURE(seconds);
      CHECK(expected_seconds(question) < 2 * seconds);
      if (seconds > 600) CHECK(expected_seconds(question) > seconds / 3);
    }
}

TEST_CASE("the smallest stage that sees the regression is suggested, or none") {
  PowerQuestion question = asked(0, 0, 2, hours(24));
  const auto size = suggest_stage(question, 600.0 / 60);
  REQUIRE(size);
  REQUIRE(*size);
  CHECK((*size)->power.fails >= 0.88);
  CHECK((*size)->bake <= hours(24));
  const auto busier = suggest_stage(question, 60'000.0 / 60);
  REQUIRE(busier);
  REQUIRE(*busier);
  CHECK((*busier)->share <= (*size)->share);
  const auto hopeless = suggest_stage(question, 0.001);
  REQUIRE(hopeless);
  CHECK_FALSE(*hopeless);
}

TEST_CASE("questions that mean nothing are refused") {
  for (auto change :
       {+[](PowerQuestion& q) { q.base = 0; }, +[](PowerQuestion& q) { q.canary_rate = -1; },
        +[](PowerQuestion& q) { q.ratio = std::nan(""); }, +[](PowerQuestion& q) { q.noise = 3; },
        +[](PowerQuestion& q) { q.within = minutes(0); },
        +[](PowerQuestion& q) { q.config.statistic = Statistic::quantile; },
        +[](PowerQuestion& q) { q.within = hours(24 * 366); }}) {
    PowerQuestion question = asked(30, 570, 2, hours(1));
    change(question);
    const auto refused = simulate_power(question);
    REQUIRE_FALSE(refused);
    CHECK_FALSE(refused.error().hint.empty());
  }
}

}  // namespace
}  // namespace tranche::gate
