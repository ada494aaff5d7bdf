#include "gate/sequential_t.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace tranche;
using namespace tranche::gate;

namespace {

struct Observation {
  double value, weight;
};

RunningSums sums_of(const std::vector<Observation>& observations) {
  RunningSums out;
  for (const auto& [value, weight] : observations) REQUIRE(add(out, value, weight).has_value());
  return out;
}

// The definition: the likelihood of theta against 0 with sigma integrated out by 1/sigma is
//   integral of exp(-y + theta S sqrt(2y/V) - W theta^2/2) y^(n/2-1) dy / Gamma(n/2),
// averaged here over theta ~ |N(0, scale^2)| by the trapezoid rule on a fine grid.
double by_integration(const std::vector<Observation>& observations, double boundary, double scale) {
  double n = 0, weight = 0, sum = 0, squares = 0;
  for (const auto& [value, w] : observations) {
    ++n;
    weight += w;
    sum += w * (value - boundary);
    squares += w * (value - boundary) * (value - boundary);
  }
  double total = 0;
  constexpr double step = 0.002, inner_step = 0.1;
  for (double z = step / 2; z < 9; z += step) {  // theta = scale z
    const double theta = scale * z;
    double inner = 0;
    for (double t = -40; t < 7; t += inner_step) {  // y = e^t
      const double y = std::exp(t);
      inner += inner_step * std::exp(-y + theta * sum * std::sqrt(2 * y / squares) -
                                     weight * theta * theta / 2 + t * n / 2 - std::lgamma(n / 2));
    }
    total += step * inner * 2 * std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0));
  }
  return std::log(total);
}

}  // namespace

TEST_CASE("the closed form is the integral that defines the evidence, in both tails") {
  for (const auto& observations : std::vector<std::vector<Observation>>{
           {{0.4, 1}},
           {{-0.4, 1}},
           {{0.3, 1}, {0.5, 1}},
           {{0.3, 1}, {-0.5, 2}, {0.9, 0.5}},
           {{1.1, 1}, {0.9, 1}, {1.3, 1}, {0.7, 1}, {1.2, 1}, {1.0, 1}, {0.8, 1}},
           {{-1.1, 1}, {-0.9, 1}, {-1.3, 1}, {-0.7, 1}, {-1.2, 1}, {-1.0, 3}, {-0.8, 1}},
           {{0.1, 1}, {-0.1, 1}, {0.2, 1}, {-0.2, 1}, {0.02, 1}}})
    for (const double boundary : {0.0, 0.25})
      for (const double scale : {0.5, 1.3}) {
        CAPTURE(observations.size());
        CAPTURE(boundary);
        const RunningSums sums = sums_of(observations);
        CHECK(log_evidence_above(sums, boundary, scale) ==
              doctest::Approx(by_integration(observations, boundary, scale)).epsilon(1e-5));
        std::vector<Observation> mirrored = observations;
        for (Observation& o : mirrored) o.value = -o.value;
        CHECK(log_evidence_below(sums, boundary, scale) ==
              doctest::Approx(by_integration(mirrored, -boundary, scale)).epsilon(1e-5));
      }
}

