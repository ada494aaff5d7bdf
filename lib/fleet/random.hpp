// A small generator of our own, so that a seed means the same fleet on every machine and compiler: splitmix64
// (Steele, Lea, Flood 2014, public domain constants). PURE. Not for secrets.
#pragma once

#include <cstdint>

namespace tranche::fleet {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  bool chance(double p) { return uniform() < p; }
  // Mean >= 0. Exact inversion by products below 30, a rounded normal above (error of a part in a thousand of
  // the tails there).
  std::uint64_t poisson(double mean);
  // n trials of chance p. Exact below 64 trials or 30 expected successes; a rounded normal above.
  std::uint64_t binomial(std::uint64_t n, double p);

 private:
  double normal();
  std::uint64_t state_;
};

}  // namespace tranche::fleet
