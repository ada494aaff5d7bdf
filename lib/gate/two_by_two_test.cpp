#include "gate/two_by_two.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using namespace tranche::gate;

namespace {

double log_choose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

// Fisher's noncentral hypergeometric distribution by its definition.
struct Margins {
  double x, y, n;
};
struct Distribution {
  double lowest = 0, log_z = 0;  // of Z, with its first term as it is
  std::vector<double> chances;
};
Distribution distribution(double x, double y, double n, double psi) {
  Distribution out;
  out.lowest = std::max(0.0, n - y);
  std::vector<double> logs;
  for (double k = out.lowest; k <= std::min(x, n); ++k)
    logs.push_back(log_choose(x, k) + log_choose(y, n - k) + k * std::log(psi));
  const double largest = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - largest);
  out.log_z = largest + std::log(sum);
  for (const double log : logs) out.chances.push_back(std::exp(log - out.log_z));
  return out;
}

double log_ratio(const TwoByTwo& counts, double null, double factor) {
  std::vector<double> gains{0};
  add_log_likelihood_ratios(counts, null, std::vector<double>{factor}, gains);
  return gains[0];
}

const std::vector<double> factors{1.1, 1.5, 3, 20, 1 / 1.1, 1 / 1.5, 1.0 / 3, 0.05};

}  // namespace

TEST_CASE("up to 128 trials the likelihood ratio is the definition's") {
  for (const auto& [x, y, n] :
       std::vector<Margins>{{3., 5., 4.}, {1., 1., 1.}, {64., 64., 64.}, {10., 118., 7.}, {100., 28., 90.}})
    for (const double null : {0.5, 1.0, 1.5, 100.0})
      for (const double factor : factors) {
        const double log_quotient =
            distribution(x, y, n, null * factor).log_z - distribution(x, y, n, null).log_z;
        for (double a = std::max(0.0, n - y); a <= std::min(x, n); ++a)
          REQUIRE(log_ratio({a, x, n - a, y}, null, factor) ==
                  doctest::Approx(a * std::log(factor) - log_quotient).epsilon(1e-9).scale(10));
      }
}

TEST_CASE("above, it is never more than the definition's, and hardly less") {
  double most_lost = 0;
  for (const auto& [x, y] : std::vector<std::pair<double, double>>{
           {100., 100.}, {20., 180.}, {500., 500.}, {120., 1080.}, {1080., 120.}, {5., 5000.}})
    for (const double share : {0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.99}) {
      const double n = std::max(1.0, std::round((x + y) * share));
      for (const double null : {0.7, 1.0, 1.5, 4.0})
        for (const double factor : factors) {
          const double log_quotient =
              distribution(x, y, n, null * factor).log_z - distribution(x, y, n, null).log_z;
          const double a = std::round(std::min(x, n) / 2 + std::max(0.0, n - y) / 2);
          const double lost = a * std::log(factor) - log_quotient - log_ratio({a, x, n - a, y}, null, factor);
          CAPTURE(x);
          CAPTURE(n);
          CAPTURE(null);
          CAPTURE(factor);
          REQUIRE(lost >= -1e-8);
          if (x + y >= 1000 && factor <= 3 && factor >= 1.0 / 3 && null == 1.0)
            most_lost = std::max(most_lost, lost);
        }
    }
  MESSAGE("most that was lost at a thousand trials and up to 3x: " << most_lost << " nats");
  CHECK(most_lost < 0.4);
}

TEST_CASE("at every odds ratio of the null the mean is at most 1, at the boundary nearly 1") {
  for (const auto& [x, y, n] : std::vector<Margins>{{40., 60., 30.},
                                                    {64., 64., 100.},
                                                    {100., 100., 40.},
                                                    {120., 1080., 240.},
                                                    {120., 1080., 6.},
                                                    {50., 400., 430.}})
    for (const double null : {1.0, 1.5, 0.8})
      for (const double factor : {1.25, 2.0, 10.0, 0.8, 0.5, 0.1})
        for (const double inner : {1.0, 1.05, 1.5, 5.0}) {
          const double psi = factor > 1 ? null / inner : null * inner;
          const Distribution chances = distribution(x, y, n, psi);
          double mean = 0;
          for (std::size_t i = 0; i < chances.chances.size(); ++i) {
            const double a = chances.lowest + static_cast<double>(i);
            mean += chances.chances[i] * std::exp(log_ratio({a, x, n - a, y}, null, factor));
          }
          CAPTURE(x);
          CAPTURE(n);
          CAPTURE(null);
          CAPTURE(factor);
          CAPTURE(psi);
          REQUIRE(mean <= 1 + 1e-8);
          if (inner == 1.0 && x + y <= 128) REQUIRE(mean == doctest::Approx(1).epsilon(1e-8));
        }
}

TEST_CASE("margins that say nothing add nothing, and extreme ones stay sane") {
  CHECK(log_ratio({0, 100, 0, 900}, 1, 2) == 0);
  CHECK(log_ratio({100, 100, 900, 900}, 1, 2) == 0);
  CHECK(log_ratio({0, 0, 5, 900}, 1, 2) == 0);
  CHECK(log_ratio({5, 900, 0, 0}, 1, 2) == 0);
  // One control trial against 1e12 canary trials: whatever it was, it can speak for no more than its odds.
  for (const double b : {0.0, 1.0})
    for (const double a : {1.0, 5e11, 1e12 - 1})
      for (const double factor : {2.0, 0.5}) {
        const double got = log_ratio({a, 1e12, b, 1}, 1, factor);
        CAPTURE(a);
        CAPTURE(b);
        CHECK(std::isfinite(got));
        CHECK(std::abs(got) < 1.5);
      }
  // 1e12 in equal shares: nothing speaks for anything but the null.
  CHECK(log_ratio({5e11, 1e12, 5e11, 1e12}, 1, 1.1) < -1e6);
  CHECK(std::isfinite(log_ratio({1e12, 1e12, 0, 1e12}, 1, 20)));
}

TEST_CASE("the ratio does not depend on which outcome is called the event") {
  const double events = log_ratio({30, 120, 200, 1080}, 1.5, 2);
  const double rest = log_ratio({90, 120, 880, 1080}, 1 / 1.5, 0.5);
  CHECK(events == doctest::Approx(rest).epsilon(0.01));
}
