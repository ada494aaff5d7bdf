#include "gate/proportion.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace tranche;
using namespace tranche::gate;

namespace {

Poll one(double ce, double cx, double se, double sx, const std::string& stratum = "50000") {
  return {{stratum, {{ce, cx}, {se, sx}}}};
}

}  // namespace

TEST_CASE("proportions: the verdict follows the evidence") {
  struct Row {
    const char* what;
    Poll poll;
    Verdict verdict;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"80% against 50%", one(80, 100, 450, 900), Verdict::fail},
           {"95% against 80%: the ratio of rates is 1.2", one(285, 300, 2160, 2700), Verdict::fail},
           {"54% against 50%", one(54, 100, 450, 900), Verdict::inconclusive},
           {"equal at 50%", one(500, 1000, 4500, 9000), Verdict::pass},
           {"equal at 95%", one(9500, 10000, 9500, 10000), Verdict::pass},
           {"equal, few", one(2, 4, 2, 4), Verdict::inconclusive},
           {"nothing happened at all", one(0, 1e6, 0, 1e6), Verdict::inconclusive},
           {"everything happened", one(1e6, 1e6, 1e6, 1e6), Verdict::inconclusive},
           {"canary is empty", one(0, 0, 5, 100), Verdict::no_data},
           {"no strata", {}, Verdict::no_data}}) {
    CAPTURE(row.what);
    ProportionEvidence evidence;
    for (int i = 0; i < 4; ++i) REQUIRE(observe(evidence, {}, row.poll).has_value());
    const Comparison got = judge(evidence, {});
    CAPTURE(got.explanation);
    CHECK(to_text(got.verdict) == to_text(row.verdict));
    CHECK_FALSE(got.explanation.empty());
  }
}

TEST_CASE("proportions: worse-than and margin are ratios of odds") {
  ProportionEvidence evidence;
  CompareConfig config;
  REQUIRE(observe(evidence, config, one(400, 1000, 1800, 9000)).has_value());  // 2:3 against 1:4
  CHECK(judge(evidence, config).ratio == doctest::Approx(2.67).epsilon(0.01));
  CHECK(judge(evidence, config).explanation.find("canary 400 of 1000 (40%)") != std::string::npos);
  // 27.3% against 20% is 1.5 times the odds: at that boundary neither side gathers evidence.
  config.worse_than = 1.5;
  ProportionEvidence boundary;
  for (int i = 0; i < 50; ++i) REQUIRE(observe(boundary, config, one(300, 1100, 200, 1000)).has_value());
  CHECK(judge(boundary, config).log_evidence_worse < std::log(2));
  CHECK(judge(boundary, config).log_evidence_not_worse < std::log(2));
}

TEST_CASE("proportions: a regression that begins late is found nearly as fast as one that begins at once") {
  ProportionEvidence late, fresh;
  for (int i = 0; i < 400; ++i) REQUIRE(observe(late, {}, one(20, 100, 180, 900)).has_value());
  int late_polls = 0, fresh_polls = 0;
  for (; judge(late, {}).verdict != Verdict::fail; ++late_polls)
    REQUIRE(observe(late, {}, one(40, 100, 180, 900)).has_value());
  for (; judge(fresh, {}).verdict != Verdict::fail; ++fresh_polls)
    REQUIRE(observe(fresh, {}, one(40, 100, 180, 900)).has_value());
  CHECK(fresh_polls <= 4);  // until the noise is known
  CHECK(late_polls <= 3);
}

TEST_CASE("proportions: impossible counts are refused and leave the evidence as it was") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ProportionEvidence evidence;
  REQUIRE(observe(evidence, {}, one(3, 100, 1, 100)).has_value());
  const ProportionEvidence before = evidence;
  for (const Poll& poll : {one(-1, 100, 0, 100), one(nan, 1, 0, 1), one(1e13, 1, 0, 1), one(200, 100, 0, 100),
                           one(0, 100, 200, 100)}) {
    Poll with_good = poll;
    with_good["1"] = {{1, 10}, {1, 10}};
    const auto refused = observe(evidence, {}, with_good);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::invalid);
    CHECK(evidence == before);
  }
  // An interpolating source may count 10.2 events in 10 sessions.
  CHECK(observe(evidence, {}, one(10.2, 10, 95, 100)).has_value());
  CHECK(evidence.canary_events == 13);
}

