// The exposure-weighted one-sided e-process and its mirror.
//
// One stratum of one poll: n events in all, e of them from the canary, exposures x and y. Were the rate ratio
// r, each event would come from the canary with chance p(r) = r x / (r x + y): the base rate, its drift and
// the ramp cancel out. The log likelihood of ratio r G against r is
//     e ln G - n ln((r G x + y) / (r x + y)) = e ln G - n log1p(p(r) (G - 1)),
// which is summed over strata and polls for each G of a grid. At the true ratio r, exp(sum) is a martingale
// with mean 1, below r a supermartingale for G > 1; so is the average over the grid, and Ville's inequality
// bounds the chance that it ever reaches 1/alpha by alpha. With 1/G in place of G it speaks against "canary
// is at least `margin` times worse". Source: reference "gates-and-playbooks" section 4(b).
//
// A regression need not be there from the start: with weight w_s the likelihood counts from poll s on, and
// the average over s is a martingale too. R_t = (R_{t-1} + w_t) l_t carries all starts in one number a grid
// point, and what has not started yet counts as it stands. Most weight is on the first poll; the rest falls
// as s^-1.5, so that a start at poll 40 costs 8 nats.
//
// The journal carries the sums from runner to runner and they must come out bit by bit the same: exact_math.
#include "gate/compare.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/text.hpp"
#include "gate/exact_math.hpp"
#include "gate/judging.hpp"

