#include "gate/judging.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tranche;
using namespace tranche::gate;

TEST_CASE("evidence with starting times is the weighted sum over the starts") {
  // Gains of three polls for two alternatives; start k weighs 1/(k(k+1)), later starts 1/4.
  const double gains[3][2] = {{0.5, -1}, {1.25, 2}, {-0.25, 0.75}};
  std::vector<double> logs;
  for (int t = 1; t <= 3; ++t) add_started(logs, t, {gains[t - 1][0], gains[t - 1][1]});
  double expected = 1.0 / 4;
  for (int i = 0; i < 2; ++i)
    for (int k = 1; k <= 3; ++k) {
      double log = 0;
      for (int t = k; t <= 3; ++t) log += gains[t - 1][i];
      expected += std::exp(log) / (k * (k + 1)) / 2;
    }
  CHECK(log_started(logs, 3) == doctest::Approx(std::log(expected)).epsilon(1e-12));
  CHECK(log_started({}, 0) == 0);
}

TEST_CASE("polls whose histograms or samples cannot be read are refused") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  StratumCounts good;
  good.bounds = {0.1, 1, inf};
  good.canary.buckets = {1, 2, 3};
  good.control.buckets = {4, 5, 6};
  good.canary.values = {0, 1.5};
  CHECK(check_poll({{"1", good}}).has_value());
  CHECK(check_poll({}).has_value());
  const auto refused = [&](auto change) {
    StratumCounts bad = good;
    change(bad);
    const auto result = check_poll({{"0", good}, {"1", bad}});
    return !result.has_value() && result.error().kind == ErrorKind::invalid &&
           result.error().message.find("'1'") != std::string::npos && !result.error().hint.empty();
  };
  CHECK(refused([&](StratumCounts& c) { c.bounds = {0.1, 1, 2}; }));
  CHECK(refused([&](StratumCounts& c) { c.bounds = {1, 0.1, inf}; }));
  CHECK(refused([&](StratumCounts& c) { c.bounds = {0.1, 0.1, inf}; }));
  CHECK(refused([&](StratumCounts& c) { c.bounds = {nan, 1, inf}; }));
  CHECK(refused([&](StratumCounts& c) { c.bounds = {-inf, 1, inf}; }));
  CHECK(refused([&](StratumCounts& c) { c.bounds = {0.1, inf}; }));
  CHECK(refused([&](StratumCounts& c) { c.canary.buckets = {1, -2, 3}; }));
  CHECK(refused([&](StratumCounts& c) { c.control.buckets = {1, nan, 3}; }));
  CHECK(refused([&](StratumCounts& c) { c.control.values = {1, inf}; }));
  CHECK(refused([&](StratumCounts& c) { c.control.values = {-1}; }));
  CHECK(refused([&](StratumCounts& c) { c.control.values.resize(largest_sample + 1); }));
  CHECK(refused([&](StratumCounts& c) { c.canary.events = 2e12; }));
  CHECK(refused([&](StratumCounts& c) { c.control.exposure = nan; }));
}

TEST_CASE("a verdict is fail before suspect, suspect before pass") {
  const CompareConfig config;  // fails at 100, suspect at 20, passes at 20
  CHECK(decide(config, std::log(100.1), 99) == Verdict::fail);
  CHECK(decide(config, std::log(99.9), 99) == Verdict::suspect);
  CHECK(decide(config, std::log(19.9), std::log(20.1)) == Verdict::pass);
  CHECK(decide(config, 0, std::log(19.9)) == Verdict::inconclusive);
  CHECK(odds_text(0) == "1");
  CHECK(odds_text(50) == "over 1000000");
}
