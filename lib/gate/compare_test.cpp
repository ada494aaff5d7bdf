#include "gate/compare.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace tranche;
using namespace tranche::gate;

namespace {

const std::vector<double> factors{1.2, 1.6, 2.2, 3, 6};
const std::vector<double> weights{0.05, 0.10, 0.45, 0.35, 0.05};
const std::vector<double> mirror_factors{1.25, 1.5, 2, 3};

// Weight of the starts after so many polls; the first has 0.85.
double later(double polls) { return 0.15 * std::sqrt(2 / (polls + 1)); }

Poll one(double ce, double cx, double se, double sx, const std::string& stratum = "50000") {
  return {{stratum, {{ce, cx}, {se, sx}}}};
}

// The reference's formula as it is written there: L(d) = eC (logit rho + d) - n ln(1 + exp(logit rho + d)).
double likelihood(double ce, double n, double rho, double d) {
  const double logit = std::log(rho / (1 - rho));
  return ce * (logit + d) - n * std::log(1 + std::exp(logit + d));
}

}  // namespace

TEST_CASE("evidence is the reference's log likelihood ratio, by hand") {
  CompareConfig config;
  config.worse_than = 1.2;
  config.margin = 2;
  Evidence evidence;
  REQUIRE(observe(evidence, config, one(3, 100, 1, 300)).has_value());
  REQUIRE(observe(evidence, config, one(2, 400, 7, 400)).has_value());
  REQUIRE(evidence.worse.size() == factors.size());
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double g = std::log(factors[i]), d0 = std::log(1.2);
    const double first = likelihood(3, 4, 0.25, d0 + g) - likelihood(3, 4, 0.25, d0);
    const double second = likelihood(2, 9, 0.5, d0 + g) - likelihood(2, 9, 0.5, d0);
    // From the first poll with weight 0.85, or from the second.
    const double worse = std::log((0.85 * std::exp(first) + later(1) - later(2)) * std::exp(second));
    CHECK(evidence.worse[i] == doctest::Approx(worse).epsilon(1e-12));
  }
  REQUIRE(evidence.not_worse.size() == mirror_factors.size());
  for (std::size_t i = 0; i < mirror_factors.size(); ++i) {
    const double g = std::log(mirror_factors[i]), d1 = std::log(2.0);
    const double not_worse = likelihood(3, 4, 0.25, d1 - g) - likelihood(3, 4, 0.25, d1) +
                             likelihood(2, 9, 0.5, d1 - g) - likelihood(2, 9, 0.5, d1);
    CHECK(evidence.not_worse[i] == doctest::Approx(not_worse).epsilon(1e-12));
  }
  CHECK(evidence.canary.events == 5);
  CHECK(evidence.canary.exposure == 500);
  CHECK(evidence.control.events == 8);
  CHECK(evidence.control.exposure == 700);
  CHECK(evidence.polls == 2);
}

TEST_CASE("one event in equal arms gives evidence that can be checked on paper") {
  // p = 1/2, so each factor G gives G / (1 + (G - 1)/2) = 2G / (G + 1); what has not started counts as 1.
  Evidence evidence;
  REQUIRE(observe(evidence, {}, one(1, 100, 0, 100)).has_value());
  double mean = 0.15;
  for (std::size_t i = 0; i < factors.size(); ++i)
    mean += 0.85 * weights[i] * 2 * factors[i] / (factors[i] + 1);
  CHECK(judge(evidence, {}).log_evidence_worse == doctest::Approx(std::log(mean)).epsilon(1e-13));
}

