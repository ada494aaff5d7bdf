// The sequential comparison of a quantile: is the canary's p99 more than worse-than times the control's?
// PURE.
//
// What is compared, in the user's words: take x, the control's p-quantile; "worse than 1.5x" says that a
// greater share of the canary's values lies above 1.5 x than of the control's values above x. Both shares
// come from the same poll and stratum, so drifts that both arms share and ramps cancel, and counts above a
// bound are as exact as counts are: the evidence is that of two_by_two.hpp at an odds ratio of 1, valid at
// every stopping time.
//
// x is chosen from past polls only, from the control's running histogram: a bound chosen from the poll it
// judges would see patterns in noise. Two bounds around the quantile and one further out on either side are
// averaged for `fail` (slots); the certificate uses the one nearest to the quantile. A first poll is compared
// at every bound that it has (raw values: at powers of two), on average. Histograms are rounded outward,
// never too eager: worse-than x goes up to the next bound, margin x down to the one before. Where that leaves
// nothing of the margin, judge() says that the buckets are too coarse.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gate/compare.hpp"
#include "gate/odds_noise.hpp"
#include "gate/running_histogram.hpp"

namespace tranche::gate {

struct QuantileEvidence {
  double quantile = 0.99;  // 0.5 to 0.9999; set before the first poll, journalled with the rest
  // ln S (judging.hpp add_started): slots times alternatives against worse_than; alternatives against margin.
  std::vector<double> worse, not_worse;
  // ln of the likelihood ratios for the interval: against "ratio <= r" and "ratio >= r", r = 2^(k/4) from 1/8
  // to 8.
  std::vector<double> above, below;
  // Of the exceedances at the nearest bound, for worse_than and for margin: where they scatter more than
  // chance does, a test that measures it must agree.
  OddsNoise noise, margin_noise;
  RunningHistogram recent;
  // Values above x in the control, above worse_than x in the canary, at the nearest bound, and values in all.
  double canary_over = 0, canary_count = 0, control_over = 0, control_count = 0;
  double coarse = 0;                        // polls in which rounding left nothing of the margin, of
  std::int64_t polls = 0, empty_polls = 0;  // with and without a stratum where both arms had values
  bool operator==(const QuantileEvidence& other) const = default;
};
doc::Value to_value(const QuantileEvidence& evidence);
Result<QuantileEvidence> quantile_from_value(const doc::Value& value);

// Adds one poll: a stratum brings `bounds` and both arms' `buckets`, or both arms' `values` (>= 0). Refused
// beside what check_poll refuses: a quantile outside 0.5 to 0.9999, above 1000 bounds (kind invalid). A
// refused poll leaves the evidence as it was.
Result<> observe(QuantileEvidence& evidence, const CompareConfig& config, const Poll& poll);
// `ratio`: of the recent quantiles; ratio_low and ratio_high as ratio_bounds(). The explanation names both
// quantiles in the metric's unit, and the always-valid 95% interval of their ratio, in steps of 2^(1/4) and
// of the buckets.
Comparison judge(const QuantileEvidence& evidence, const CompareConfig& config);

// Always-valid: contains the ratio of quantiles at every poll at once, with probability 95%. 0 and infinity
// while nothing is known, the noise included (three polls). Where there is more noise than chance's,
// approximate: evidence then counts for as much less.
struct RatioBounds {
  double lower, upper;
};
RatioBounds ratio_bounds(const QuantileEvidence& evidence);

}  // namespace tranche::gate
