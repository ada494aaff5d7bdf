#include "gate/sample_ratio.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace tranche;
using namespace tranche::gate;

namespace {

Poll devices(double canary, double control, const std::string& stratum = "500000") {
  StratumCounts counts;
  counts.canary.exposure = canary;
  counts.control.exposure = control;
  return {{stratum, counts}};
}

double sequential_p(double canary, double control, double k) {
  return std::min(1.0, std::exp(-log_mismatch({0.5, canary, control}, k)));
}

}  // namespace

TEST_CASE("sample ratio: the published numbers come out") {
  // 821588 against 815482 (Fabijan et al., KDD 2019) and 156 against 212 (seqabpy's documentation).
  CHECK(sequential_p(821588, 815482, 2) == doctest::Approx(0.0116).epsilon(0.005));
  CHECK(sequential_p(821588, 815482, 100) == doctest::Approx(0.00146).epsilon(0.005));
  CHECK(sequential_p(821588, 815482, 1'000) == doctest::Approx(0.000462).epsilon(0.002));
  CHECK(sequential_p(821588, 815482, 10'000) == doctest::Approx(0.000156).epsilon(0.002));
  CHECK(sequential_p(156, 212, 100) == doctest::Approx(0.0749).epsilon(0.001));
}

TEST_CASE("sample ratio: the evidence is the Dirichlet-multinomial's, by libm") {
  for (const double share : {0.001, 0.05, 0.5, 0.99})
    for (const double k : {1.0, 1'000.0, 1e6})
      for (const auto& [canary, control] :
           std::vector<std::pair<double, double>>{{0, 3}, {3, 0}, {17, 400}, {5e5, 4e5}}) {
        const double a = k * share, b = k * (1 - share), n = canary + control;
        const double expected = std::lgamma(k) - std::lgamma(k + n) + std::lgamma(a + canary) -
                                std::lgamma(a) + std::lgamma(b + control) - std::lgamma(b) -
                                canary * std::log(share) - control * std::log(1 - share);
        CHECK(log_mismatch({share, canary, control}, k) ==
              doctest::Approx(expected).epsilon(1e-9).scale(100));
      }
}

TEST_CASE("sample ratio: a mismatch is told with its numbers and is not forgotten") {
  SampleRatioEvidence evidence;
  CHECK(judge(evidence).explanation == "no devices were heard from");
  for (int i = 0; i < 10; ++i) REQUIRE(observe(evidence, devices(700, 1'000), {{"500000", 0.5}}).has_value());
  const SampleRatio found = judge(evidence);
  CHECK(found.mismatch);
  CHECK(found.p < 0.001);
  CHECK(found.explanation.find(
            "7000 of 17000 devices heard from are canaries, 41.18% where 50% were expected") == 0);
  CHECK(found.explanation.find("cannot be compared") != std::string::npos);
  // The missing ones come back: the past stays.
  for (int i = 0; i < 10; ++i)
    REQUIRE(observe(evidence, devices(1'300, 1'000), {{"500000", 0.5}}).has_value());
  CHECK(judge(evidence).log_evidence < std::log(1'000));
  CHECK(judge(evidence).mismatch);
}

TEST_CASE("sample ratio: the expected share may change with the ramp, and strata differ") {
  SampleRatioEvidence evidence;
  for (const double share : {0.05, 0.1, 0.25, 0.5})
    for (int i = 0; i < 50; ++i)
      REQUIRE(observe(evidence,
                      {{"a", devices(10'000 * share, 10'000 * (1 - share)).begin()->second},
                       {"b", devices(500, 500).begin()->second}},
                      {{"a", share}, {"b", 0.5}})
                  .has_value());
  CHECK_FALSE(judge(evidence).mismatch);
  CHECK(judge(evidence).observed == doctest::Approx(judge(evidence).expected));
  CHECK(evidence.closed < 0);
  // Pooled against the last share alone it would be a mismatch.
  CHECK(log_mismatch({0.5, evidence.canary, evidence.control}) > 1'000);
  // A stratum without an expected share is left out.
  const SampleRatioEvidence before = evidence;
  REQUIRE(observe(evidence, devices(1, 1e6, "c"), {{"a", 0.5}}).has_value());
  CHECK(evidence == before);
}

TEST_CASE("sample ratio: what is no count or share is refused and changes nothing") {
  SampleRatioEvidence evidence;
  REQUIRE(observe(evidence, devices(5, 5), {{"500000", 0.5}}).has_value());
  const SampleRatioEvidence before = evidence;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(observe(evidence, devices(-1, 5), {{"500000", 0.5}}).has_value());
  CHECK_FALSE(observe(evidence, devices(1, nan), {{"500000", 0.5}}).has_value());
  CHECK_FALSE(observe(evidence, devices(1, 1), {{"500000", 0}}).has_value());
  CHECK_FALSE(observe(evidence, devices(1, 1), {{"500000", 1}}).has_value());
  CHECK_FALSE(observe(evidence, devices(1, 1), {{"500000", nan}}).has_value());
  CHECK_FALSE(observe(evidence, devices(1, 1), {{"500000", 0.5}}, 0).has_value());
  CHECK(evidence == before);
  // However many strata arrive, the state stays bounded.
  for (int i = 0; i < 200; ++i)
    REQUIRE(observe(evidence, devices(1, 1, std::to_string(i)), {{std::to_string(i), 0.5}}).has_value());
  CHECK(evidence.segments.size() == 64);
}

TEST_CASE("sample ratio: stored evidence continues bit by bit, and tampered evidence is refused") {
  std::mt19937_64 random(5);
  SampleRatioEvidence straight;
  for (int i = 0; i < 100; ++i) {
    const double share = i < 50 ? 0.05 : 0.2;
    std::binomial_distribution<int> canary(333, share);
    const int count = canary(random);
    const Poll poll = devices(count, 333 - count);
    SampleRatioEvidence restored =
        *sample_ratio_from_value(*doc::parse_json(doc::to_json(to_value(straight))));
    REQUIRE(restored == straight);
    REQUIRE(observe(restored, poll, {{"500000", share}}).has_value());
    REQUIRE(observe(straight, poll, {{"500000", share}}).has_value());
    REQUIRE(restored == straight);
  }
  for (
      const char* text :
      {"{}",
       R"({"segments":{"1":{"share":2,"canary":1,"control":1}},"closed":0,"largest":0,"canary":0,"control":0,"expected":0,"polls":0})",
       R"({"segments":{"1":{"share":0.5,"canary":-1,"control":1}},"closed":0,"largest":0,"canary":0,"control":0,"expected":0,"polls":0})",
       R"({"segments":{},"closed":0,"largest":-1,"canary":0,"control":0,"expected":0,"polls":0})"}) {
    CAPTURE(text);
    CHECK_FALSE(sample_ratio_from_value(*doc::parse_json(text)).has_value());
  }
  // Frozen: runners of any machine must agree on these bits.
  CHECK(doc::to_json(doc::Value(log_mismatch({0.05, 613, 11387}))) == "-1.1574079893752014");
}

TEST_CASE(
    "sample ratio: watched at every poll of a ramp, right shares raise an alarm at most as often as "
    "promised") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr int runs = 1'000;
  constexpr double alpha = 0.05;  // larger than the default so that so few runs can tell
  int alarms = 0, found = 0;
  for (int i = 0; i < runs; ++i) {
    SampleRatioEvidence right, missing;
    for (const double share : {0.05, 0.2, 0.5})
      for (int poll = 0; poll < 20; ++poll) {
        std::binomial_distribution<int> canary(1'000, share),
            fewer(1'000, share * 0.9 / (share * 0.9 + 1 - share));
        const int count = canary(random), less = fewer(random);
        REQUIRE(observe(right, devices(count, 1'000 - count), {{"500000", share}}).has_value());
        REQUIRE(observe(missing, devices(less, 1'000 - less), {{"500000", share}}).has_value());
      }
    alarms += judge(right, alpha).mismatch ? 1 : 0;
    found += judge(missing).mismatch ? 1 : 0;
  }
  MESSAGE("alarms " << alarms << ", a tenth of the canaries missing found " << found << " of " << runs);
  CHECK(alarms <= runs * (alpha + 3 * std::sqrt(alpha * (1 - alpha) / runs)));
  CHECK(found >= 0.95 * runs);
}