TEST_CASE("the two sides average to the two-sided mixture that R's avlm publishes") {
  // log G = ln(r)/2 + (nu+1)/2 (ln(1 + t^2/nu) - ln(1 + r t^2/nu)), r = g/(g+n), t the usual statistic.
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal(0.3, 1);
  RunningSums sums;
  std::vector<double> values;
  for (int n = 1; n <= 3'000; ++n) {
    values.push_back(normal(random));
    REQUIRE(add(sums, values.back()).has_value());
    if (n != 2 && n != 3 && n != 10 && n != 77 && n != 600 && n != 3'000) continue;
    double mean = 0, squares = 0;
    for (const double value : values) mean += value / n;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const double nu = n - 1, g = 1 / (default_scale * default_scale), r = g / (g + n);
    const double t2 = n * mean * mean / (squares / nu);
    const double avlm =
        0.5 * std::log(r) + 0.5 * (nu + 1) * (std::log(1 + t2 / nu) - std::log(1 + r * t2 / nu));
    const double above = log_evidence_above(sums, 0), below = log_evidence_below(sums, 0);
    CAPTURE(n);
    CHECK(std::exp(above - avlm) + std::exp(below - avlm) == doctest::Approx(2).epsilon(1e-9));
  }
}

TEST_CASE("evidence depends on neither the unit of the observations nor where they start") {
  const std::vector<Observation> plain{{0.31, 1}, {0.52, 1}, {-0.11, 2}, {0.77, 1}, {0.4, 1}};
  std::vector<Observation> scaled = plain, moved = plain;
  for (Observation& o : scaled) o.value *= 1000;
  for (Observation& o : moved) o.value += 5;
  const double expected = log_evidence_above(sums_of(plain), 0.1);
  CHECK(log_evidence_above(sums_of(scaled), 100) == doctest::Approx(expected).epsilon(1e-12));
  CHECK(log_evidence_above(sums_of(moved), 5.1) == doctest::Approx(expected).epsilon(1e-9));
}

TEST_CASE("evidence falls as the boundary rises, over every seam of the computation") {
  for (const int n : {1, 2, 5, 39, 40, 41, 200, 5'000}) {
    RunningSums sums;
    for (int i = 0; i < n; ++i) REQUIRE(add(sums, 1 + 0.5 * (i % 2 == 0 ? 1 : -1)).has_value());
    double last = std::numeric_limits<double>::infinity();
    for (double boundary = -30; boundary < 30; boundary += 0.01) {
      const double now = log_evidence_above(sums, boundary);
      REQUIRE(std::isfinite(now));
      REQUIRE(now <= last + 1e-9);
      last = now;
    }
  }
}

TEST_CASE("few observations prove little, however alike they are") {
  CHECK(log_evidence_above({}, 0) == 0);
  RunningSums sums;
  for (int n = 1; n <= 60; ++n) {
    REQUIRE(add(sums, 3).has_value());
    const double most = (n - 1) / 2.0 * std::log(1 + default_scale * default_scale * n) + std::log(2);
    CAPTURE(n);
    CHECK(log_evidence_above(sums, 0) <= most + 1e-9);
    CHECK(std::isfinite(log_evidence_above(sums, 3)));
    CHECK(log_evidence_above(sums, 3) < 0.001);
    if (n < 4) CHECK(log_evidence_above(sums, 0) < std::log(20.0));
  }
  CHECK(log_evidence_above(sums, 0) > std::log(1e6));
  CHECK(log_evidence_below(sums, 0) < -3);
}

TEST_CASE("the bounds are where the evidence reaches its threshold, and infinite while nothing is known") {
  CHECK(std::isinf(mean_bounds({}, 0.05).lower));
  RunningSums sums;
  REQUIRE(add(sums, 0.7).has_value());
  CHECK(mean_bounds(sums, 0.05).lower == -std::numeric_limits<double>::infinity());
  CHECK(mean_bounds(sums, 0.05).upper == std::numeric_limits<double>::infinity());
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal(0.5, 0.85);
  for (int i = 1; i < 60; ++i) REQUIRE(add(sums, normal(random)).has_value());
  const MeanBounds bounds = mean_bounds(sums, 0.05);
  CHECK(bounds.lower < sums.sum / sums.weight);
  CHECK(bounds.upper > sums.sum / sums.weight);
  CHECK(bounds.upper - bounds.lower < 1);
  CHECK(log_evidence_above(sums, bounds.lower) == doctest::Approx(std::log(40)).epsilon(1e-6));
  CHECK(log_evidence_below(sums, bounds.upper) == doctest::Approx(std::log(40)).epsilon(1e-6));
}

TEST_CASE("an observation that is no number is refused and changes nothing") {
  RunningSums sums = sums_of({{1, 1}, {2, 1}});
  const RunningSums before = sums;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [value, weight] : std::vector<Observation>{{nan, 1},
                                                              {1e7, 1},
                                                              {-std::numeric_limits<double>::infinity(), 1},
                                                              {1, 0},
                                                              {1, -1},
                                                              {1, nan},
                                                              {1, 1e7}}) {
    CHECK_FALSE(add(sums, value, weight).has_value());
    CHECK(sums == before);
  }
}

TEST_CASE("running sums read back as the same bits, and tampered ones are refused") {
  RunningSums sums = sums_of({{0.1, 1}, {-0.3, 1.7}, {1.0 / 3, 0.2}});
  CHECK(doc::to_json(to_value(sums)) ==
        R"({"count":3,"weight":2.9000000000000004,"sum":-0.3433333333333334,"squares":0.18522222222222223})");
  CHECK(running_sums_from_value(*doc::parse_json(doc::to_json(to_value(sums)))).value() == sums);
  CHECK(running_sums_from_value(to_value(RunningSums{})).value() == RunningSums{});
  for (const char* text :
       {"{}", "null", R"({"count":-1,"weight":1,"sum":0,"squares":0})",
        R"({"count":1,"weight":0,"sum":0,"squares":0})", R"({"count":0,"weight":1,"sum":0,"squares":0})",
        R"({"count":2,"weight":2,"sum":0,"squares":-1})", R"({"count":2,"weight":2,"sum":4,"squares":1})",
        R"({"count":2,"weight":2,"sum":"4","squares":9})"}) {
    CAPTURE(text);
    const auto read = running_sums_from_value(*doc::parse_json(text));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == ErrorKind::invalid);
  }
}

