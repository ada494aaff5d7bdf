// Draws for the simulated workloads: a seed means the same series on every machine whose libm agrees.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace tranche::bench {

// splitmix64 (Steele, Lea, Flood 2014).
class Sampler {
 public:
  explicit Sampler(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // (0, 1), 53 bits.
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1.0p-53; }
  // Box and Muller 1958, one of the pair.
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform()); }
  // Exact: products of uniforms below 10; above, Hoermann's transformed rejection (PTRS, 1993).
  double poisson(double mean) {
    if (mean <= 0) return 0;
    if (mean < 10) {
      const double limit = std::exp(-mean);
      double count = 0;
      for (double product = uniform(); product > limit; product *= uniform()) ++count;
      return count;
    }
    const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), accept = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
      const double u = uniform() - 0.5, v = uniform(), us = 0.5 - std::abs(u);
      const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= accept) return k;
      if (k < 0 || (us < 0.013 && v > us)) continue;
      if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <=
          k * std::log(mean) - mean - log_factorial(k))
        return k;
    }
  }

 private:
  // Stirling above 9; libm's lgamma writes a global that threads would share.
  static double log_factorial(double k) {
    double x = k + 1, shift = 0;
    for (; x < 10; ++x) shift += std::log(x);
    return (x - 0.5) * std::log(x) - x + 0.91893853320467274178 + (1.0 / 12 - 1 / (360 * x * x)) / x - shift;
  }
  std::uint64_t state_;
};

}  // namespace tranche::bench
