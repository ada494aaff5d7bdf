#include "gate/kayenta_math.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using namespace tranche::gate;

namespace {

using Samples = std::vector<double>;
const Samples zeros_and_small{0, 0, 1, 0, 0, 3, 0, 2, 0, 1, 0, 0};
const Samples mostly_zeros{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};

}  // namespace

TEST_CASE("the normal distribution and its inverse agree with tables and with each other") {
  CHECK(normal_cdf(0) == 0.5);
  CHECK(normal_cdf(1.959963984540054) == doctest::Approx(0.975).epsilon(1e-15));
  CHECK(normal_cdf(-10) == doctest::Approx(7.619853024160527e-24).epsilon(1e-13));
  CHECK(normal_quantile(0.01) == doctest::Approx(-2.3263478740408408).epsilon(1e-14));  // Kayenta's fixture
  CHECK(normal_quantile(0.025) == doctest::Approx(-1.9599639845400536).epsilon(1e-14));
  CHECK(normal_quantile(0.5) == doctest::Approx(0).epsilon(1e-15));
  for (double p = 1e-300; p < 0.5; p *= 7.3) {
    CHECK(normal_cdf(normal_quantile(p)) == doctest::Approx(p).epsilon(2e-12));
    if (p > 1e-10) CHECK(normal_quantile(1 - p) == doctest::Approx(-normal_quantile(p)).epsilon(1e-5));
  }
  CHECK(std::isnan(normal_quantile(0)));
  CHECK(std::isnan(normal_quantile(1)));
  CHECK(std::isnan(normal_quantile(std::nan(""))));
}

TEST_CASE("percentiles are R-7, as in Kayenta's statistics suite") {
  const Samples halves{0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5};
  CHECK(percentile(halves, 5) == doctest::Approx(0.175).epsilon(1e-12));
  CHECK(percentile(halves, 50) == 1.75);
  CHECK(percentile(halves, 100) == 3.5);
  CHECK(percentile(halves, 0) == 0);
  CHECK(percentile(Samples{1}, 100) == 1);
  CHECK(std::isnan(percentile(Samples{}, 50)));
  const Samples nist{95.1772, 95.1567, 95.1937, 95.1959, 95.1442, 95.0610,
                     95.1591, 95.1195, 95.1772, 95.0925, 95.1990, 95.1682};
  CHECK(percentile(nist, 90) == doctest::Approx(95.19568).epsilon(1e-12));
}

TEST_CASE("effect sizes are those of Kayenta's statistics suite") {
  CHECK(cohen_d(Samples{5, 5, 5, 10, 10, 10}, Samples{1, 1, 1, 2, 2, 2}) ==
        doctest::Approx(3.03821).epsilon(1e-5));
  CHECK(common_language_effect(Samples{1, 2, 3, 4, 5}, Samples{1, 2, 3, 4, 5}) == 0.5);
  CHECK(common_language_effect(Samples{1, 2}, Samples{3, 4}) == 0);
  const Samples high_canary{29.17644856, 25.16947646, 25.88467948, 29.4900454,  27.05622757, 26.13307864,
                            27.2711558,  26.69139944, 29.05412377, 26.39818697, 26.68312641, 24.99600187,
                            27.99524816, 22.57278291, 23.72798196, 25.82821505, 28.26624521, 28.02370228,
                            24.1792213,  26.02914828, 25.90970275, 31.18337461, 27.44254942, 29.93347686,
                            26.70848069, 28.12191913, 27.39257837, 30.17636627, 29.60240485, 30.10635388};
  const Samples high_control{24.69397578, 25.37120574, 25.86186148, 26.93804252, 22.72232309, 24.15894084,
                             24.80842752, 26.07830794, 27.35323988, 23.25110886, 24.65909111, 23.88299016,
                             21.34817847, 26.33198082, 23.39498829, 26.6734461,  25.33769589, 23.92348759,
                             25.29740715, 24.21381887, 28.1697053,  22.2271772,  27.16612837, 25.16639243,
                             26.85955896, 27.13421926, 25.43350074, 26.32130314, 23.8854011,  27.86180318};
  CHECK(std::abs(common_language_effect(high_canary, high_control) - 0.771) <= 0.001);
}

TEST_CASE("the interval of a shift is Kayenta's published one") {
  const Shift shift(Samples{10, 20, 30, 40}, Samples{1, 2, 3, 4});
  const auto interval = published_interval(shift, 0.98);
  REQUIRE(interval);
  CHECK(interval->lower == 6);
  CHECK(interval->upper == 39);
  CHECK(interval->estimate == doctest::Approx(22.5).epsilon(0.02));
  const ShiftInterval exact = exact_interval(shift, 0.98);
  CHECK(exact.lower == 6);
  CHECK(exact.upper == 39);
  CHECK(exact.estimate == doctest::Approx(22.5).epsilon(1e-12));
}

