// Is the mean of noisy observations above a boundary? A t-test that may be looked at after every one. PURE.
//
// The observations' spread is unknown, so evidence must not depend on their scale. For normal observations
// x_i with mean m0 + theta sigma and variance sigma^2 / w_i, the likelihood of theta > 0 against theta = 0,
// averaged over sigma by the right Haar prior 1/sigma, is a martingale with mean 1; so is its average over
// theta ~ |N(0, scale^2)|, and Ville's inequality bounds the chance that it ever reaches 1/alpha by alpha.
// Where the true mean is below m0, each path lies below the path at m0 (S/sqrt(V) falls when every x_i does,
// by Cauchy and Schwarz), so the bound holds for "mean <= m0" as a whole. In closed form, with n the count,
// W = sum w, S = sum w (x - m0), V = sum w (x - m0)^2, r = 1 / (1 + scale^2 W), q = (1 - r) S^2 / (W V):
//     E = sqrt(r) (1 - q)^(-n/2) 2 F_n(sign(S) sqrt(n q / (1 - q))),   F_n Student's with n degrees of
//     freedom.
// Without the factor 2 F_n this is the two-sided mixture of R's avlm with g = 1/scale^2 (reference
// "gates-and-playbooks" 4(c)); scale-invariant tests: Lai 1976; Perez-Ortiz, Grunwald et al. 2024; Wang and
// Ramdas 2024.
//
// Exact for independent normal observations whose variances are in the proportion 1/w_i, at any number of
// them. Otherwise asymptotic: bounded skewness washes out with the count. Observations that hang together in
// time (a burst over several polls) count for more than they say; put them into one observation.
#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::gate {

// Everything the test needs of the past, for every boundary at once. + - * / only: bit-identical everywhere.
struct RunningSums {
  std::int64_t count = 0;
  double weight = 0;   // sum of w; weights are relative: a typical observation's is 1
  double sum = 0;      // sum of w x
  double squares = 0;  // sum of w x^2
  bool operator==(const RunningSums& other) const = default;
};
// Adds one observation. `weight` may depend on the past and on exposures, never on this value. A value that
// is not finite or beyond 1e6 in size, and a weight outside [1e-6, 1e6], is refused (kind invalid).
Result<> add(RunningSums& sums, double value, double weight = 1);

// Spread of the alternatives, in standard deviations of an observation of weight 1 (see sequential_t.cpp for
// how it was chosen).
inline constexpr double default_scale = 0.5;

// ln E against "mean <= boundary" and against "mean >= boundary". 0 while there is nothing; never above
// (n-1)/2 ln(1 + scale^2 W) + ln 2, so that few observations cannot prove much however alike they are.
double log_evidence_above(const RunningSums& sums, double boundary, double scale = default_scale);
double log_evidence_below(const RunningSums& sums, double boundary, double scale = default_scale);

// Where the mean lies: at every count at once, with probability >= 1 - alpha (each side alpha/2). Infinite
// while too little is known.
struct MeanBounds {
  double lower, upper;
};
MeanBounds mean_bounds(const RunningSums& sums, double alpha, double scale = default_scale);

doc::Value to_value(const RunningSums& sums);
Result<RunningSums> running_sums_from_value(const doc::Value& value);  // strict; kind invalid

}  // namespace tranche::gate
