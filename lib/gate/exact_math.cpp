// Logarithm: m 2^k with m in [sqrt 1/2, sqrt 2), ln m = 2 atanh((m - 1) / (m + 1)) by its series; for 1 + x
// the rounding of the sum is repaired by c/u. Exponential: x = k ln 2 + r, Taylor's series on |r| <= ln2/2.
#include "gate/exact_math.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tranche::gate {

namespace {

// 2 atanh((m - 1) / (m + 1)) for m in [sqrt 1/2, sqrt 2): |s| <= 0.1716, so s^27/27 is below 1e-21. The two
// halves of the series do not wait for each other.
double log_of_mantissa(double m) {
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  const double w = z * z;
  const double even =
      ((((((1.0 / 25) * w + 1.0 / 21) * w + 1.0 / 17) * w + 1.0 / 13) * w + 1.0 / 9) * w + 1.0 / 5) * w;
  const double odd =
      ((((((1.0 / 23) * w + 1.0 / 19) * w + 1.0 / 15) * w + 1.0 / 11) * w + 1.0 / 7) * w + 1.0 / 3) * z;
  return 2 * s * (even + odd) + 2 * s;
}

// u = m 2^k with m in [sqrt 1/2, sqrt 2), from the bits of a normal number: the exponent is counted from the
// mantissa of sqrt 1/2.
struct Parts {
  double m;
  double k;
};
inline Parts split(double u) {
  constexpr std::uint64_t root = 0x3fe6a09e667f3bcd;  // sqrt 1/2
  const auto bits = std::bit_cast<std::uint64_t>(u);
  const auto k = static_cast<std::int64_t>(bits - root) >> 52;
  return {std::bit_cast<double>(bits - (static_cast<std::uint64_t>(k) << 52)), static_cast<double>(k)};
}

}  // namespace

double log1p_exact(double x) {
  const double u = 1 + x;
  const double correction = u >= 2 ? (1 - (u - x)) / u : (x - (u - 1)) / u;
  const auto [m, k] = split(u);
  return k * ln2 + (log_of_mantissa(m) + correction);
}

double log_exact(double x) {
  const auto [m, k] = split(x);
  return k * ln2 + log_of_mantissa(m);
}

double exp_exact(double x) {
  if (x < -708) return 0;
  if (x > 709) return std::numeric_limits<double>::infinity();
  const double k = std::floor(x * 0x1.71547652b82fep+0 + 0.5);
  const double r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
  const double z = r * r;
  // 1/n!, even and odd powers apart.
  const double even =
      1 +
      z * (1.0 / 2 +
           z * (1.0 / 24 +
                z * (1.0 / 720 + z * (1.0 / 40320 + z * (1.0 / 3628800 + z * (1.0 / 479001600 +
                                                                              z * (1.0 / 87178291200.0)))))));
  const double odd =
      r * (1 + z * (1.0 / 6 +
                    z * (1.0 / 120 +
                         z * (1.0 / 5040 + z * (1.0 / 362880 + z * (1.0 / 39916800 + z / 6227020800.0))))));
  const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(k) + 1023);  // normal: x >= -708
  return (even + odd) * std::bit_cast<double>(exponent << 52);
}

double log_add_exact(double a, double b) {
  const double high = a > b ? a : b;
  const double low = a > b ? b : a;
  if (!(low > high - 40)) return high;  // below half an ulp, or minus infinity
  return high + log1p_exact(exp_exact(low - high));
}

}  // namespace tranche::gate
