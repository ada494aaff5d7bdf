#include "fleet/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tranche::fleet {

double Random::normal() {
  const double u = 1.0 - uniform();  // (0, 1]
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform());
}

std::uint64_t Random::poisson(double mean) {
  if (!(mean > 0)) return 0;
  if (mean < 30) {
    const double limit = std::exp(-mean);
    std::uint64_t count = 0;
    for (double product = uniform(); product > limit; product *= uniform()) ++count;
    return count;
  }
  return static_cast<std::uint64_t>(std::max(0.0, std::round(mean + std::sqrt(mean) * normal())));
}

std::uint64_t Random::binomial(std::uint64_t n, double p) {
  if (n == 0 || !(p > 0)) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(n, 1 - p);
  if (n < 64) {
    std::uint64_t count = 0;
    for (std::uint64_t i = 0; i < n; ++i) count += chance(p) ? 1 : 0;
    return count;
  }
  const double mean = static_cast<double>(n) * p;
  if (mean < 30) {  // jumps from success to success: geometric gaps
    const double log_miss = std::log1p(-p);
    std::uint64_t count = 0;
    for (double at = 0;; ++count) {
      at += std::floor(std::log(1.0 - uniform()) / log_miss) + 1;
      if (at > static_cast<double>(n)) return count;
    }
  }
  const double drawn = std::round(mean + std::sqrt(mean * (1 - p)) * normal());
  return static_cast<std::uint64_t>(std::clamp(drawn, 0.0, static_cast<double>(n)));
}

}  // namespace tranche::fleet
