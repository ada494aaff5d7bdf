#include "gate/quantile.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "gate/exact_math.hpp"
#include "gate/judging.hpp"
#include "gate/two_by_two.hpp"

namespace tranche::gate {

namespace {

constexpr std::array<double, 6> factors{1.15, 1.4, 2, 3, 6, 15};
constexpr std::array<double, 6> inverse_factors{1 / 1.15, 1 / 1.4, 1.0 / 2, 1.0 / 3, 1.0 / 6, 1.0 / 15};
constexpr std::array<double, 2> interval_factors{1.4, 3};
constexpr std::array<double, 2> inverse_interval_factors{1 / 1.4, 1.0 / 3};
constexpr std::size_t slots = 4;
constexpr double log_confidence = 0x1.d82d33b32720dp+1;  // ln(2 / 5%)
constexpr double infinity = std::numeric_limits<double>::infinity();
// Bounds are decimal fractions; worse_than times one may miss the next by its rounding.
constexpr double nearly = 1e-9;

// r of the interval: 2^(k/4).
constexpr std::array<double, 4> quarters{1, 0x1.306fe0a31b715p+0, 0x1.6a09e667f3bcdp+0, 0x1.ae89f995ad3adp+0};
constexpr std::size_t ratios = 25;
double ratio_at(std::size_t k) { return std::ldexp(quarters[k % 4], static_cast<int>(k / 4) - 3); }

// One arm of one stratum, to count values above a bound.
class Sample {
 public:
  Sample(const ArmCounts& arm, const std::vector<double>& bounds) : bounds_(bounds), buckets_(arm.buckets) {
    if (bounds.empty()) {
      values_ = arm.values;
      std::sort(values_.begin(), values_.end());
      count_ = static_cast<double>(values_.size());
      return;
    }
    over_.resize(arm.buckets.size());
    for (std::size_t i = over_.size(); i > 0; --i) {
      over_[i - 1] = count_;
      count_ += arm.buckets[i - 1];
    }
  }
  [[nodiscard]] double count() const { return count_; }
  [[nodiscard]] bool raw() const { return bounds_.empty(); }
  [[nodiscard]] double over(double bound) const {
    if (raw())
      return static_cast<double>(values_.end() - std::upper_bound(values_.begin(), values_.end(), bound));
    return over_[static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), bound) -
                                          bounds_.begin())];
  }
  // The bound at which a threshold can be counted: not below it, or not above it; not finite if there is
  // none.
  [[nodiscard]] double up(double threshold) const {
    if (raw()) return threshold;
    return *std::lower_bound(bounds_.begin(), bounds_.end(), threshold * (1 - nearly));
  }
  [[nodiscard]] double down(double threshold) const {
    if (raw()) return threshold;
    const auto next = std::upper_bound(bounds_.begin(), bounds_.end() - 1, threshold * (1 + nearly));
    return next == bounds_.begin() ? -infinity : *(next - 1);
  }
  void add_to(RunningHistogram& histogram, bool canary, double weight) const {
    if (raw())
      add_values(histogram, canary, values_, weight);
    else
      add_buckets(histogram, canary, bounds_, buckets_, weight);
  }

 private:
  const std::vector<double>& bounds_;
  const std::vector<double>& buckets_;
  std::vector<double> values_, over_;  // over_[i]: counts above bounds_[i]
  double count_ = 0;
};

struct Stratum {
  std::string name;
  Sample canary, control;
};

// Exceedances of the canary over about `ratio` x, of the control over x; nothing where no bound is there.
TwoByTwo exceedances(const Stratum& stratum, double x, double ratio, bool upward) {
  const double from = stratum.control.down(x);
  const double to = upward ? stratum.canary.up(ratio * from) : stratum.canary.down(ratio * from);
  if (!std::isfinite(from) || !std::isfinite(to)) return {};
  return {stratum.canary.over(to), stratum.canary.count(), stratum.control.over(from),
          stratum.control.count()};
}

struct Thresholds {
  std::vector<double> slots;  // four, or none
  double nearest = 0;
};