namespace tranche::gate {

namespace {

struct GridPoint {
  double factor;      // G
  double log;         // ln G
  double log_weight;  // of the point in the mixture
};
// Chosen by simulation (tests/bench/gates): 2x on a busy service is found within three polls as often as not,
// while under 1% of good releases fail in an hour; 1.2x is still found in time.
constexpr std::array<GridPoint, 5> grid{{
    {1.2, 0x1.7565011e49675p-3, -0x1.7f7427b73e391p+1},  // 0.05
    {1.6, 0x1.e148a1a2726cfp-2, -0x1.26bb1bbb55515p+1},  // 0.10
    {2.2, 0x1.93b0aee21c2c9p-1, -0x1.98d60031b821bp-1},  // 0.45
    {3, 0x1.193ea7aad030bp+0, -0x1.0cc1248b56cccp+0},    // 0.35
    {6, 0x1.cab0bfa2a2002p+0, -0x1.7f7427b73e391p+1},    // 0.05
}};
// For the certificate: a release as good as the baseline is 1/G of a margin of G, and margins are small.
constexpr std::array<GridPoint, 4> mirror_grid{{
    {1.25, 0x1.c8ff7c79a9a22p-3, -0x1.9c041f7ed8d33p+0},  // 0.2
    {1.5, 0x1.9f323ecbf984cp-2, -0x1.62e42fefa39efp-1},   // 0.5
    {2, 0x1.62e42fefa39efp-1, -0x1.9c041f7ed8d33p+0},     // 0.2
    {3, 0x1.193ea7aad030bp+0, -0x1.26bb1bbb55515p+1},     // 0.1
}};
constexpr std::size_t rising_point = 2;  // of the grid, for Page's statistic
constexpr double first_start = 0.85;     // weight of the first poll among the starts
constexpr double log_first_start = -0x1.4cd6b97964179p-3;
constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
constexpr double never_started = -1e300;  // ln 0, as JSON can hold it
constexpr double interval_alpha = 0.05;
constexpr double second_scale = 0.4;  // best for 1.5x at a log-sd of 0.6 within 60 polls

// Weight of the starts after `polls` polls.
double later_starts(double polls) { return (1 - first_start) * std::sqrt(2 / (polls + 1)); }
// ln of the weight of the start at poll `index`, counted from 0.
double log_start(std::int64_t index) {
  if (index == 0) return log_first_start;
  const auto before = static_cast<double>(index);
  return log_exact(later_starts(before) - later_starts(before + 1));
}

bool informative(const StratumCounts& counts) {
  return counts.canary.exposure > 0 && counts.control.exposure > 0;
}

// Chance that an event is the canary's when its rate is `ratio` times the control's.
double canary_share(const StratumCounts& counts, double ratio) {
  const double canary = counts.canary.exposure * ratio;
  return canary / (canary + counts.control.exposure);
}

// One poll's log likelihood ratios, over its strata.
struct Increments {
  std::array<double, grid.size()> worse{};
  std::array<double, mirror_grid.size()> not_worse{};
};

void add(Evidence& evidence, Increments& increments, const CompareConfig& config,
         const StratumCounts& counts) {
  const double canary_events = counts.canary.events;
  const double events = canary_events + counts.control.events;
  if (events > 0) {
    const double at_worse = canary_share(counts, config.worse_than);
    const double at_margin = canary_share(counts, config.margin);
    for (std::size_t i = 0; i < grid.size(); ++i) {
      const auto [factor, log, weight] = grid[i];
      increments.worse[i] += canary_events * log - events * log1p_exact(at_worse * (factor - 1));
    }
    for (std::size_t i = 0; i < mirror_grid.size(); ++i) {
      const auto [factor, log, weight] = mirror_grid[i];
      increments.not_worse[i] +=
          -canary_events * log - events * log1p_exact(-at_margin * ((factor - 1) / factor));
    }
  }
  evidence.canary.events += canary_events;
  evidence.canary.exposure += counts.canary.exposure;
  evidence.control.events += counts.control.events;
  evidence.control.exposure += counts.control.exposure;
  const double exposure = counts.canary.exposure + counts.control.exposure;
  const double share = counts.canary.exposure / exposure;
  evidence.weighted_canary += canary_events * (1 - share);
  evidence.weighted_control += counts.control.events * share;
  evidence.weighted_both += events * share * (1 - share);
}

// ln of the average over the grid of exp(sum), with `rest` of the weight still at 1.
template <std::size_t N>
double log_average(const std::vector<double>& sums, const std::array<GridPoint, N>& points, double rest) {
  if (sums.empty()) return 0;
  std::array<double, N> terms{};
  double largest = 0;  // ln 1, of the rest
  for (std::size_t i = 0; i < N; ++i) {
    terms[i] = sums[i] + points[i].log_weight;
    largest = std::max(largest, terms[i]);
  }
  double total = rest * exp_exact(-largest);
  for (const double term : terms) total += exp_exact(term - largest);
  // Against everything and nothing yet started: as little as a number can say.
  return total > 0 ? largest + log_exact(total) : -700;
}

// While the noise is not known yet it is taken as a log-sd of 0.6 a poll in each arm, which is a lot: so
// little is proved by one or two polls alone.
double assumed_variance(const Evidence& evidence) {
  return 2 * 0.6 * 0.6 / static_cast<double>(std::max<std::int64_t>(1, evidence.polls));
}
// The ratio of the totals against that noise.
double log_evidence_if_noisy(const Evidence& evidence, double boundary) {
  const double share = evidence.canary.exposure / (evidence.canary.exposure + evidence.control.exposure);
  // One event more, shared by exposure: no events say nothing.
  const double canary = evidence.canary.events + share;
  const double control = evidence.control.events + (1 - share);
  const double log_ratio =
      log_exact(canary * evidence.control.exposure / (control * evidence.canary.exposure)) - boundary;
  if (log_ratio <= 0) return minus_infinity;
  const double variance = assumed_variance(evidence) + 1 / canary + 1 / control;
  // Normal mixture over shifts ~ |N(0, 1)|, without the factor for its one side (at most 2).
  const double spread = 1 + 1 / variance;
  return -log_exact(spread) / 2 + log_ratio * log_ratio / (variance * variance * 2 * spread);
}

struct Weighed {
  double worse = 0, not_worse = 0;
};
// The evidence that counts.
Weighed weigh(const Evidence& evidence, const CompareConfig& config, Dispersion dispersion) {
  Weighed out;
  out.worse = log_average(evidence.worse, grid,
                          evidence.polls == 0 ? 1 : later_starts(static_cast<double>(evidence.polls)));
  out.not_worse = log_average(evidence.not_worse, mirror_grid, 0);
  if (dispersion == Dispersion::calm) return out;
  // The second test costs far more than the first and is asked only where it can matter.
  const double enough_worse = log_exact(1 / config.suspect_at),
               enough_pass = log_exact(1 / config.false_promotion);
  if (out.worse >= enough_worse) {
    const double boundary = log_exact(config.worse_than);
    double second = log_evidence_above(evidence.noise.ratios, boundary, second_scale);
    if (differences(evidence.noise) < 2.9)
      second = std::max(second, log_evidence_if_noisy(evidence, boundary));
    out.worse = std::min(out.worse, second);
  }
  if (out.not_worse >= enough_pass)
    out.not_worse = std::min(
        out.not_worse, log_evidence_below(evidence.noise.ratios, log_exact(config.margin), second_scale));
  return out;
}

// Asymptotic confidence sequence for the ratio: a normal mixture on the log of Mantel and Haenszel's ratio
// with Greenland and Robins' variance; where it is noisy, the interval of the second test.
void bound_ratio(Comparison& out, const Evidence& evidence) {
  out.ratio_low = 0;
  out.ratio_high = std::numeric_limits<double>::infinity();
  if (out.dispersion == Dispersion::noisy) {
    const MeanBounds bounds = mean_bounds(evidence.noise.ratios, interval_alpha);
    out.ratio_low = std::isfinite(bounds.lower) ? exp_exact(bounds.lower) : 0;
    if (std::isfinite(bounds.upper)) out.ratio_high = exp_exact(bounds.upper);
    return;
  }
  if (!(evidence.weighted_canary > 0 && evidence.weighted_control > 0)) return;
  double variance = evidence.weighted_both / (evidence.weighted_canary * evidence.weighted_control);
  if (out.dispersion == Dispersion::unknown) variance += assumed_variance(evidence);
  const double prior = 4;  // in units of information
  const double information = 1 / variance;
  const double width = std::sqrt((information + prior) / (information * information) *
                                 (log_exact((information + prior) / prior) - 2 * log_exact(interval_alpha)));
  out.ratio_low = out.ratio * exp_exact(-width);
  out.ratio_high = out.ratio * exp_exact(width);
}

// ", ratio 2.1x (1.4x to 3.2x)"
std::string ratio_text(const Comparison& comparison) {
  if (std::isnan(comparison.ratio)) return {};
  std::string out = fmt::format(", ratio {:.3g}x", comparison.ratio);
  if (comparison.ratio_low > 0 && std::isfinite(comparison.ratio_high))
    out += fmt::format(" ({:.2g}x to {:.2g}x)", comparison.ratio_low, comparison.ratio_high);
  return out;
}

doc::Value to_value(const ArmCounts& counts) {
  return doc::Value::object({{"events", counts.events}, {"exposure", counts.exposure}});
}
Result<ArmCounts> read_arm(const doc::Value& value, std::string_view key) {
  const doc::Value* arm = TRY(value.object_at(key));
  ArmCounts out;
  out.events = TRY(read_count(*arm, "events"));
  out.exposure = TRY(read_count(*arm, "exposure"));
  return out;
}
}  // namespace

Result<> check(const CompareConfig& config) {
  const auto ratio = [](double value) { return value >= 0.01 && value <= 100; };  // false for NaN
  const auto rate = [](double value) { return value > 0 && value <= 0.5; };
  if (!ratio(config.worse_than))
    return fail_hint(ErrorKind::invalid, "write a ratio from 0.01x to 100x; 1x is usual", "worse-than is {}x",
                     config.worse_than);
  if (!ratio(config.margin))
    return fail_hint(ErrorKind::invalid, "write a ratio from 0.01x to 100x; 1.5x is usual", "margin is {}x",
                     config.margin);
  if (config.margin < config.worse_than)
    return fail_hint(ErrorKind::invalid, "make margin at least worse-than",
                     "margin {}x is below worse-than {}x: one release could both fail and pass",
                     config.margin, config.worse_than);
  for (const auto& [name, value] :
       {std::pair<std::string_view, double>{"false-rollback", config.false_rollback},
        {"suspect-at", config.suspect_at},
        {"false-promotion", config.false_promotion}})
    if (!rate(value))
      return fail_hint(ErrorKind::invalid, "write a rate above 0% and at most 50%", "{} is {}%", name,
                       value * 100);
  if (config.suspect_at < config.false_rollback)
    return fail_hint(ErrorKind::invalid, "make suspect-at at least false-rollback",
                     "suspect-at {}% is below false-rollback {}%: a gate would fail before it is suspect",
                     config.suspect_at * 100, config.false_rollback * 100);
  return {};
}

bool Evidence::operator==(const Evidence& other) const {
  const auto same = [](const ArmCounts& a, const ArmCounts& b) {
    return a.events == b.events && a.exposure == b.exposure;
  };
  return worse == other.worse && not_worse == other.not_worse && same(canary, other.canary) &&
         same(control, other.control) && weighted_canary == other.weighted_canary &&
         weighted_control == other.weighted_control && weighted_both == other.weighted_both &&
         noise == other.noise && rising == other.rising && since == other.since && polls == other.polls &&
         empty_polls == other.empty_polls;
}

doc::Value to_value(const Evidence& evidence) {
  return doc::Value::object(
      {{"worse", numbers_to_value(evidence.worse)},
       {"not-worse", numbers_to_value(evidence.not_worse)},
       {"canary", to_value(evidence.canary)},
       {"control", to_value(evidence.control)},
       {"weighted-canary", evidence.weighted_canary},
       {"weighted-control", evidence.weighted_control},
       {"weighted-both", evidence.weighted_both},
       {"noise", to_value(evidence.noise)},
       {"rising", evidence.rising},
       {"since", evidence.since == Instant{} ? doc::Value("") : doc::Value(tranche::to_text(evidence.since))},
       {"polls", evidence.polls},
       {"empty-polls", evidence.empty_polls}});
}

Result<Evidence> evidence_from_value(const doc::Value& value) {
  Evidence out;
  out.worse = TRY(read_numbers(value, "worse", grid.size()));
  out.not_worse = TRY(read_numbers(value, "not-worse", mirror_grid.size()));
  if (out.worse.empty() != out.not_worse.empty())
    return broken_evidence("'worse' and 'not-worse' differ in length");
  out.canary = TRY(read_arm(value, "canary"));
  out.control = TRY(read_arm(value, "control"));
  out.weighted_canary = TRY(read_count(value, "weighted-canary"));
  out.weighted_control = TRY(read_count(value, "weighted-control"));
  out.weighted_both = TRY(read_count(value, "weighted-both"));
  const doc::Value* noise = TRY(value.object_at("noise"));
  out.noise = TRY(noise_from_value(*noise));
  out.rising = TRY(read_count(value, "rising"));
  const std::string since = TRY(value.text("since"));
  if (!since.empty()) out.since = TRY(parse_instant(since));
  out.polls = TRY(value.integer("polls"));
  out.empty_polls = TRY(value.integer("empty-polls"));
  if (out.polls < 0 || out.empty_polls < 0) return broken_evidence("a number of polls is negative");
  return out;
}

Result<> observe(Evidence& evidence, const CompareConfig& config, const Poll& poll, Instant at) {
  TRY(check(config));
  TRY(check_poll(poll));
  const std::size_t mirrored = evidence.worse.empty() ? 0 : mirror_grid.size();
  if (evidence.not_worse.size() != mirrored || (mirrored > 0 && evidence.worse.size() != grid.size()))
    return fail(ErrorKind::bug, "gate evidence has {} and {} sums", evidence.worse.size(),
                evidence.not_worse.size());
  Increments increments;
  bool any = false;
  for (const auto& [stratum, counts] : poll) {
    if (!informative(counts)) continue;
    any = true;
    add(evidence, increments, config, counts);
    observe_stratum(
        evidence.noise, stratum,
        {counts.canary.events, counts.canary.exposure, counts.control.events, counts.control.exposure});
  }
  if (!any) {
    ++evidence.empty_polls;
    return {};
  }
  evidence.worse.resize(grid.size(), never_started);
  evidence.not_worse.resize(mirror_grid.size());
  end_poll(evidence.noise);
  const double start = log_start(evidence.polls);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    evidence.worse[i] = log_add_exact(evidence.worse[i], start) + increments.worse[i];
  }
  for (std::size_t i = 0; i < mirror_grid.size(); ++i) evidence.not_worse[i] += increments.not_worse[i];
  evidence.rising += increments.worse[rising_point];
  if (!(evidence.rising > 0)) {
    evidence.rising = 0;
    evidence.since = at;
  }
  ++evidence.polls;
  return {};
}

