// The statistics of Kayenta's canary judge: percentiles, ranks, the Mann-Whitney confidence interval. PURE.
//
// libm is used (sqrt, log, erfc). A judge's answer is journalled as an outcome and never accumulated, so the
// last bit of a logarithm cannot make two runners disagree about a state. Sources: reference
// "gates-and-playbooks" section 3; Hyndman and Fan 1996; Brent 1973, chapter 4 (zero finding); Vargha
// and Delaney 2000 (CLES).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace tranche::gate {

// The standard normal distribution function. Relative error below 1e-15 for |x| < 35.
double normal_cdf(double x);
// Its inverse: |normal_cdf(x) - p| < 1e-15 p. `p` within (0, 1), otherwise NaN.
double normal_quantile(double p);

// linear between order statistics. `percent` 0..100; NaN for no samples.
double percentile(std::span<const double> samples, double percent);
double mean(std::span<const double> samples);  // NaN for no samples
// Chance that a canary sample is above a control sample, ties counted half. Samples must not be NaN.
double common_language_effect(std::span<const double> canary, std::span<const double> control);
// Absolute difference of means in pooled standard deviations.
double cohen_d(std::span<const double> canary, std::span<const double> control);

// Two sorted samples, shifted against each other.
struct Shift {
  std::vector<double> canary, control;  // ascending, finite, not empty
  Shift(std::span<const double> canary_samples, std::span<const double> control_samples);
  [[nodiscard]] double least() const;     // least difference canary - control
  [[nodiscard]] double greatest() const;  // greatest difference
  // The continuity-corrected Mann-Whitney statistic in standard deviations, canary less `mu` against control,
  // less `quantile`. Absent when all observations are tied.
  [[nodiscard]] std::optional<double> statistic(double mu, double quantile) const;
};

// A zero of `f` between `a` and `b` by Brent's method: within 2 eps |x| + tolerance / 2; after 1,000 steps
// the best so far. `fa` and `fb` are f there, of opposite sign or zero.
double find_zero(const std::function<double(double)>& f, double a, double b, double fa, double fb,
                 double tolerance);

struct ShiftInterval {
  double lower = 0, upper = 0;  // confidence limits of canary - control
  double estimate = 0;          // Hodges and Lehmann
};
// As Kayenta computes it: Brent's method with an absolute tolerance of 1e-4, whatever the unit is.
// Absent when all observations are tied.
std::optional<ShiftInterval> published_interval(const Shift& shift, double confidence);
// The same limits as order statistics of the pairwise differences: no tolerance, so they scale with the unit.
ShiftInterval exact_interval(const Shift& shift, double confidence);

}  // namespace tranche::gate