// From the control's running histogram: the bounds next to the quantile, and where twice and half as many
// values lie above.
Thresholds choose(const RunningHistogram& recent, double quantile) {
  const double total = std::accumulate(recent.control.begin(), recent.control.end(), 0.0);
  if (recent.bounds.empty() || !(total > 0)) return {};
  const double beyond = 1 - quantile;
  const double wide = std::min(2 * beyond, (1 + beyond) / 2);
  std::size_t above = recent.bounds.size(), far_below = 0, far_above = recent.bounds.size();
  std::vector<double> shares;
  double over = total;
  for (std::size_t i = 0; i < recent.bounds.size(); ++i) {
    over -= recent.control[i];
    shares.push_back(std::max(0.0, over) / total);
    if (shares[i] >= wide) far_below = i;
    if (shares[i] <= beyond && above == recent.bounds.size()) above = i;
    if (shares[i] <= beyond / 2 && over > 0 && far_above == recent.bounds.size()) far_above = i;
  }
  const std::size_t last = recent.bounds.size() - 1;
  above = std::min(above, last);
  const std::size_t below = above > 0 ? above - 1 : above;
  if (far_above > last) far_above = above;
  if (far_below > below || shares[far_below] < wide) far_below = below;
  // Nearest by the ratio of shares, either way.
  const bool upper = shares[above] > 0 && beyond / shares[above] <= shares[below] / beyond;
  return {{recent.bounds[far_below], recent.bounds[below], recent.bounds[above], recent.bounds[far_above]},
          recent.bounds[upper ? above : below]};
}

// Before anything is known: every bound of the poll, or powers of two for raw values.
std::vector<double> first_thresholds(const Poll& poll) {
  std::vector<double> out;
  for (const auto& [stratum, counts] : poll)
    if (!counts.bounds.empty()) return {counts.bounds.begin(), counts.bounds.end() - 1};
  for (int e = -30; e <= 30; ++e) out.push_back(std::ldexp(1.0, e));
  return out;
}

// Sum over strata of the log likelihood ratios at one x.
template <std::size_t N>
std::vector<double> gains_at(const std::vector<Stratum>& strata, double x, double ratio,
                             const std::array<double, N>& alternatives) {
  std::vector<double> gains(N);
  for (const Stratum& stratum : strata)
    add_log_likelihood_ratios(exceedances(stratum, x, ratio, alternatives[0] > 1), 1, alternatives, gains);
  return gains;
}

// ln of the average over thresholds of exp(gains).
template <std::size_t N>
std::vector<double> average_gains(const std::vector<Stratum>& strata, const std::vector<double>& thresholds,
                                  double ratio, const std::array<double, N>& alternatives) {
  std::vector<double> out(N, -infinity);
  for (const double x : thresholds) {
    const std::vector<double> gains = gains_at(strata, x, ratio, alternatives);
    for (std::size_t i = 0; i < N; ++i) out[i] = log_add_exact(out[i], gains[i]);
  }
  const double log_size = log_exact(static_cast<double>(thresholds.size()));
  for (double& gain : out) gain -= log_size;
  return out;
}

void add_first(QuantileEvidence& evidence, const CompareConfig& config, const std::vector<Stratum>& strata,
               const std::vector<double>& thresholds) {
  std::vector<double> worse(slots * factors.size()), not_worse(factors.size());
  if (!thresholds.empty()) {
    const std::vector<double> gains = average_gains(strata, thresholds, config.worse_than, factors);
    for (std::size_t i = 0; i < worse.size(); ++i) worse[i] = gains[i % factors.size()];
    not_worse = average_gains(strata, thresholds, config.margin, inverse_factors);
  }
  add_started(evidence.worse, evidence.polls, worse);
  add_started(evidence.not_worse, evidence.polls, not_worse);
}

void add_next(QuantileEvidence& evidence, const CompareConfig& config, const std::vector<Stratum>& strata,
              const Thresholds& thresholds) {
  std::vector<double> worse;
  for (const double x : thresholds.slots) {
    const std::vector<double> gains = gains_at(strata, x, config.worse_than, factors);
    worse.insert(worse.end(), gains.begin(), gains.end());
  }
  add_started(evidence.worse, evidence.polls, worse);
  add_started(evidence.not_worse, evidence.polls,
              gains_at(strata, thresholds.nearest, config.margin, inverse_factors));
  for (std::size_t k = 0; k < ratios; ++k) {
    const std::vector<double> above = gains_at(strata, thresholds.nearest, ratio_at(k), interval_factors);
    const std::vector<double> below =
        gains_at(strata, thresholds.nearest, ratio_at(k), inverse_interval_factors);
    for (std::size_t i = 0; i < 2; ++i) {
      evidence.above[2 * k + i] += above[i];
      evidence.below[2 * k + i] += below[i];
    }
  }
  bool coarse = false;
  std::vector<StratumTable> tables, margin_tables;
  for (const Stratum& stratum : strata) {
    const TwoByTwo table = exceedances(stratum, thresholds.nearest, config.worse_than, true);
    evidence.canary_over += table.canary_events;
    evidence.canary_count += table.canary_trials;
    evidence.control_over += table.control_events;
    evidence.control_count += table.control_trials;
    tables.push_back({stratum.name, thresholds.nearest, table});
    margin_tables.push_back(
        {stratum.name, thresholds.nearest, exceedances(stratum, thresholds.nearest, config.margin, false)});
    const double from = stratum.control.down(thresholds.nearest);
    coarse = coarse || (config.margin > 1 && stratum.canary.down(config.margin * from) <= from);
  }
  observe(evidence.noise, tables);
  observe(evidence.margin_noise, margin_tables);
  evidence.coarse += coarse ? 1 : 0;
}

