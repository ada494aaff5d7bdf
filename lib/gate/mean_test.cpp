#include "gate/mean.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace tranche;
using namespace tranche::gate;

namespace {

Poll sums(double canary, double canary_count, double control, double control_count,
          const std::string& stratum = "50000") {
  return {{stratum, {{canary, canary_count}, {control, control_count}}}};
}

}  // namespace

TEST_CASE("means: one poll's log ratio is one observation, strata averaged by their size") {
  MeanEvidence evidence;
  REQUIRE(observe(evidence, {}, sums(30, 100, 180, 900)).has_value());
  REQUIRE(evidence.ratios.starts.size() == 1);
  CHECK(evidence.ratios.starts[0].sum == doctest::Approx(std::log(0.3 / 0.2)).epsilon(1e-14));
  Poll two = sums(30, 100, 180, 900);
  two.merge(sums(100, 10, 50, 10, "200000"));
  MeanEvidence strata;
  REQUIRE(observe(strata, {}, two).has_value());
  CHECK(strata.ratios.starts[0].sum ==
        doctest::Approx((90 * std::log(1.5) + 5 * std::log(2.0)) / 95).epsilon(1e-14));
  // Raw values are summed and counted.
  Poll raw;
  raw["1"].canary.values = {0.1, 0.5};
  raw["1"].control.values = {0.2, 0.2, 0.2};
  MeanEvidence values;
  REQUIRE(observe(values, {}, raw).has_value());
  CHECK(values.ratios.starts[0].sum == doctest::Approx(std::log(1.5)).epsilon(1e-14));
  CHECK(judge(values, {}).explanation.find("canary's mean is 0.3 of 2 values, control's 0.2 of 3") == 0);
}

TEST_CASE("means: the verdict follows the evidence") {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0, 0.2);
  const auto judged = [&](double ratio, int polls) {
    MeanEvidence evidence;
    for (int i = 0; i < polls; ++i)
      REQUIRE(observe(evidence, {},
                      sums(20 * ratio * std::exp(noise(random)), 100, 180 * std::exp(noise(random)), 900))
                  .has_value());
    return judge(evidence, {});
  };
  const Comparison worse = judged(1.8, 40), same = judged(1, 40), early = judged(9, 4), none = judged(1, 0);
  CAPTURE(worse.explanation);
  CHECK(worse.verdict == Verdict::fail);
  CHECK(worse.ratio == doctest::Approx(1.8).epsilon(0.15));
  CHECK(worse.ratio_low > 1.4);
  CHECK(worse.ratio_low < worse.ratio);
  CHECK(worse.ratio_high > worse.ratio);
  CHECK(same.verdict == Verdict::pass);
  CHECK(early.verdict == Verdict::inconclusive);
  CHECK(early.explanation.find("4 of at least 5 polls") != std::string::npos);
  CHECK(none.verdict == Verdict::no_data);
}

TEST_CASE("means: polls wait until both arms' sums are above zero, and none of them is dropped") {
  MeanEvidence evidence;
  REQUIRE(observe(evidence, {}, sums(0, 50, 90, 450)).has_value());
  CHECK(evidence.ratios.starts.empty());
  CHECK(judge(evidence, {}).verdict == Verdict::inconclusive);
  REQUIRE(observe(evidence, {}, sums(30, 50, 90, 450)).has_value());
  REQUIRE(evidence.ratios.starts.size() == 1);
  CHECK(evidence.ratios.starts[0].sum == doctest::Approx(std::log(1.5)).epsilon(1e-14));
  CHECK(evidence.pending.empty());
  REQUIRE(observe(evidence, {}, sums(0, 0, 90, 450)).has_value());
  CHECK(evidence.empty_polls == 1);
  for (int i = 0; i < 200; ++i)
    REQUIRE(observe(evidence, {}, sums(0, 5, 9, 45, std::to_string(i))).has_value());
  CHECK(evidence.pending.size() == 64);
}

TEST_CASE("means: a regression that begins late is not drowned by the polls before") {
  std::mt19937_64 random(8);
  std::normal_distribution<double> noise(0, 0.1);
  MeanEvidence evidence;
  int polls = 0;
  for (; polls < 200; ++polls)
    REQUIRE(observe(evidence, {}, sums(20 * std::exp(noise(random)), 100, 180, 900)).has_value());
  CHECK(judge(evidence, {}).verdict == Verdict::pass);
  for (; judge(evidence, {}).verdict != Verdict::fail && polls < 300; ++polls)
    REQUIRE(observe(evidence, {}, sums(40 * std::exp(noise(random)), 100, 180, 900)).has_value());
  MESSAGE("2x found " << polls - 200 << " polls after its onset at poll 200");
  CHECK(polls - 200 <= 40);
  CHECK(evidence.ratios.starts.size() < 12);
}

