#include "gate/quantile.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace tranche;
using namespace tranche::gate;

namespace {

const double inf = std::numeric_limits<double>::infinity();

std::vector<double> fine_bounds() {
  std::vector<double> out;
  for (double bound = 0.001; bound < 60; bound *= 1.2) out.push_back(bound);
  out.push_back(inf);
  return out;
}

// `count` latencies, lognormal with a median of `median` seconds, in buckets or raw (no bounds).
ArmCounts latencies(std::mt19937_64& random, const std::vector<double>& bounds, int count, double median) {
  std::lognormal_distribution<double> latency(std::log(median), 1);
  ArmCounts out;
  if (!bounds.empty()) out.buckets.resize(bounds.size());
  for (int i = 0; i < count; ++i) {
    const double value = latency(random);
    if (bounds.empty())
      out.values.push_back(value);
    else
      out.buckets[static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) -
                                           bounds.begin())] += 1;
  }
  return out;
}

Poll poll_of(std::mt19937_64& random, const std::vector<double>& bounds, int canary, int control,
             double median, double ratio, const std::string& stratum = "50000") {
  StratumCounts counts;
  counts.bounds = bounds;
  counts.canary = latencies(random, bounds, canary, median * ratio);
  counts.control = latencies(random, bounds, control, median);
  return {{stratum, counts}};
}

StratumCounts buckets(std::vector<double> bounds, std::vector<double> canary, std::vector<double> control) {
  StratumCounts out;
  out.bounds = std::move(bounds);
  out.canary.buckets = std::move(canary);
  out.control.buckets = std::move(control);
  return out;
}

}  // namespace

TEST_CASE("quantiles: a slower canary fails, an equal one passes, nothing is no data") {
  std::mt19937_64 random(11);
  for (const std::vector<double>& bounds : {fine_bounds(), std::vector<double>{}}) {
    CompareConfig config;
    QuantileEvidence slow, same;
    slow.quantile = same.quantile = 0.9;
    for (int i = 0; i < 60; ++i) {
      REQUIRE(observe(slow, config, poll_of(random, bounds, 100, 900, 0.08, 1.6)).has_value());
      REQUIRE(observe(same, config, poll_of(random, bounds, 100, 900, 0.08, 1)).has_value());
    }
    const Comparison failed = judge(slow, config), passed = judge(same, config);
    CAPTURE(failed.explanation);
    CAPTURE(passed.explanation);
    CHECK(failed.verdict == Verdict::fail);
    CHECK(failed.ratio == doctest::Approx(1.6).epsilon(0.1));
    CHECK(failed.explanation.find("canary's p90 is 0.4") != std::string::npos);
    CHECK(passed.verdict == Verdict::pass);
    CHECK(ratio_bounds(slow).lower >= 1.1);
    CHECK(ratio_bounds(slow).lower <= 1.6);
    CHECK(ratio_bounds(slow).upper >= 1.6);
    CHECK(ratio_bounds(slow).upper < 3);
  }
  QuantileEvidence empty;
  REQUIRE(observe(empty, {}, {}).has_value());
  REQUIRE(observe(empty, {}, {{"1", buckets({1, inf}, {0, 0}, {5, 5})}}).has_value());
  REQUIRE(observe(empty, {}, {{"1", buckets({1, inf}, {}, {5, 5})}}).has_value());
  CHECK(judge(empty, {}).verdict == Verdict::no_data);
  CHECK(empty.empty_polls == 3);
}

TEST_CASE("quantiles: thresholds come from past polls, so a poll cannot choose what it is judged by") {
  // The same second poll after two different first ones is compared at two different bounds.
  const std::vector<double> bounds{1, 2, 3, 4, inf};
  const auto second = buckets(bounds, {0, 0, 0, 50, 50}, {0, 100, 0, 0, 0});
  QuantileEvidence low, high;
  low.quantile = high.quantile = 0.5;
  REQUIRE(observe(low, {}, {{"1", buckets(bounds, {100, 0, 0, 0, 0}, {60, 40, 0, 0, 0})}}).has_value());
  REQUIRE(observe(high, {}, {{"1", buckets(bounds, {0, 0, 0, 0, 100}, {0, 0, 0, 0, 100})}}).has_value());
  REQUIRE(observe(low, {}, {{"1", second}}).has_value());
  REQUIRE(observe(high, {}, {{"1", second}}).has_value());
  CHECK(low.canary_over == 100);
  CHECK(low.control_over == 100);  // all above 1
  CHECK(high.canary_over == 50);
  CHECK(high.control_over == 0);  // above 4
}