double log_mean_of_two(double a, double b) { return log_add_exact(a, b) - ln2; }

std::string percentile_name(double quantile) { return fmt::format("p{:.6g}", quantile * 100); }

std::string interval_text(const RatioBounds& bounds) {
  if (bounds.lower == 0 && bounds.upper == infinity) return "";
  if (bounds.upper == infinity) return fmt::format(" (above {:.3g}x)", bounds.lower);
  if (bounds.lower == 0) return fmt::format(" (below {:.3g}x)", bounds.upper);
  return fmt::format(" ({:.3g}x to {:.3g}x)", bounds.lower, bounds.upper);
}

}  // namespace

doc::Value to_value(const QuantileEvidence& evidence) {
  return doc::Value::object({{"quantile", evidence.quantile},
                             {"worse", numbers_to_value(evidence.worse)},
                             {"not-worse", numbers_to_value(evidence.not_worse)},
                             {"above", numbers_to_value(evidence.above)},
                             {"below", numbers_to_value(evidence.below)},
                             {"noise", to_value(evidence.noise)},
                             {"margin-noise", to_value(evidence.margin_noise)},
                             {"recent", to_value(evidence.recent)},
                             {"canary-over", evidence.canary_over},
                             {"canary-count", evidence.canary_count},
                             {"control-over", evidence.control_over},
                             {"control-count", evidence.control_count},
                             {"coarse", evidence.coarse},
                             {"polls", evidence.polls},
                             {"empty-polls", evidence.empty_polls}});
}

Result<QuantileEvidence> quantile_from_value(const doc::Value& value) {
  QuantileEvidence out;
  out.quantile = TRY(value.number("quantile"));
  if (!(out.quantile >= 0.5 && out.quantile <= 0.9999)) return broken_evidence("'quantile' is none");
  out.worse = TRY(read_numbers(value, "worse", slots * factors.size()));
  out.not_worse = TRY(read_numbers(value, "not-worse", factors.size()));
  out.above = TRY(read_numbers(value, "above", 2 * ratios));
  out.below = TRY(read_numbers(value, "below", 2 * ratios));
  const doc::Value* noise = TRY(value.object_at("noise"));
  out.noise = TRY(odds_noise_from_value(*noise));
  const doc::Value* margin_noise = TRY(value.object_at("margin-noise"));
  out.margin_noise = TRY(odds_noise_from_value(*margin_noise));
  const doc::Value* recent = TRY(value.object_at("recent"));
  out.recent = TRY(running_histogram_from_value(*recent));
  out.canary_over = TRY(read_count(value, "canary-over"));
  out.canary_count = TRY(read_count(value, "canary-count"));
  out.control_over = TRY(read_count(value, "control-over"));
  out.control_count = TRY(read_count(value, "control-count"));
  out.coarse = TRY(read_count(value, "coarse"));
  out.polls = TRY(read_tally(value, "polls"));
  out.empty_polls = TRY(read_tally(value, "empty-polls"));
  for (const std::vector<double>* sums : {&out.worse, &out.not_worse, &out.above, &out.below})
    if (sums->empty() != (out.polls == 0)) return broken_evidence("'polls' does not go with the sums");
  return out;
}