TEST_CASE("the verdict follows the evidence: fail, suspect, pass, inconclusive, no data") {
  struct Row {
    const char* what;
    Poll poll;  // five times
    Verdict verdict;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"twenty against none", one(4, 200, 0, 200), Verdict::fail},
                                  {"far more in the smaller arm", one(6, 100, 10, 1900), Verdict::fail},
                                  {"ten against one a poll", one(2.2, 200, 0.2, 200), Verdict::suspect},
                                  {"five against none", one(1, 200, 0, 200), Verdict::inconclusive},
                                  {"equal, many", one(60, 2000, 60, 2000), Verdict::pass},
                                  {"better", one(1, 2000, 12, 2000), Verdict::pass},
                                  {"equal, few", one(1, 20, 1, 20), Verdict::inconclusive},
                                  {"nothing happened at all", one(0, 1e6, 0, 1e6), Verdict::inconclusive},
                                  {"canary is empty", one(0, 0, 5, 100), Verdict::no_data},
                                  {"control is empty", one(5, 100, 0, 0), Verdict::no_data},
                                  {"no strata", {}, Verdict::no_data}}) {
    CAPTURE(row.what);
    Evidence evidence;
    for (int i = 0; i < 5; ++i) REQUIRE(observe(evidence, {}, row.poll).has_value());
    const Comparison got = judge(evidence, {});
    CAPTURE(got.explanation);
    CHECK(to_text(got.verdict) == to_text(row.verdict));
    CHECK_FALSE(got.explanation.empty());
  }
  CHECK(judge({}, {}).verdict == Verdict::no_data);
  CHECK(std::isnan(judge({}, {}).ratio));
}

TEST_CASE("one poll alone fails only what no ordinary noise could make, and passes nothing") {
  const auto verdict = [](const Poll& poll) {
    Evidence evidence;
    REQUIRE(observe(evidence, {}, poll).has_value());
    return judge(evidence, {}).verdict;
  };
  CHECK(verdict(one(24, 1200, 54, 10800)) == Verdict::inconclusive);  // 4x: a burst may look like this
  CHECK(verdict(one(600, 1200, 54, 10800)) == Verdict::fail);         // 100x may not
  CHECK(verdict(one(1000, 100'000, 9000, 900'000)) == Verdict::inconclusive);
}

TEST_CASE("a regression that begins late is found as if the polls before it were not there") {
  Evidence fresh, late;
  for (int i = 0; i < 400; ++i) REQUIRE(observe(late, {}, one(6, 1200, 54, 10800)).has_value());
  CHECK(judge(late, {}).verdict == Verdict::pass);
  const auto polls_to_fail = [](Evidence& evidence) {
    for (int i = 1; i < 100; ++i) {
      REQUIRE(observe(evidence, {}, one(18, 1200, 54, 10800)).has_value());
      if (judge(evidence, {}).verdict == Verdict::fail) return i;
    }
    return 100;
  };
  const int from_start = polls_to_fail(fresh), after_calm = polls_to_fail(late);
  CHECK(from_start <= 4);
  CHECK(after_calm <= from_start + 4);
}

TEST_CASE("a certificate of the past passes nothing while the rate is rising") {
  Evidence evidence;
  CompareConfig config;
  config.false_rollback = config.suspect_at = 1e-9;  // so that nothing else holds it
  for (int i = 0; i < 400; ++i) REQUIRE(observe(evidence, config, one(6, 1200, 54, 10800)).has_value());
  CHECK(judge(evidence, config).verdict == Verdict::pass);
  REQUIRE(observe(evidence, config, one(18, 1200, 54, 10800)).has_value());
  const Comparison got = judge(evidence, config);
  CHECK(got.log_evidence_not_worse > 3);
  CHECK(got.verdict == Verdict::inconclusive);
  CHECK(got.explanation.find("risen of late") != std::string::npos);
}

TEST_CASE("since tells when what is seen began") {
  Evidence evidence;
  const Instant start = *parse_instant("2026-11-21T10:00:00Z");
  for (int i = 1; i <= 60; ++i) {
    const double events = i > 40 ? 18 : 6;
    REQUIRE(
        observe(evidence, {}, one(events, 1200, 54, 10800), start + i * std::chrono::minutes(1)).has_value());
  }
  CHECK(to_text(evidence.since) == "2026-11-21T10:40:00Z");
}

