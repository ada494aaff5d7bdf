#include "gate/exact_math.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

using namespace tranche::gate;

TEST_CASE("exact logarithms and exponentials agree with libm to a few ulp") {
  const unsigned seed = 20261121;
  INFO("seed ", seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(-300, 300), small(-0.999, 3), power(-700, 700);
  const auto near = [](double got, double want) {
    return std::abs(got - want) <= 7e-16 * std::max(std::abs(want), 1e-300) + 1e-300;
  };
  for (int i = 0; i < 20'000; ++i) {
    const double x = std::pow(10.0, exponent(random));
    CHECK(near(log_exact(x), std::log(x)));
    const double y = small(random);
    CHECK(near(log1p_exact(y), std::log1p(y)));
    const double tiny = y * 1e-12;
    CHECK(near(log1p_exact(tiny), std::log1p(tiny)));
    const double p = power(random);
    CHECK(std::abs(exp_exact(p) - std::exp(p)) <= 1e-15 * std::exp(p));
    CHECK(std::abs(exp_exact(p / 700) - std::exp(p / 700)) <= 5e-16 * std::exp(p / 700));
  }
}

TEST_CASE("exact functions keep their edges") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(log_exact(1) == 0);
  CHECK(log1p_exact(0) == 0);
  CHECK(exp_exact(0) == 1);
  CHECK(exp_exact(-1000) == 0);
  CHECK(exp_exact(1000) == inf);
  CHECK(log_add_exact(-inf, 3) == 3);
  CHECK(log_add_exact(3, -inf) == 3);
  CHECK(log_add_exact(-inf, -inf) == -inf);
  CHECK(log_add_exact(0, 0) == doctest::Approx(std::log(2)));
  CHECK(log_add_exact(100, 0) == 100);
}

// The bits themselves: what another compiler or processor must reproduce.
TEST_CASE("exact functions give these bits") {
  CHECK(std::bit_cast<std::uint64_t>(log_exact(10)) == 0x40026bb1bbb55515);
  CHECK(std::bit_cast<std::uint64_t>(exp_exact(1)) == 0x4005bf0a8b14576a);
  CHECK(std::bit_cast<std::uint64_t>(log1p_exact(0.05)) == 0x3fa8fb063ef2c7eb);
}