TEST_CASE("means: impossible values are refused and leave the evidence as it was") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  MeanEvidence evidence;
  REQUIRE(observe(evidence, {}, sums(3, 100, 1, 100)).has_value());
  const MeanEvidence before = evidence;
  Poll raw;
  raw["1"].canary.values = {1, nan};
  for (const Poll& poll : {sums(-1, 100, 0, 100), sums(nan, 1, 0, 1), sums(1e13, 1, 0, 1), raw}) {
    Poll with_good = poll;
    with_good["0"] = {{1, 10}, {1, 10}};
    const auto refused = observe(evidence, {}, with_good);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::invalid);
    CHECK(evidence == before);
  }
  // Legal extremes stay finite.
  for (int i = 0; i < 20; ++i) {
    REQUIRE(observe(evidence, {}, sums(1e12, 1e-280, 1e-280, 1e12)).has_value());
    REQUIRE(observe(evidence, {}, sums(1e-280, 1e12, 1e12, 1e-280)).has_value());
  }
  CHECK(std::isfinite(judge(evidence, {}).log_evidence_worse));
}

TEST_CASE("means: stored evidence continues bit by bit, and tampered evidence is refused") {
  std::mt19937_64 random(20261121);
  std::uniform_real_distribution<double> value(0, 40);
  MeanEvidence straight;
  for (int i = 0; i < 100; ++i) {
    Poll poll = sums(value(random), 100.5, 9 * value(random), 900);
    poll.merge(sums(i % 3 == 0 ? 0 : value(random), 10, value(random), 30, "200000"));
    MeanEvidence restored = *mean_from_value(*doc::parse_json(doc::to_json(to_value(straight))));
    REQUIRE(restored == straight);
    REQUIRE(observe(restored, {}, poll).has_value());
    REQUIRE(observe(straight, {}, poll).has_value());
    REQUIRE(restored == straight);
  }
  const std::string good = doc::to_json(to_value(straight));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"polls\":100", "\"polls\":-1"},
                                                        {"{\"count\":100,", "{\"count\":99,"},
                                                        {"{\"count\":100,", "{\"count\":1000,"},
                                                        {"\"canary\":", "\"canaries\":"}}) {
    std::string bad = good;
    const auto at = bad.find(from);
    REQUIRE(at != std::string::npos);
    bad.replace(at, from.size(), to);
    CAPTURE(to);
    CHECK_FALSE(mean_from_value(*doc::parse_json(bad)).has_value());
  }
  // Frozen: runners of any machine must agree on these bits.
  MeanEvidence frozen;
  for (const double canary : {30, 25, 41, 22, 35, 29, 33, 38, 27, 31})
    REQUIRE(observe(frozen, {}, sums(canary, 100, 180, 900)).has_value());
  const Comparison got = judge(frozen, {});
  CHECK(doc::to_json(doc::Array{frozen.ratios.starts[0].sum, frozen.ratios.starts[1].squares,
                                got.log_evidence_worse, got.log_evidence_not_worse, got.ratio, got.ratio_low,
                                got.ratio_high}) ==
        "[4.253926674211304,0.6941065620898622,4.49715248088695,-0.8391172153818214,1.5301911579263072,1."
        "1442229646152413,2.0463537721279743]");
}

TEST_CASE("means: watched at every poll of a ramp under drift, errors stay as promised") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 0.6);
  constexpr int runs = 400;
  CompareConfig config;
  config.false_rollback = 0.05;
  int failed = 0, found = 0, passed_at_margin = 0, missed = 0;
  for (int i = 0; i < runs; ++i) {
    bool seen[4] = {};
    MeanEvidence good, at_margin;
    for (int poll = 0; poll < 60; ++poll) {
      const double share = poll < 30 ? 0.05 : 0.5, drift = 1 + poll / 30.0;
      const double n = 600 * share, m = 600 - n;
      const double control = m * drift * std::exp(noise(random)),
                   canary = n * drift * std::exp(noise(random));
      REQUIRE(observe(good, config, sums(canary, n, control, m)).has_value());
      REQUIRE(observe(at_margin, config, sums(1.5 * canary, n, control, m)).has_value());
      const Comparison now = judge(good, config), bad = judge(at_margin, config);
      seen[0] |= now.verdict == Verdict::fail;
      seen[1] |= bad.verdict == Verdict::fail;
      seen[2] |= bad.log_evidence_not_worse >= std::log(20);
      seen[3] |= bad.ratio_low > 1.5 || bad.ratio_high < 1.5;
    }
    failed += seen[0];
    found += seen[1];
    passed_at_margin += seen[2];
    missed += seen[3];
  }
  MESSAGE("failed " << failed << ", 1.5x found " << found << ", at the margin passed " << passed_at_margin
                    << ", intervals that missed " << missed << " of " << runs);
  const double most = runs * (0.05 + 3 * std::sqrt(0.05 * 0.95 / runs));
  CHECK(failed <= most);
  CHECK(passed_at_margin <= most);
  CHECK(missed <= most);
  CHECK(found >= 0.70 * runs);
}
