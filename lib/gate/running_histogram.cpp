#include "gate/running_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gate/judging.hpp"

namespace tranche::gate {

namespace {

constexpr double enough_beyond = 20;
constexpr std::int64_t enough_polls = 10;

std::size_t place(const RunningHistogram& histogram, double bound) {
  return static_cast<std::size_t>(std::lower_bound(histogram.bounds.begin(), histogram.bounds.end(), bound) -
                                  histogram.bounds.begin());
}

void insert_bound(RunningHistogram& histogram, std::size_t at, double bound) {
  const auto offset = static_cast<std::ptrdiff_t>(at);
  histogram.bounds.insert(histogram.bounds.begin() + offset, bound);
  histogram.canary.insert(histogram.canary.begin() + offset, 0);
  histogram.control.insert(histogram.control.begin() + offset, 0);
}

void join_lowest(RunningHistogram& histogram) {
  for (std::vector<double>* counts : {&histogram.canary, &histogram.control}) {
    (*counts)[1] += (*counts)[0];
    counts->erase(counts->begin());
  }
  histogram.bounds.erase(histogram.bounds.begin());
}

void begin(RunningHistogram& histogram) {
  histogram.canary.resize(histogram.bounds.size() + 1);
  histogram.control.resize(histogram.bounds.size() + 1);
}

// The upper bound of a raw value: m/16 2^e with m from 8 to 16.
double octave_bound(double value) {
  if (value <= 0) return 0;
  int e = 0;
  const double m = std::frexp(value, &e);
  return std::ldexp(std::ceil(m * 16) / 16, e);
}

}  // namespace

void fade(RunningHistogram& histogram, double quantile) {
  const double total = std::accumulate(histogram.canary.begin(), histogram.canary.end(), 0.0);
  if (histogram.polls >= enough_polls && total * (1 - quantile) >= enough_beyond) {
    for (double& count : histogram.canary) count /= 2;
    for (double& count : histogram.control) count /= 2;
    histogram.polls = 0;
  }
  ++histogram.polls;
}

void add_buckets(RunningHistogram& histogram, bool canary, const std::vector<double>& upper_bounds,
                 const std::vector<double>& counts, double weight) {
  begin(histogram);
  if (histogram.bounds.empty() && upper_bounds.size() > RunningHistogram::largest_size) {
    const std::size_t step = upper_bounds.size() / RunningHistogram::largest_size + 1;
    for (std::size_t i = step - 1; i + 1 < upper_bounds.size(); i += step)
      insert_bound(histogram, histogram.bounds.size(), upper_bounds[i]);
  }
  for (std::size_t i = 0; i < upper_bounds.size(); ++i) {
    const double bound = upper_bounds[i];
    std::size_t at = place(histogram, bound);
    const bool known = at < histogram.bounds.size() && histogram.bounds[at] == bound;
    if (!known && std::isfinite(bound) && histogram.bounds.size() < RunningHistogram::largest_size)
      insert_bound(histogram, at, bound);
    (canary ? histogram.canary : histogram.control)[at] += weight * counts[i];
  }
}

void add_values(RunningHistogram& histogram, bool canary, const std::vector<double>& values, double weight) {
  begin(histogram);
  for (const double value : values) {
    const double bound = octave_bound(value);
    std::size_t at = place(histogram, bound);
    if (at == histogram.bounds.size() || histogram.bounds[at] != bound) {
      insert_bound(histogram, at, bound);
      if (histogram.bounds.size() > RunningHistogram::largest_size) {
        join_lowest(histogram);
        if (at > 0) --at;
      }
    }
    (canary ? histogram.canary : histogram.control)[at] += weight;
  }
}

double control_weight(double canary_count, double control_count) {
  return std::clamp(std::floor(canary_count / control_count * 1024 + 0.5) / 1024, 1.0 / 1024, 1024.0);
}

double quantile_of(const RunningHistogram& histogram, bool canary, double quantile) {
  const std::vector<double>& counts = canary ? histogram.canary : histogram.control;
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  if (!(total > 0)) return unknown;
  double below = 0;
  for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
    if (below + counts[i] >= total * quantile && counts[i] > 0) {
      const double from = i > 0 ? histogram.bounds[i - 1] : std::min(0.0, histogram.bounds[i]);
      return from + (histogram.bounds[i] - from) * std::max(0.0, (total * quantile - below) / counts[i]);
    }
    below += counts[i];
  }
  return unknown;
}

doc::Value to_value(const RunningHistogram& histogram) {
  return doc::Value::object({{"bounds", numbers_to_value(histogram.bounds)},
                             {"canary", numbers_to_value(histogram.canary)},
                             {"control", numbers_to_value(histogram.control)},
                             {"polls", histogram.polls}});
}

Result<RunningHistogram> running_histogram_from_value(const doc::Value& value) {
  RunningHistogram out;
  const doc::Value* bounds = TRY(value.array_at("bounds"));
  if (bounds->as_array().size() > RunningHistogram::largest_size)
    return broken_evidence("'bounds' has too many entries");
  out.bounds = TRY(read_numbers(value, "bounds", bounds->as_array().size()));
  for (std::size_t i = 1; i < out.bounds.size(); ++i)
    if (!(out.bounds[i] > out.bounds[i - 1])) return broken_evidence("'bounds' do not grow");
  out.canary = TRY(read_numbers(value, "canary", out.bounds.size() + 1));
  out.control = TRY(read_numbers(value, "control", out.bounds.size() + 1));
  if (out.canary.size() != out.control.size() || (out.canary.empty() && !out.bounds.empty()))
    return broken_evidence("'canary' and 'control' do not go with 'bounds'");
  for (const std::vector<double>* counts : {&out.canary, &out.control})
    for (const double count : *counts)
      if (count < 0) return broken_evidence("a bucket's count is negative");
  out.polls = TRY(read_tally(value, "polls"));
  return out;
}

}  // namespace tranche::gate