// Frozen: what a replay prints must not differ between machines.
TEST_CASE("evidence is the same bits on every machine") {
  const RunningSums sums =
      sums_of({{0.4, 1}, {0.9, 1}, {-0.2, 1}, {0.6, 1}, {0.5, 1}, {1.1, 1}, {0.3, 2}, {0.8, 2}});
  CHECK(doc::to_json(doc::Value(log_evidence_above(sums, 0))) == "2.857955750271179");
  CHECK(doc::to_json(doc::Value(log_evidence_below(sums, 0))) == "-1.6638654333192016");
  CHECK(doc::to_json(doc::Value(mean_bounds(sums, 0.05).lower)) == "-0.24885615784960935");
}

TEST_CASE("watched after each observation, noise alone reaches 1/alpha at most as often as promised") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr int runs = 2'000;
  constexpr double alpha = 0.05;
  int false_alarms = 0, found = 0, missed_mean = 0;
  for (int i = 0; i < runs; ++i) {
    std::normal_distribution<double> noise(0, 0.85);  // log-sd 0.6 in each arm
    RunningSums none, worse;
    bool alarm = false, seen = false, outside = false;
    for (int poll = 0; poll < 60; ++poll) {
      const double weight = poll < 30 ? 0.5 : 2;  // a ramp: later polls are four times as exact
      REQUIRE(add(none, noise(random) / std::sqrt(weight), weight).has_value());
      REQUIRE(add(worse, std::log(1.5) + noise(random)).has_value());
      alarm = alarm || log_evidence_above(none, 0) >= std::log(1 / alpha);
      seen = seen || log_evidence_above(worse, 0) >= std::log(1 / alpha);
      outside = outside || log_evidence_above(worse, std::log(1.5)) >= std::log(2 / alpha) ||
                log_evidence_below(worse, std::log(1.5)) >= std::log(2 / alpha);
    }
    false_alarms += alarm ? 1 : 0;
    found += seen ? 1 : 0;
    missed_mean += outside ? 1 : 0;
  }
  MESSAGE("false alarms " << false_alarms << ", 1.5x found " << found << ", intervals that missed "
                          << missed_mean << " of " << runs);
  CHECK(false_alarms <= runs * (alpha + 3 * std::sqrt(alpha * (1 - alpha) / runs)));
  CHECK(missed_mean <= runs * (alpha + 3 * std::sqrt(alpha * (1 - alpha) / runs)));
  CHECK(found >= 0.80 * runs);
}