Comparison judge(const Evidence& evidence, const CompareConfig& config, bool in_words) {
  Comparison out;
  out.ratio = evidence.weighted_canary > 0 && evidence.weighted_control > 0
                  ? evidence.weighted_canary / evidence.weighted_control
                  : std::numeric_limits<double>::quiet_NaN();
  if (evidence.polls == 0) {
    out.verdict = Verdict::no_data;
    out.explanation = fmt::format("no poll of {} had exposure in both arms", evidence.empty_polls);
    return out;
  }
  out.dispersion = judge_noise(evidence.noise, config.false_rollback);
  const Weighed weighed = weigh(evidence, config, out.dispersion);
  out.log_evidence_worse = weighed.worse;
  out.log_evidence_not_worse = weighed.not_worse;
  out.verdict = decide(config, out.log_evidence_worse, out.log_evidence_not_worse);
  // The certificate speaks of all polls since the first. Where the rate has risen since, it is out of date.
  const bool risen = out.verdict == Verdict::pass && evidence.rising >= log_exact(1 / config.false_promotion);
  if (risen) out.verdict = Verdict::inconclusive;
  if (!in_words) return out;
  bound_ratio(out, evidence);
  out.explanation =
      fmt::format("canary {:.6g} events in {:.6g}, control {:.6g} in {:.6g}{}; {}", evidence.canary.events,
                  evidence.canary.exposure, evidence.control.events, evidence.control.exposure,
                  ratio_text(out), evidence_text(config, out.log_evidence_worse, out.log_evidence_not_worse));
  if (risen) out.explanation += "; the canary's rate seems to have risen of late";
  if (out.dispersion == Dispersion::noisy)
    out.explanation += fmt::format(
        "; counts scatter {:.2g} times as much as chance alone would, so a test that "
        "measures the noise must agree",
        dispersion(evidence.noise));
  return out;
}

}  // namespace tranche::gate