Result<> observe(QuantileEvidence& evidence, const CompareConfig& config, const Poll& poll) {
  TRY(check(config));
  TRY(check_poll(poll));
  if (!(evidence.quantile >= 0.5 && evidence.quantile <= 0.9999))
    return fail_hint(ErrorKind::invalid, "write a quantile from 0.5 to 0.9999, as 0.99", "quantile is {}",
                     evidence.quantile);
  std::vector<Stratum> strata;
  for (const auto& [name, counts] : poll) {
    const bool buckets = !counts.bounds.empty();
    if (buckets && (counts.canary.buckets.empty() || counts.control.buckets.empty())) continue;
    Stratum stratum{name, Sample(counts.canary, counts.bounds), Sample(counts.control, counts.bounds)};
    if (stratum.canary.count() > 0 && stratum.control.count() > 0) strata.push_back(std::move(stratum));
  }
  if (strata.empty()) {
    ++evidence.empty_polls;
    return {};
  }
  ++evidence.polls;
  evidence.above.resize(2 * ratios);
  evidence.below.resize(2 * ratios);
  const Thresholds thresholds = choose(evidence.recent, evidence.quantile);
  if (thresholds.slots.empty())
    add_first(evidence, config, strata, first_thresholds(poll));
  else
    add_next(evidence, config, strata, thresholds);
  fade(evidence.recent, evidence.quantile);
  for (const Stratum& stratum : strata) {
    const double weight = control_weight(stratum.canary.count(), stratum.control.count());
    stratum.canary.add_to(evidence.recent, true, 1);
    stratum.control.add_to(evidence.recent, false, weight);
  }
  return {};
}

RatioBounds ratio_bounds(const QuantileEvidence& evidence) {
  RatioBounds out{0, infinity};
  if (judge_noise(evidence.noise) == Dispersion::unknown) return out;
  // More noise than chance's makes counts worth less: so many times as the scatter is larger.
  const Scatter& scatter = evidence.noise.odds_scatter;
  const double enough = judge_noise(evidence.noise) == Dispersion::noisy
                            ? log_confidence * std::max(1.0, scatter.sum / scatter.count)
                            : log_confidence;
  for (std::size_t k = 0; k < ratios; ++k) {
    if (log_mean_of_two(evidence.above[2 * k], evidence.above[2 * k + 1]) >= enough) out.lower = ratio_at(k);
    const std::size_t down = ratios - 1 - k;
    if (log_mean_of_two(evidence.below[2 * down], evidence.below[2 * down + 1]) >= enough)
      out.upper = ratio_at(down);
  }
  return out;
}

Comparison judge(const QuantileEvidence& evidence, const CompareConfig& config) {
  Comparison out;
  out.ratio = std::numeric_limits<double>::quiet_NaN();
  out.ratio_high = infinity;
  if (evidence.polls == 0) {
    out.verdict = Verdict::no_data;
    out.explanation = fmt::format("no poll of {} had values in both arms", evidence.empty_polls);
    return out;
  }
  out.log_evidence_worse = weigh_above(evidence.noise, log_started(evidence.worse, evidence.polls), 1);
  out.log_evidence_not_worse =
      weigh_below(evidence.margin_noise, log_started(evidence.not_worse, evidence.polls), 1);
  out.dispersion = judge_noise(evidence.noise);
  const RatioBounds bounds = ratio_bounds(evidence);
  out.ratio_low = bounds.lower;
  out.ratio_high = bounds.upper;
  out.verdict = decide(config, out.log_evidence_worse, out.log_evidence_not_worse);
  const double canary = quantile_of(evidence.recent, true, evidence.quantile);
  const double control = quantile_of(evidence.recent, false, evidence.quantile);
  if (canary > 0 && control > 0) out.ratio = canary / control;
  const std::string name = percentile_name(evidence.quantile);
  const auto shown = [](double value) {
    return std::isnan(value) ? "unknown" : fmt::format("{:.4g}", value);
  };
  out.explanation = fmt::format(
      "canary's {} is {}, control's {}{}{}; beyond the bounds compared lie {:.6g} of {:.6g} canary values "
      "and {:.6g} of "
      "{:.6g} control values; {}",
      name, shown(canary), shown(control),
      std::isnan(out.ratio) ? "" : fmt::format(", ratio {:.3g}x", out.ratio), interval_text(bounds),
      evidence.canary_over, evidence.canary_count, evidence.control_over, evidence.control_count,
      evidence_text(config, out.log_evidence_worse, out.log_evidence_not_worse));
  if (2 * evidence.coarse > static_cast<double>(evidence.polls))
    out.explanation += fmt::format(
        "; the buckets are too coarse for a margin of {:.4g}x: no bound lies between the control's {} and "
        "{:.4g}x of it",
        config.margin, name, config.margin);
  return out;
}

}  // namespace tranche::gate