// Kayenta's MannWhitneySuite holds two cases whose ends R computed, printed to the last digit: only the same
// steps of Brent's method reach them. The arrays are given as counts of each value.
TEST_CASE("the published interval takes the same steps as R's, to a millionth") {
  const auto expand = [](std::initializer_list<std::pair<double, int>> counts) {
    Samples out;
    for (const auto& [value, count] : counts) out.insert(out.end(), static_cast<std::size_t>(count), value);
    return out;
  };
  const Samples control = expand({{1.5, 2},
                                  {2, 16},
                                  {2.5, 18},
                                  {3, 16},
                                  {3.5, 10},
                                  {4, 8},
                                  {4.5, 4},
                                  {5, 6},
                                  {5.5, 2},
                                  {6, 5},
                                  {8, 1},
                                  {15.5, 1},
                                  {54.5, 1}});
  const Samples canary = expand({{1.5, 9},
                                 {2, 16},
                                 {2.5, 22},
                                 {3, 17},
                                 {3.5, 9},
                                 {4, 5},
                                 {4.5, 1},
                                 {5, 3},
                                 {5.5, 1},
                                 {6, 2},
                                 {6.5, 2},
                                 {7, 1},
                                 {7.5, 1},
                                 {16.5, 1}});
  const auto interval = published_interval(Shift(canary, control), 0.95);
  REQUIRE(interval);
  CHECK(std::abs(interval->lower - -0.500002521696696) < 1e-6);
  CHECK(std::abs(interval->upper - -3.486287505871302e-5) < 1e-6);
  const ShiftInterval exact = exact_interval(Shift(canary, control), 0.95);
  CHECK(exact.lower == doctest::Approx(-0.5).epsilon(1e-12));
  CHECK(std::abs(exact.upper) < 1e-12);

  const Samples control_180 = expand({{0, 1},
                                      {0.5, 7},
                                      {1, 32},
                                      {1.5, 70},
                                      {2, 33},
                                      {2.5, 22},
                                      {3, 6},
                                      {3.5, 2},
                                      {4, 3},
                                      {4.5, 1},
                                      {5.5, 1},
                                      {7, 1},
                                      {7.5, 1}});
  const Samples canary_180 = expand({{0.5, 20},
                                     {1, 41},
                                     {1.5, 67},
                                     {2, 37},
                                     {2.5, 3},
                                     {3, 2},
                                     {3.5, 3},
                                     {4, 1},
                                     {5, 1},
                                     {5.5, 3},
                                     {8.5, 1},
                                     {19, 1}});
  const auto again = published_interval(Shift(canary_180, control_180), 0.98);
  REQUIRE(again);
  CHECK(std::abs(again->lower - -0.4999173250549087) < 1e-6);
  CHECK(std::abs(again->upper - -6.912685789769486e-6) < 1e-6);
}

TEST_CASE("the statistic falls from one end of the differences to the other") {
  const Shift shift(zeros_and_small, mostly_zeros);
  double last = 1e9;
  for (double mu = shift.least() - 0.25; mu <= shift.greatest() + 0.25; mu += 0.5) {
    const auto at = shift.statistic(mu, 0);
    REQUIRE(at);
    CHECK(*at <= last);
    last = *at;
  }
  CHECK(*shift.statistic(0, 1.5) == doctest::Approx(*shift.statistic(0, 0) - 1.5));
  CHECK_FALSE(Shift(Samples{1, 1}, Samples{1}).statistic(0, 0));
}

TEST_CASE("zeros are found to the tolerance, also of steps, and an end that is one is returned") {
  const auto cube = [](double x) { return x * x * x - 2; };
  CHECK(find_zero(cube, 0, 3, -2, 25, 1e-12) == doctest::Approx(std::cbrt(2.0)).epsilon(1e-12));
  const auto stairs = [](double x) { return x < 0.7 ? 1.0 : -2.0; };
  CHECK(std::abs(find_zero(stairs, -5, 9, 1, -2, 1e-4) - 0.7) <= 1e-4);
  CHECK(find_zero(cube, 0, 3, 0, 25, 1e-4) == 0);
  CHECK(find_zero(cube, 0, 3, -2, 0, 1e-4) == 3);
}

TEST_CASE("the exact interval covers the true shift as often as it says") {
  constexpr unsigned seed = 20261121;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  int covered = 0;
  for (int i = 0; i < 1'000; ++i) {
    Samples canary(15), control(25);
    for (double& x : canary) x = normal(random) + 1;
    for (double& y : control) y = normal(random);
    const ShiftInterval interval = exact_interval(Shift(canary, control), 0.95);
    covered += interval.lower <= 1 && 1 <= interval.upper;
    CHECK(interval.lower <= interval.estimate);
    CHECK(interval.estimate <= interval.upper);
  }
  CHECK(covered >= 930);
  CHECK(covered <= 985);
}