TEST_CASE("quantiles: bounds are rounded so that worse-than is never too eager and margin never too kind") {
  // Bounds an octave apart; the canary is 1.5 times slower, which no bound can tell from 2 times.
  const std::vector<double> bounds{1, 2, 4, 8, inf};
  CompareConfig config;
  config.worse_than = 1.5;
  config.margin = 1.9;
  QuantileEvidence evidence;
  evidence.quantile = 0.5;
  for (int i = 0; i < 30; ++i)
    REQUIRE(observe(evidence, config, {{"1", buckets(bounds, {0, 25, 50, 25, 0}, {0, 500, 500, 0, 0})}})
                .has_value());
  // worse-than: canary above 1.5 x 2, rounded to 4 (25%), against control above 2 (50%).
  CHECK(evidence.canary_over == 29 * 25);
  CHECK(evidence.control_over == 29 * 500);
  CHECK(judge(evidence, config).log_evidence_worse < 1);
  // margin: canary above 1.9 x 2, rounded to 2 (75%), against 50%.
  CHECK(judge(evidence, config).log_evidence_not_worse < 1);
  CHECK(judge(evidence, config).explanation.find("too coarse for a margin of 1.9x") != std::string::npos);
  // A decimal bound is hit although 0.1 * 1.5 is not 0.15 in binary.
  config.worse_than = 1.5;
  QuantileEvidence decimal;
  decimal.quantile = 0.5;
  for (int i = 0; i < 3; ++i)
    REQUIRE(observe(decimal, config,
                    {{"1", buckets({0.05, 0.1, 0.15, 0.3, inf}, {0, 0, 50, 50, 0}, {0, 50, 50, 0, 0})}})
                .has_value());
  CHECK(decimal.canary_over == 2 * 50);
}

TEST_CASE("quantiles: what cannot be read is refused and leaves the evidence as it was") {
  QuantileEvidence evidence;
  REQUIRE(observe(evidence, {}, {{"1", buckets({1, 2, inf}, {3, 2, 1}, {9, 9, 9})}}).has_value());
  const QuantileEvidence before = evidence;
  const auto refused = [&](StratumCounts bad) {
    const auto result =
        observe(evidence, {}, {{"0", buckets({1, inf}, {3, 2}, {9, 9})}, {"1", std::move(bad)}});
    return !result.has_value() && result.error().kind == ErrorKind::invalid && evidence == before;
  };
  CHECK(refused(buckets({1, 2, inf}, {3, -2, 1}, {9, 9, 9})));
  CHECK(refused(buckets({1, 2, inf}, {3, 2}, {9, 9, 9})));
  CHECK(refused(buckets({1, 2}, {3, 2}, {9, 9})));
  CHECK(refused(buckets(std::vector<double>(2000, 1), {}, {})));
  QuantileEvidence none;
  none.quantile = 0.3;
  CHECK_FALSE(observe(none, {}, {{"1", buckets({1, 2, inf}, {3, 2, 1}, {9, 9, 9})}}).has_value());
}