TEST_CASE("the interval holds the ratio and narrows") {
  Evidence evidence;
  double width = 1e9;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(observe(evidence, {}, one(12, 1200, 54, 10800)).has_value());
    const Comparison got = judge(evidence, {});
    if (i < 3) continue;
    CHECK(got.ratio_low < 2);
    CHECK(got.ratio_high > 2);
    CHECK(got.ratio_high - got.ratio_low < width);
    width = got.ratio_high - got.ratio_low;
  }
  CHECK(width < 0.5);
}

TEST_CASE("polls without information change nothing but their count") {
  Evidence evidence;
  REQUIRE(observe(evidence, {}, one(3, 100, 1, 100)).has_value());
  const Evidence before = evidence;
  REQUIRE(observe(evidence, {}, {}).has_value());
  REQUIRE(observe(evidence, {}, one(50, 0, 0, 100)).has_value());
  CHECK(evidence.worse == before.worse);
  CHECK(evidence.not_worse == before.not_worse);
  CHECK(evidence.empty_polls == 2);
  CHECK(evidence.polls == 1);
  // Exposure without events is a poll, and says nothing about the ratio.
  const double said = judge(evidence, {}).log_evidence_worse;
  REQUIRE(observe(evidence, {}, one(0, 500, 0, 500)).has_value());
  CHECK(judge(evidence, {}).log_evidence_worse == doctest::Approx(said).epsilon(1e-13));
  CHECK(evidence.polls == 2);
}

TEST_CASE("impossible counts are refused and leave the evidence as it was") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  Evidence evidence;
  REQUIRE(observe(evidence, {}, one(3, 100, 1, 100)).has_value());
  const Evidence before = evidence;
  for (const Poll& poll : {one(-1, 100, 0, 100), one(0, -1, 0, 100), one(nan, 1, 0, 1), one(0, 1, inf, 1),
                           one(0, 1, 0, nan), one(1e13, 1, 0, 1)}) {
    Poll with_good = poll;
    with_good["1"] = {{1, 10}, {1, 10}};  // sorts first: must not be taken before the bad one is seen
    const auto refused = observe(evidence, {}, with_good);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::invalid);
    CHECK(evidence == before);
  }
}

TEST_CASE("extreme but legal counts stay finite") {
  Evidence evidence;
  for (int i = 0; i < 50; ++i) {
    REQUIRE(observe(evidence, {}, one(1e12, 1e-300, 0, 1e12)).has_value());
    REQUIRE(observe(evidence, {}, one(0, 1e12, 1e12, 1e-300)).has_value());
    REQUIRE(observe(evidence, {}, one(1e12, 1e12, 1e12, 1e12)).has_value());
  }
  for (const double sum : evidence.worse) CHECK(std::isfinite(sum));
  for (const double sum : evidence.not_worse) CHECK(std::isfinite(sum));
  const Comparison got = judge(evidence, {});
  CHECK(std::isfinite(got.log_evidence_worse));
  CHECK(std::isfinite(got.log_evidence_not_worse));
  CHECK(evidence_from_value(*doc::parse_json(doc::to_json(to_value(evidence)))).value() == evidence);
}

TEST_CASE("a configuration that cannot mean anything is refused") {
  CHECK(check({}).has_value());
  const auto with = [](auto change) {
    CompareConfig config;
    change(config);
    return check(config).has_value();
  };
  CHECK_FALSE(with([](CompareConfig& c) { c.worse_than = 0; }));
  CHECK_FALSE(with([](CompareConfig& c) { c.worse_than = std::nan(""); }));
  CHECK_FALSE(with([](CompareConfig& c) { c.margin = 1000; }));
  CHECK_FALSE(with([](CompareConfig& c) { c.margin = 0.9; }));
  CHECK_FALSE(with([](CompareConfig& c) { c.false_rollback = 0; }));
  CHECK_FALSE(with([](CompareConfig& c) { c.false_rollback = 0.6; }));
  CHECK_FALSE(with([](CompareConfig& c) { c.false_promotion = std::nan(""); }));
  CHECK_FALSE(with([](CompareConfig& c) { c.suspect_at = 0.001; }));
  CHECK(with([](CompareConfig& c) { c.margin = 1; }));
}

