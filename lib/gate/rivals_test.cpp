#include "gate/rivals.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace tranche::gate;

namespace {

const RivalKind& kind_named(std::string_view name) {
  for (const RivalKind& kind : rival_kinds())
    if (kind.name == name) return kind;
  FAIL("no rival of that name");
  return rival_kinds().front();
}

// A poll a minute of the same counts: canary 1,000 exposures, control 10,000.
std::vector<TimedPoll> minutes(int n, double canary_events, double control_events, std::int64_t from = 60) {
  std::vector<TimedPoll> out;
  for (int i = 0; i < n; ++i)
    out.push_back({from + 60 * i, {{"", {{canary_events, 1000}, {control_events, 10000}}}}});
  return out;
}
std::vector<TimedPoll> then(std::vector<TimedPoll> series, const std::vector<TimedPoll>& more) {
  series.insert(series.end(), more.begin(), more.end());
  return series;
}
RivalAnswer ask(std::string_view name, const std::vector<TimedPoll>& series, RivalConfig config = {}) {
  return run(kind_named(name), config, series);
}

}  // namespace

TEST_CASE("each rival has a name, a title and a sentence, and answers no data, pass and fail") {
  CHECK(rival_kinds().size() == 8);
  const auto good = minutes(60, 5, 50), bad = then(minutes(5, 5, 50), minutes(55, 40, 50, 360));
  for (const RivalKind& kind : rival_kinds()) {
    CAPTURE(std::string(kind.name));
    CHECK_FALSE(kind.title.empty());
    CHECK_FALSE(kind.what.empty());
    CHECK(run(kind, {}, {}).verdict == Verdict::no_data);
    const RivalAnswer passed = run(kind, {}, good);
    CHECK(passed.verdict == Verdict::pass);
    CHECK_FALSE(passed.at);
    CHECK(passed.canary_exposure == 60'000);
    const RivalAnswer failed = run(kind, {}, bad);
    CHECK(failed.verdict == Verdict::fail);
    REQUIRE(failed.at);
    CHECK(failed.canary_exposure == static_cast<double>(*failed.at) / 60 * 1000);
  }
}

TEST_CASE("the fixed threshold is twice the control's first rate, over five minutes, strictly above") {
  const auto bad = then(minutes(5, 5, 50), minutes(10, 11, 50, 360));
  // 5 minutes of 11 are 1.1%; the threshold is 1%. With four of them and one of 5 it is 0.98%.
  CHECK(ask("fixed-threshold", bad).at == 360 + 4 * 60);
  CHECK(ask("fixed-threshold-3", bad).at == 360 + 7 * 60);
  CHECK(ask("fixed-threshold", minutes(60, 10, 50)).verdict == Verdict::pass);
  // Given, it is used from the first poll.
  RivalConfig given;
  given.threshold = 0.004;
  CHECK(ask("fixed-threshold", minutes(10, 5, 50), given).at == 60);
}

TEST_CASE("flagger counts failed checks for ever, and missing data as failed") {
  auto series = minutes(5, 5, 50);
  for (int i = 0; i < 5; ++i) {
    series = then(series, minutes(1, 11, 50, 360 + 600 * i));
    series = then(series, minutes(9, 5, 50, 420 + 600 * i));
  }
  CHECK(ask("flagger-counter", series).at == 360 + 600 * 4);
  auto outage = minutes(5, 5, 50);
  for (int i = 0; i < 5; ++i) outage.push_back({360 + 60 * i, {}});
  CHECK(ask("flagger-counter", outage).at == 360 + 4 * 60);
  CHECK(ask("fixed-threshold", outage).verdict == Verdict::pass);
}

TEST_CASE("the ratio rule divides as a query does") {
  CHECK(ask("ratio-rule", minutes(10, 8, 50)).at == 180);
  CHECK(ask("ratio-rule", minutes(10, 1, 0)).at == 180);                    // x / 0
  CHECK(ask("ratio-rule", minutes(10, 0, 0)).verdict == Verdict::pass);     // 0 / 0
  CHECK(ask("ratio-rule", minutes(10, 7.5, 50)).verdict == Verdict::pass);  // not above
}

TEST_CASE("the z-test agrees with a hand calculation, at every poll or once") {
  // 20 of 1,000 against 100 of 10,000: pooled 120/11,000, z = 0.01 / 0.003446 = 2.90.
  CHECK(ask("z-test-every-poll", minutes(1, 20, 100)).at == 60);
  CHECK(ask("one-look", minutes(1, 20, 100)).verdict == Verdict::fail);
  // 15: z = 1.49 at first, 1.49 sqrt 2 = 2.11 after two.
  CHECK(ask("z-test-every-poll", minutes(3, 15, 100)).at == 120);
  CHECK(ask("one-look", minutes(3, 15, 100)).at == 180);
  RivalConfig strict;
  strict.error_rate = 0.001;
  CHECK(ask("one-look", minutes(1, 20, 100), strict).verdict == Verdict::pass);
}

TEST_CASE("Lindon and Malek's evidence is the formula, and rejects either way") {
  // The published p-value of 156 against 212 with equal shares and k = 100: 0.0749 (seqabpy's 0.075).
  const auto series = std::vector<TimedPoll>{{60, {{"", {{156, 1000}, {212, 1000}}}}}};
  RivalConfig config;
  config.error_rate = 0.0745;
  CHECK(ask("lindon-malek", series, config).verdict == Verdict::pass);
  config.error_rate = 0.0755;
  CHECK(ask("lindon-malek", series, config).verdict == Verdict::fail);
  // Sample ratio of 821,588 against 815,482: 0.00146.
  const auto ratio = std::vector<TimedPoll>{{60, {{"", {{821'588, 1e6}, {815'482, 1e6}}}}}};
  config.error_rate = 0.00145;
  CHECK(ask("lindon-malek", ratio, config).verdict == Verdict::pass);
  config.error_rate = 0.00147;
  CHECK(ask("lindon-malek", ratio, config).verdict == Verdict::fail);
}

TEST_CASE("strata are pooled, as users of these methods do") {
  const Poll poll{{"a", {{1, 10}, {2, 20}}}, {"b", {{3, 30}, {4, 40}}}};
  const PooledCounts pooled = pool(poll);
  CHECK(pooled.canary_events == 4);
  CHECK(pooled.canary_exposure == 40);
  CHECK(pooled.control_events == 6);
  CHECK(pooled.control_exposure == 60);
}