TEST_CASE("quantiles: stored evidence continues bit by bit, and tampered evidence is refused") {
  std::mt19937_64 random(20261121);
  QuantileEvidence straight;
  straight.quantile = 0.95;
  for (int i = 0; i < 60; ++i) {
    Poll poll = poll_of(random, fine_bounds(), 40, 300, 0.08, 1.2);
    poll.merge(poll_of(random, {}, 20, 50, 0.2, 1.2, "200000"));
    QuantileEvidence restored = *quantile_from_value(*doc::parse_json(doc::to_json(to_value(straight))));
    REQUIRE(restored == straight);
    REQUIRE(observe(restored, {}, poll).has_value());
    REQUIRE(observe(straight, {}, poll).has_value());
    REQUIRE(restored == straight);
  }
  const std::string good = doc::to_json(to_value(straight));
  CHECK(good.size() < 12'000);
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"worse\":[", "\"worse\":[1,"},
                                                        {"\"polls\":60", "\"polls\":-1"},
                                                        {"\"above\":[", "\"above\":[1,"},
                                                        {"\"quantile\":0.95", "\"quantile\":1.5"},
                                                        {"\"recent\":", "\"old\":"},
                                                        {"\"canary-over\":", "\"canary-over\":-"}}) {
    std::string bad = good;
    const auto at = bad.find(from);
    REQUIRE(at != std::string::npos);
    bad.replace(at, from.size(), to);
    CAPTURE(to);
    CHECK_FALSE(quantile_from_value(*doc::parse_json(bad)).has_value());
  }
}

// Frozen: runners of any machine must agree on these bits.
TEST_CASE("quantiles: the sums are the same bits on every machine") {
  QuantileEvidence evidence;
  evidence.quantile = 0.75;
  for (int i = 0; i < 3; ++i)
    REQUIRE(
        observe(evidence, {}, {{"1", buckets({0.1, 0.25, 0.5, inf}, {30, 40, 25, 15}, {450, 300, 120, 50})}})
            .has_value());
  const Comparison got = judge(evidence, {});
  CHECK(
      doc::to_json(doc::Array{evidence.worse[0], evidence.worse[7], evidence.not_worse[2], evidence.above[20],
                              evidence.below[31], got.log_evidence_worse, got.log_evidence_not_worse}) ==
      "[7.050651654574496,15.937526825140827,-18.088274595775143,9.92302854857953,-54.61372440290338,0."
      "5570303468826792,-1.3812964165852706]");
}

TEST_CASE("quantiles: watched at every poll of a ramp while both arms slow down, errors stay as promised") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr int runs = 150;
  CompareConfig config;
  config.false_rollback = 0.05;
  for (const bool raw : {false, true}) {
    const std::vector<double> bounds = raw ? std::vector<double>{} : fine_bounds();
    int failed = 0, passed = 0, found = 0, passed_at_margin = 0, missed = 0;
    for (int i = 0; i < runs; ++i) {
      bool seen[5] = {};
      QuantileEvidence good, at_margin;
      good.quantile = at_margin.quantile = 0.9;
      int minute = 0;
      for (const double weight : {0.05, 0.10, 0.25, 0.50})
        for (int poll = 0; poll < 6; ++poll, ++minute) {
          const double median = 0.08 * (1 + 2 * minute / 24.0);
          const int canary = static_cast<int>(400 * weight);
          REQUIRE(
              observe(good, config, poll_of(random, bounds, canary, 400 - canary, median, 1)).has_value());
          REQUIRE(observe(at_margin, config, poll_of(random, bounds, canary, 400 - canary, median, 1.5))
                      .has_value());
          const Comparison now = judge(good, config), bad = judge(at_margin, config);
          seen[0] |= now.verdict == Verdict::fail;
          seen[1] |= now.verdict == Verdict::pass;
          seen[2] |= bad.verdict == Verdict::fail;
          seen[3] |= bad.log_evidence_not_worse >= std::log(20);
          const RatioBounds interval = ratio_bounds(at_margin);
          seen[4] |= interval.lower > 1.5 || interval.upper < 1.5;
        }
      failed += seen[0];
      passed += seen[1];
      found += seen[2];
      passed_at_margin += seen[3];
      missed += seen[4];
    }
    MESSAGE(std::string(raw ? "raw" : "buckets")
            << ": failed " << failed << ", passed " << passed << ", 1.5x found " << found
            << ", at the margin passed " << passed_at_margin << ", intervals that missed " << missed << " of "
            << runs);
    const double most = runs * (0.05 + 3 * std::sqrt(0.05 * 0.95 / runs));
    CHECK(failed <= most);
    CHECK(passed_at_margin <= most);
    CHECK(missed <= most);
    CHECK(found >= 0.95 * runs);
    CHECK(passed >= 0.8 * runs);
  }
}
