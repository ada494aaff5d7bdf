#include "gate/restarted_sums.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using namespace tranche;
using namespace tranche::gate;

TEST_CASE("restarted sums begin at 1, 8, 12, 18, 27 and hold what came since") {
  RestartedSums sums;
  for (int i = 1; i <= 30; ++i) REQUIRE(add(sums, i).has_value());
  REQUIRE(sums.starts.size() == 5);
  const std::vector<std::int64_t> first{1, 8, 12, 18, 27};
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(sums.starts[i].count == 31 - first[i]);
    CHECK(sums.starts[i].sum == static_cast<double>((30 + first[i]) * (31 - first[i])) / 2);
  }
  double expected = 0.2 / 5;  // starts to come
  for (std::size_t i = 0; i < first.size(); ++i)
    expected += (i == 0 ? 0.8 : 0.2 / static_cast<double>(i * (i + 1))) *
                std::exp(log_evidence_above(sums.starts[i], 14));
  CHECK(log_evidence_above(sums, 14) == doctest::Approx(std::log(expected)).epsilon(1e-12));
  CHECK(log_evidence_above(RestartedSums{}, 0) == 0);
}

TEST_CASE("restarted sums stay few over years, and refuse what is no observation") {
  RestartedSums sums;
  for (int i = 0; i < 20'000; ++i) REQUIRE(add(sums, 0.5).has_value());
  CHECK(sums.starts.size() < 25);
  const RestartedSums before = sums;
  CHECK_FALSE(add(sums, std::nan("")).has_value());
  CHECK(sums == before);
  CHECK(restarted_sums_from_value(*doc::parse_json(doc::to_json(to_value(sums)))).value() == sums);
  RestartedSums cut = sums;
  cut.starts.pop_back();
  CHECK_FALSE(restarted_sums_from_value(to_value(cut)).has_value());
  cut = sums;
  cut.starts[3].count += 1;
  CHECK_FALSE(restarted_sums_from_value(to_value(cut)).has_value());
  CHECK_FALSE(restarted_sums_from_value(doc::Value(3)).has_value());
}

TEST_CASE("restarted sums reach 1/alpha by chance at most as often as promised") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 1);
  constexpr int runs = 1'000;
  int alarms = 0, late = 0;
  for (int i = 0; i < runs; ++i) {
    RestartedSums none, onset;
    bool alarm = false, found = false;
    for (int poll = 0; poll < 60; ++poll) {
      const double value = noise(random);
      REQUIRE(add(none, value).has_value());
      REQUIRE(add(onset, value + (poll >= 30 ? 2 : 0)).has_value());
      alarm = alarm || log_evidence_above(none, 0) >= std::log(20);
      found = found || log_evidence_above(onset, 0) >= std::log(20);
    }
    alarms += alarm;
    late += found;
  }
  MESSAGE("alarms " << alarms << ", two standard deviations from poll 30 on found " << late << " of "
                    << runs);
  CHECK(alarms <= runs * (0.05 + 3 * std::sqrt(0.05 * 0.95 / runs)));
  CHECK(late >= 0.95 * runs);
}
