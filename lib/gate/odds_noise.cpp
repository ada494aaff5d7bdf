#include "gate/odds_noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "gate/exact_math.hpp"
#include "gate/judging.hpp"

namespace tranche::gate {

namespace {

constexpr double fade = 63.0 / 64;
constexpr double largest_difference = 16;
constexpr double least_differences = 1.9;  // two, the older one faded
constexpr double largest_average = 1.2;    // of d, and half a standard deviation more
constexpr double least_information = 1;
constexpr double assumed_log_sd = 0.6;  // of an arm and poll, while the noise is not known
constexpr double interval_alpha = 0.05;
constexpr double prior_information = 4;
constexpr double infinity = std::numeric_limits<double>::infinity();

// Two differences of the odds and two of the control, or four of the odds where bounds have moved.
bool unknown(const OddsNoise& noise) {
  return noise.odds_scatter.count < least_differences ||
         noise.odds_scatter.count + noise.control_scatter.count < 2 * least_differences;
}

// Before the noise is known: the ratio over all polls, with much noise assumed in each.
double log_evidence_if_noisy(const OddsNoise& noise, double log_null, double direction) {
  if (!(noise.all.canary > 0 && noise.all.control > 0)) return 0;
  const double shift = direction * (log_exact(noise.all.canary / noise.all.control) - log_null);
  if (shift <= 0) return 0;
  const double polls = static_cast<double>(std::max<std::int64_t>(1, noise.ratios.count()));
  const double variance = 2 * assumed_log_sd * assumed_log_sd / polls + noise.all.variance();
  // Normal mixture over shifts ~ |N(0, 1)|, without the factor for its one side (at most 2).
  const double spread = 1 + 1 / variance;
  return -log_exact(spread) / 2 + shift * shift / (variance * variance * 2 * spread);
}

void add_difference(Scatter& scatter, double d) {
  scatter.sum = scatter.sum * fade + std::min(d, largest_difference);
  scatter.count = scatter.count * fade + 1;
}
bool too_large(const Scatter& scatter) {
  return scatter.sum > scatter.count * largest_average + std::sqrt(scatter.count) / 2;
}

void observe_control(OddsNoise& noise, const StratumTable& now) {
  const OddsNoise::Last next{now.bound, now.table.control_events, now.table.control_trials};
  const auto found = noise.last_control.find(now.stratum);
  if (found == noise.last_control.end()) {
    if (noise.last_control.size() < largest_strata) noise.last_control.emplace(now.stratum, next);
    return;
  }
  const OddsNoise::Last before = found->second;
  found->second = next;
  const double events = before.events + next.events, trials = before.trials + next.trials;
  const double rest = (before.trials - before.events) + (next.trials - next.events);
  if (before.bound != next.bound || !(events > 0 && rest > 0 && trials > 1)) return;
  const double share = next.trials / trials, off = next.events - events * share;
  const double variance = events * share * (1 - share) * (rest / (trials - 1));
  if (variance > 0) add_difference(noise.control_scatter, off * off / variance);
}

void end_batch(OddsNoise& noise) {
  const double log_ratio = log_exact(noise.batch.canary / noise.batch.control);
  const double variance = noise.batch.variance();
  if (noise.last_variance > 0) {
    const double off = log_ratio - noise.last;
    add_difference(noise.odds_scatter, off * off / (variance + noise.last_variance));
  }
  noise.last = log_ratio;
  noise.last_variance = variance;
  (void)add(noise.ratios, log_ratio);  // finite and small: each cell is at least a half and below 1e15
  noise.batch = {};
  noise.information = 0;
}

}  // namespace

double OddsNoise::Sums::variance() const {
  return spread_canary / (2 * canary * canary) + spread_both / (2 * canary * control) +
         spread_control / (2 * control * control);
}

void observe(OddsNoise& noise, const std::vector<StratumTable>& strata) {
  for (const StratumTable& named : strata) {
    observe_control(noise, named);
    const TwoByTwo& table = named.table;
    const double x = table.canary_trials, y = table.control_trials;
    const double events = table.canary_events + table.control_events;
    const double rest = (x - table.canary_events) + (y - table.control_events);
    if (!(x > 0 && y > 0 && events > 0 && rest > 0)) continue;  // the margins say it all
    const double a = table.canary_events + 0.5, b = x - table.canary_events + 0.5;
    const double c = table.control_events + 0.5, d = y - table.control_events + 0.5, n = x + y + 2;
    const double canary = a * (d / n), control = b * (c / n), along = (a + d) / n, across = (b + c) / n;
    for (OddsNoise::Sums* sums : {&noise.batch, &noise.all}) {
      sums->canary += canary;
      sums->control += control;
      sums->spread_canary += along * canary;
      sums->spread_both += along * control + across * canary;
      sums->spread_control += across * control;
    }
    const double trials = x + y;
    noise.information += (x / trials) * (y / trials) * (events / trials) * rest;
  }
  if (noise.information >= least_information) end_batch(noise);
}

Dispersion judge_noise(const OddsNoise& noise) {
  if (unknown(noise)) return Dispersion::unknown;
  return too_large(noise.odds_scatter) || too_large(noise.control_scatter) ? Dispersion::noisy
                                                                           : Dispersion::calm;
}

double weigh_above(const OddsNoise& noise, double log_evidence, double null) {
  if (judge_noise(noise) == Dispersion::calm) return log_evidence;
  double second = log_evidence_above(noise.ratios, log_exact(null));
  if (unknown(noise)) second = std::max(second, log_evidence_if_noisy(noise, log_exact(null), 1));
  return std::min(log_evidence, second);
}
double weigh_below(const OddsNoise& noise, double log_evidence, double null) {
  if (judge_noise(noise) == Dispersion::calm) return log_evidence;
  double second = noise.ratios.count() > 0 ? log_evidence_below(noise.ratios.starts[0], log_exact(null)) : 0;
  if (unknown(noise)) second = std::max(second, log_evidence_if_noisy(noise, log_exact(null), -1));
  return std::min(log_evidence, second);
}

OddsRatio odds_ratio(const OddsNoise& noise) {
  OddsRatio out{std::numeric_limits<double>::quiet_NaN(), 0, infinity};
  if (!(noise.all.canary > 0 && noise.all.control > 0)) return out;
  out.ratio = noise.all.canary / noise.all.control;
  const Dispersion dispersion = judge_noise(noise);
  if (dispersion == Dispersion::noisy) {
    const MeanBounds bounds = mean_bounds(noise.ratios.starts[0], interval_alpha);
    if (std::isfinite(bounds.lower)) out.lower = exp_exact(bounds.lower);
    if (std::isfinite(bounds.upper)) out.upper = exp_exact(bounds.upper);
    return out;
  }
  double variance = noise.all.variance();
  if (dispersion == Dispersion::unknown)
    variance += 2 * assumed_log_sd * assumed_log_sd /
                static_cast<double>(std::max<std::int64_t>(1, noise.ratios.count()));
  const double information = 1 / variance;
  const double width = std::sqrt(
      (information + prior_information) / (information * information) *
      (log_exact((information + prior_information) / prior_information) - 2 * log_exact(interval_alpha)));
  out.lower = out.ratio * exp_exact(-width);
  out.upper = out.ratio * exp_exact(width);
  return out;
}

namespace {

// The numbers of the journal, in order.
template <class Noise>
auto numbers_of(Noise& noise) {
  auto& [a, b, c, d, e] = noise.batch;
  auto& [p, q, r, s, t] = noise.all;
  return std::array{&noise.last,
                    &noise.last_variance,
                    &noise.odds_scatter.sum,
                    &noise.odds_scatter.count,
                    &noise.control_scatter.sum,
                    &noise.control_scatter.count,
                    &noise.information,
                    &a,
                    &b,
                    &c,
                    &d,
                    &e,
                    &p,
                    &q,
                    &r,
                    &s,
                    &t};
}

}  // namespace

doc::Value to_value(const OddsNoise& noise) {
  std::vector<double> numbers;
  for (const double* number : numbers_of(noise)) numbers.push_back(*number);
  doc::Value last = doc::Value::object();
  for (const auto& [stratum, poll] : noise.last_control)
    last.set(stratum, numbers_to_value({poll.bound, poll.events, poll.trials}));
  return doc::Value::object(
      {{"ratios", to_value(noise.ratios)}, {"sums", numbers_to_value(numbers)}, {"last-control", last}});
}

Result<OddsNoise> odds_noise_from_value(const doc::Value& value) {
  OddsNoise out;
  const doc::Value* ratios = TRY(value.array_at("ratios"));
  out.ratios = TRY(restarted_sums_from_value(*ratios));
  const auto fields = numbers_of(out);
  const std::vector<double> numbers = TRY(read_numbers(value, "sums", fields.size()));
  if (numbers.size() != fields.size()) return broken_evidence("'sums' of the noise is empty");
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0 && numbers[i] < 0) return broken_evidence("'sums' of the noise holds a negative number");
    *fields[i] = numbers[i];
  }
  if ((out.last_variance > 0) != (out.ratios.count() > 0))
    return broken_evidence("'sums' of the noise does not go with 'ratios'");
  const doc::Value* last = TRY(value.object_at("last-control"));
  if (last->as_object().size() > largest_strata) return broken_evidence("'last-control' has too many strata");
  for (const doc::Member& member : last->as_object()) {
    const std::vector<double> poll = TRY(read_numbers(*last, member.key, 3));
    if (poll.size() != 3 || poll[1] < 0 || poll[2] < poll[1])
      return broken_evidence("'last-control' holds what is no poll");
    out.last_control[member.key] = {poll[0], poll[1], poll[2]};
  }
  return out;
}

}  // namespace tranche::gate