TEST_CASE("evidence that was stored and read back continues bit by bit") {
  std::mt19937_64 random(20261121);
  Evidence straight;
  for (int i = 0; i < 300; ++i) {
    std::poisson_distribution<int> canary(3.3), control(57.1);
    const Poll poll{{"50000", {{canary(random) + 0.1, 600.5}, {control(random) / 3.0, 11399.5}}},
                    {"200000", {{canary(random) * 1.7, 77.7}, {control(random) * 0.3, 311.1}}}};
    Evidence restored = *evidence_from_value(*doc::parse_json(doc::to_json(to_value(straight))));
    REQUIRE(restored == straight);
    REQUIRE(observe(restored, {}, poll).has_value());
    REQUIRE(observe(straight, {}, poll).has_value());
    REQUIRE(restored == straight);
    REQUIRE(doc::to_json(to_value(restored)) == doc::to_json(to_value(straight)));
  }
}

// Frozen: runners of any machine must agree on these bits. Nothing but + - * / and sqrt goes into them.
TEST_CASE("the sums are the same bits on every machine") {
  Evidence evidence;
  for (int i = 0; i < 2; ++i)
    REQUIRE(observe(evidence, {}, {{"50000", {{7, 613}, {101, 11387}}}, {"200000", {{3.25, 40}, {9.5, 161}}}})
                .has_value());
  CHECK(doc::to_json(to_value(evidence)) ==
        R"({"worse":[0.40856029331519933,0.1036482274871924,-2.220174675649872,-6.459176315191858,-18.5994)"
        R"(6110452944],"not-worse":[0.10130004408779514,-0.4454404720346421,-2.265354628784105,-6.39367694)"
        R"(4994876],"canary":{"events":20.5,"exposure":1306},"control":{"events":221,"exposure":23096},"we)"
        R"(ighted-canary":18.491300995024876,"weighted-control":14.099927860696518,"weighted-both":14.5350)"
        R"(97372503156,"noise":{"last":{"200000":[3.25,40,9.5,161],"50000":[7,613,101,11387]},"canary":{"s)"
        R"(um":0,"count":1.984375},"control":{"sum":0,"count":1.984375},"ratios":{"count":2,"weight":2,"su)"
        R"(m":0.6345207237553021,"squares":0.2013082744374762},"batch":[0,0,0,0,0]},"rising":0,"since":"",)"
        R"("polls":2,"empty-polls":0})");
}