TEST_CASE("proportions: stored evidence continues bit by bit, and tampered evidence is refused") {
  std::mt19937_64 random(20261121);
  ProportionEvidence straight;
  for (int i = 0; i < 200; ++i) {
    std::binomial_distribution<int> canary(120, 0.3), control(1080, 0.3), tiny(9, 0.5);
    const Poll poll{
        {"50000", {{canary(random) + 0.25, 120.5}, {static_cast<double>(control(random)), 1080}}},
        {"200000", {{static_cast<double>(tiny(random)), 9}, {static_cast<double>(tiny(random)), 9}}}};
    ProportionEvidence restored = *proportion_from_value(*doc::parse_json(doc::to_json(to_value(straight))));
    REQUIRE(restored == straight);
    REQUIRE(observe(restored, {}, poll).has_value());
    REQUIRE(observe(straight, {}, poll).has_value());
    REQUIRE(restored == straight);
  }
  const std::string good = doc::to_json(to_value(straight));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"worse\":[", "\"worse\":[1,"},
                                                        {"\"polls\":200", "\"polls\":-1"},
                                                        {"\"polls\":200", "\"polls\":0"},
                                                        {"\"canary-events\":", "\"canary-events\":-"},
                                                        {"\"sums\":[", "\"sums\":[1,"},
                                                        {"\"last-control\":", "\"last\":"}}) {
    std::string bad = good;
    const auto at = bad.find(from);
    REQUIRE(at != std::string::npos);
    bad.replace(at, from.size(), to);
    CAPTURE(to);
    const auto read = proportion_from_value(*doc::parse_json(bad));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == ErrorKind::invalid);
  }
}

// Frozen: runners of any machine must agree on these bits.
TEST_CASE("proportions: the sums are the same bits on every machine") {
  ProportionEvidence evidence;
  REQUIRE(observe(evidence, {}, {{"50000", {{70, 613}, {1010, 11387}}}, {"200000", {{3, 40}, {9, 61}}}})
              .has_value());
  CHECK(
      doc::to_json(to_value(evidence)) ==
      R"({"worse":[0.3200774573460664,0.9078604334415169,0.07189687662769828,-5.790463393091571,-25.212034017994913,-72.15047802708666,-183.6259583030784,-355.66372691654715],)"
      R"("not-worse":[0.0005744165446356364,0.05439661899997017,-1.4591234194666862,-7.162364041383682,-20.768368318368932,-44.68482632897934,-84.86550288009649,-130.13065330877305],)"
      R"("canary-events":73,"canary-trials":653,"control-events":1019,"control-trials":11448,"noise":{"ratios":[{"count":1,"weight":1,"sum":0.24275891101664812,"squares":0.05893188887798888}],)"
      R"("sums":[0.24275891101664812,0.016576037103714417,0,0,0,0,0,0,0,0,0,0,62.74163347370907,49.21834043031663,54.03488348237489,50.4219503441424,7.503140077508418],"last-control":{"200000":[0,9,61],"50000":[0,1010,11387]}},"polls":1,"empty-polls":0})");
}

TEST_CASE(
    "proportions: watched at every poll of a ramp under drift, at any base rate, errors stay as promised") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr int runs = 400;
  CompareConfig config;
  config.false_rollback = 0.05;
  for (const double base : {0.05, 0.5, 0.9}) {
    int failed = 0, found = 0, passed = 0, passed_at_margin = 0;
    for (int i = 0; i < runs; ++i) {
      bool seen[4] = {};
      ProportionEvidence good, at_margin, bad;
      int minute = 0;
      for (const double weight : {0.05, 0.10, 0.25, 0.50})
        for (int poll = 0; poll < 8; ++poll, ++minute) {
          const double odds = base / (1 - base) * (1 + minute / 16.0) * (minute == 20 ? 5 : 1);
          const int canary = static_cast<int>(600 * weight), control = 600 - canary;
          std::binomial_distribution<int> events(control, odds / (1 + odds));
          const auto arm = [&](double ratio) {
            return std::binomial_distribution<int>(canary, odds * ratio / (1 + odds * ratio))(random);
          };
          const double others = events(random);
          REQUIRE(observe(good, config, one(arm(1), canary, others, control)).has_value());
          REQUIRE(observe(at_margin, config, one(arm(1.5), canary, others, control)).has_value());
          REQUIRE(observe(bad, config, one(arm(2.5), canary, others, control)).has_value());
          seen[0] |= judge(good, config).verdict == Verdict::fail;
          seen[1] |= judge(good, config).verdict == Verdict::pass;
          seen[2] |= judge(at_margin, config).log_evidence_not_worse >= std::log(20);
          seen[3] |= judge(bad, config).verdict == Verdict::fail;
        }
      failed += seen[0];
      passed += seen[1];
      passed_at_margin += seen[2];
      found += seen[3];
    }
    MESSAGE("base " << base << ": failed " << failed << ", passed " << passed << ", at the margin passed "
                    << passed_at_margin << ", 2.5x found " << found << " of " << runs);
    const double most = runs * (0.05 + 3 * std::sqrt(0.05 * 0.95 / runs));
    CHECK(failed <= most);
    CHECK(passed_at_margin <= most);
    CHECK(found >= 0.99 * runs);
    CHECK(passed >= 0.75 * runs);
  }
}
