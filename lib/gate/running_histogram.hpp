// What both arms' values looked like lately, in bounded space: a merged histogram that old polls fade from.
// PURE.
//
// It chooses the bounds at which the next poll is compared, and tells the observed quantiles. + - * / only.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::gate {

struct RunningHistogram {
  static constexpr std::size_t largest_size = 160;
  std::vector<double> bounds;  // finite upper bounds, growing; at most largest_size
  std::vector<double> canary,
      control;             // counts of (previous bound, bound], one longer: the last is above all
  std::int64_t polls = 0;  // since it was last halved
  bool operator==(const RunningHistogram& other) const = default;
};

// Halves all counts where there are enough: from ten polls on that hold twenty canary values beyond the
// quantile. Call once before each poll.
void fade(RunningHistogram& histogram, double quantile);
// Adds one arm's buckets (upper bounds, the last +inf) or raw values, each counted `weight` times. The
// control is weighed down to the canary's number in its poll and stratum: otherwise a ramp would compare the
// canary's last hours with the control's first. New bounds are taken up while there is room; then a count
// goes to the next bound above it. Raw values get bounds an eighth of an octave apart; there the lowest two
// are joined when room runs out.
void add_buckets(RunningHistogram& histogram, bool canary, const std::vector<double>& upper_bounds,
                 const std::vector<double>& counts, double weight);
void add_values(RunningHistogram& histogram, bool canary, const std::vector<double>& values, double weight);
// canary / control, rounded to 1/1024 (short in the journal), at least 1/1024 and at most 1024.
double control_weight(double canary_count, double control_count);

// Quantile in (0, 1), linear within a bucket (as Prometheus does); NaN without values or above all bounds.
double quantile_of(const RunningHistogram& histogram, bool canary, double quantile);

doc::Value to_value(const RunningHistogram& histogram);
Result<RunningHistogram> running_histogram_from_value(const doc::Value& value);

}  // namespace tranche::gate