TEST_CASE("evidence from a journal that was tampered with is refused") {
  Evidence seen;
  for (int i = 0; i < 3; ++i) REQUIRE(observe(seen, {}, one(3, 100, 1, 100)).has_value());
  const std::string good = doc::to_json(to_value(seen));
  REQUIRE(evidence_from_value(*doc::parse_json(good)).has_value());
  const auto with = [&](const char* key, const char* value) {
    doc::Value changed = *doc::parse_json(good);
    changed.set(key, *doc::parse_json(value));
    return doc::to_json(changed);
  };
  for (const std::string& text :
       {std::string("{}"), std::string("[]"), std::string("null"), with("worse", "[1]"), with("worse", "[]"),
        with("not-worse", "[1,2,3,4,5,6]"), with("polls", "-1"), with("rising", "-1"),
        with("rising", "\"x\""), with("since", "\"yesterday\""), with("weighted-both", "null"),
        with("canary", R"({"events":-1,"exposure":0})"), with("noise", "{}"),
        with("noise",
             R"({"last":{"a":[1,2,3]},"canary":{"sum":0,"count":0},"control":{"sum":0,"count":0}})")}) {
    CAPTURE(text);
    const auto read = evidence_from_value(*doc::parse_json(text));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("Simpson's paradox: like is compared with like, whatever the pooled rates say") {
  // 5% of everyone is exposed, 20% of a region that crashes ten times as often. Within each stratum the arms
  // are equal; pooled, the canary looks 2.4 times worse.
  Evidence strata, pooled;
  double pooled_ratio = 0;
  for (int i = 0; i < 40; ++i) {
    const Poll poll{{"50000", {{5, 5'000}, {95, 95'000}}}, {"200000", {{50, 5'000}, {200, 20'000}}}};
    REQUIRE(observe(strata, {}, poll).has_value());
    REQUIRE(observe(pooled, {}, one(55, 10'000, 295, 115'000)).has_value());
    pooled_ratio = (55.0 / 10'000) / (295.0 / 115'000);
  }
  CHECK(pooled_ratio > 2);
  CHECK(judge(pooled, {}).verdict == Verdict::fail);
  CHECK(judge(strata, {}).verdict == Verdict::pass);
  CHECK(judge(strata, {}).ratio == doctest::Approx(1.0).epsilon(1e-9));
  // And the other way: a canary twice as bad in every stratum that pools to a fair-looking ratio.
  Evidence hidden;
  for (int i = 0; i < 40; ++i)
    REQUIRE(observe(hidden, {},
                    {{"50000", {{20, 10'000}, {10, 10'000}}}, {"200000", {{20, 1'000}, {200, 20'000}}}})
                .has_value());
  CHECK(judge(hidden, {}).verdict == Verdict::fail);
  CHECK(judge(hidden, {}).ratio > 1.9);
}

namespace {

struct Outcome {
  bool failed = false, passed = false;  // at any poll before the other
};

// One rollout: 5, 10, 25, 50% for 15 polls each; the base rate rises from 1x to `drift` for both arms.
Outcome simulate(std::mt19937_64& random, const CompareConfig& config, double ratio, double drift,
                 bool stop_at_first) {
  Evidence evidence;
  Outcome out;
  int minute = 0;
  for (const double weight : {0.05, 0.10, 0.25, 0.50})
    for (int i = 0; i < 15; ++i, ++minute) {
      const double base = 0.005 * (1 + (drift - 1) * minute / 59.0);
      const double canary = 6000 * weight, control = 6000 * (1 - weight);
      std::poisson_distribution<int> bad(canary * base * ratio), good(control * base);
      REQUIRE(observe(evidence, config, one(bad(random), canary, good(random), control)).has_value());
      const Verdict verdict = judge(evidence, config).verdict;
      out.failed = out.failed || verdict == Verdict::fail;
      out.passed = out.passed || verdict == Verdict::pass;
      if (stop_at_first && (out.failed || out.passed)) return out;
    }
  return out;
}

double bound(double alpha, int runs) { return alpha + 3 * std::sqrt(alpha * (1 - alpha) / runs); }

}  // namespace

TEST_CASE(
    "watched at every poll of a ramp under drift, a good release is failed at most as often as promised") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr int runs = 1'200;
  for (const double alpha : {0.01, 0.05}) {
    CompareConfig config;
    config.false_rollback = alpha;
    int failed = 0;
    for (int i = 0; i < runs; ++i) failed += simulate(random, config, 1.0, 3.0, false).failed ? 1 : 0;
    CAPTURE(alpha);
    MESSAGE("false rollbacks at " << alpha << ": " << failed << " of " << runs);
    CHECK(static_cast<double>(failed) / runs <= bound(alpha, runs));
  }
}

TEST_CASE("a release three times as bad is found, one that is as good is passed, one at the margin is not") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr int runs = 500;
  CompareConfig config;
  int found = 0, promoted = 0, promoted_at_margin = 0, bad_promoted = 0;
  for (int i = 0; i < runs; ++i) {
    const Outcome bad = simulate(random, config, 3.0, 3.0, true);
    found += bad.failed ? 1 : 0;
    bad_promoted += bad.passed ? 1 : 0;
    promoted += simulate(random, config, 1.0, 1.0, true).passed ? 1 : 0;
    promoted_at_margin += simulate(random, config, config.margin, 1.0, false).passed ? 1 : 0;
  }
  MESSAGE("x3 found " << found << ", good passed " << promoted << ", at the margin passed "
                      << promoted_at_margin << " of " << runs);
  CHECK(found >= 0.95 * runs);
  CHECK(bad_promoted <= bound(0.001, runs) * runs);
  CHECK(promoted >= 0.90 * runs);
  CHECK(promoted_at_margin <= bound(config.false_promotion, runs) * runs);
}
