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
// The journal carries the sums from runner to runner and they must come out bit by bit the same. libm's last
// bit differs between versions and processors, so the sums use + - * / only: ln G are constants and log1p is
// computed here.
#include "gate/compare.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/text.hpp"

namespace tranche::gate {

namespace {

struct GridPoint {
  double factor;  // G
  double log;     // ln G
};
constexpr std::array<GridPoint, 8> grid{{
    {1.1, 0x1.8663f793c46ccp-4},
    {1.25, 0x1.c8ff7c79a9a22p-3},
    {1.5, 0x1.9f323ecbf984cp-2},
    {2, 0x1.62e42fefa39efp-1},
    {3, 0x1.193ea7aad030bp+0},
    {5, 0x1.9c041f7ed8d33p+0},
    {10, 0x1.26bb1bbb55516p+1},
    {20, 0x1.7f7427b73e391p+1},
}};
constexpr double log_weight = -0x1.0a2b23f3bab73p+1;  // ln(1/8)
constexpr double ln2 = 0x1.62e42fefa39efp-1;
constexpr double largest_count = 1e12;  // sums of a million polls stay exact integers

// ln(1 + x) for x > -1 within 2 ulp, by IEEE's basic operations: u = 1 + x = m 2^k with m in [sqrt 1/2, sqrt
// 2), ln m = 2 atanh((m - 1) / (m + 1)) by its series, and c/u repairs the rounding of 1 + x.
double log_of_one_plus(double x) {
  const double u = 1 + x;
  const double correction = u >= 2 ? (1 - (u - x)) / u : (x - (u - 1)) / u;
  int k = 0;
  double m = std::frexp(u, &k);  // exact; m in [1/2, 1)
  if (m < 0x1.6a09e667f3bcdp-1) {
    m *= 2;
    --k;
  }
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  double series = 0;
  for (int n = 25; n >= 1; n -= 2) series = series * z + 1.0 / n;
  return k * ln2 + (2 * s * series + correction);
}

bool is_count(double value) { return std::isfinite(value) && value >= 0 && value <= largest_count; }

bool informative(const StratumCounts& counts) {
  return counts.canary.exposure > 0 && counts.control.exposure > 0;
}

// Chance that an event is the canary's when its rate is `ratio` times the control's.
double canary_share(const StratumCounts& counts, double ratio) {
  const double canary = counts.canary.exposure * ratio;
  return canary / (canary + counts.control.exposure);
}

void add(Evidence& evidence, const CompareConfig& config, const StratumCounts& counts) {
  const double canary_events = counts.canary.events;
  const double events = canary_events + counts.control.events;
  if (events > 0) {
    const double at_worse = canary_share(counts, config.worse_than);
    const double at_margin = canary_share(counts, config.margin);
    for (std::size_t i = 0; i < grid.size(); ++i) {
      const auto [factor, log] = grid[i];
      evidence.worse[i] += canary_events * log - events * log_of_one_plus(at_worse * (factor - 1));
      evidence.not_worse[i] +=
          -canary_events * log - events * log_of_one_plus(-at_margin * ((factor - 1) / factor));
    }
  }
  evidence.canary.events += counts.canary.events;
  evidence.canary.exposure += counts.canary.exposure;
  evidence.control.events += counts.control.events;
  evidence.control.exposure += counts.control.exposure;
  const double exposure = counts.canary.exposure + counts.control.exposure;
  evidence.weighted_canary += counts.canary.events * (counts.control.exposure / exposure);
  evidence.weighted_control += counts.control.events * (counts.canary.exposure / exposure);
}

// ln of the average over the grid of exp(sum).
double log_average(const std::vector<double>& sums) {
  if (sums.empty()) return 0;
  const double largest = *std::max_element(sums.begin(), sums.end());
  double total = 0;
  for (const double sum : sums) total += std::exp(sum - largest);
  return largest + std::log(total) + log_weight;
}

// Evidence as a plain number: 1 is none, 100 is a hundred to one.
std::string odds(double log_evidence) {
  if (log_evidence > std::log(1e6)) return "over 1000000";
  return fmt::format("{:.3g}", std::exp(log_evidence));
}

doc::Value to_value(const ArmCounts& counts) {
  return doc::Value::object({{"events", counts.events}, {"exposure", counts.exposure}});
}
doc::Value to_value(const std::vector<double>& numbers) {
  doc::Array out;
  for (const double number : numbers) out.emplace_back(number);
  return out;
}

std::unexpected<Error> broken(std::string_view what) {
  return fail_hint(ErrorKind::invalid,
                   "the journal entry was not written by this program; run 'tranche journal verify'",
                   "gate evidence: {}", what);
}

Result<double> read_count(const doc::Value& value, std::string_view key) {
  const double count = TRY(value.number(key));
  // Sums of many polls may pass the bound of one.
  if (!std::isfinite(count) || count < 0) return broken(fmt::format("'{}' is no count", key));
  return count;
}
Result<ArmCounts> read_arm(const doc::Value& value, std::string_view key) {
  const doc::Value* arm = TRY(value.object_at(key));
  ArmCounts out;
  out.events = TRY(read_count(*arm, "events"));
  out.exposure = TRY(read_count(*arm, "exposure"));
  return out;
}
Result<std::vector<double>> read_sums(const doc::Value& value, std::string_view key) {
  const doc::Value* array = TRY(value.array_at(key));
  std::vector<double> out;
  for (const doc::Value& item : array->as_array()) {
    if (!item.is_number() || !std::isfinite(item.as_double()))
      return broken(fmt::format("'{}' holds something that is no number", key));
    out.push_back(item.as_double());
  }
  if (!out.empty() && out.size() != grid.size())
    return broken(fmt::format("'{}' has {} entries, not {}", key, out.size(), grid.size()));
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
         weighted_control == other.weighted_control && polls == other.polls &&
         empty_polls == other.empty_polls;
}

doc::Value to_value(const Evidence& evidence) {
  return doc::Value::object({{"worse", to_value(evidence.worse)},
                             {"not-worse", to_value(evidence.not_worse)},
                             {"canary", to_value(evidence.canary)},
                             {"control", to_value(evidence.control)},
                             {"weighted-canary", evidence.weighted_canary},
                             {"weighted-control", evidence.weighted_control},
                             {"polls", evidence.polls},
                             {"empty-polls", evidence.empty_polls}});
}

Result<Evidence> evidence_from_value(const doc::Value& value) {
  Evidence out;
  out.worse = TRY(read_sums(value, "worse"));
  out.not_worse = TRY(read_sums(value, "not-worse"));
  if (out.worse.size() != out.not_worse.size()) return broken("'worse' and 'not-worse' differ in length");
  out.canary = TRY(read_arm(value, "canary"));
  out.control = TRY(read_arm(value, "control"));
  out.weighted_canary = TRY(read_count(value, "weighted-canary"));
  out.weighted_control = TRY(read_count(value, "weighted-control"));
  out.polls = TRY(value.integer("polls"));
  out.empty_polls = TRY(value.integer("empty-polls"));
  if (out.polls < 0 || out.empty_polls < 0) return broken("a number of polls is negative");
  return out;
}

Result<> observe(Evidence& evidence, const CompareConfig& config, const Poll& poll) {
  TRY(check(config));
  for (const auto& [stratum, counts] : poll)
    for (const double count :
         {counts.canary.events, counts.canary.exposure, counts.control.events, counts.control.exposure})
      if (!is_count(count))
        return fail_hint(ErrorKind::invalid,
                         "look at the gate's queries: counts are increments, never negative",
                         "stratum '{}' has the count {}", printable(stratum, 40), count);
  if (evidence.worse.size() != evidence.not_worse.size() ||
      (!evidence.worse.empty() && evidence.worse.size() != grid.size()))
    return fail(ErrorKind::bug, "gate evidence has {} and {} sums", evidence.worse.size(),
                evidence.not_worse.size());
  evidence.worse.resize(grid.size());
  evidence.not_worse.resize(grid.size());
  bool any = false;
  for (const auto& [stratum, counts] : poll) {
    if (!informative(counts)) continue;
    any = true;
    add(evidence, config, counts);
  }
  ++(any ? evidence.polls : evidence.empty_polls);
  return {};
}

Comparison judge(const Evidence& evidence, const CompareConfig& config) {
  Comparison out;
  out.log_evidence_worse = log_average(evidence.worse);
  out.log_evidence_not_worse = log_average(evidence.not_worse);
  out.ratio = evidence.weighted_canary > 0 && evidence.weighted_control > 0
                  ? evidence.weighted_canary / evidence.weighted_control
                  : std::numeric_limits<double>::quiet_NaN();
  if (evidence.polls == 0) {
    out.verdict = Verdict::no_data;
    out.explanation = fmt::format("no poll of {} had exposure in both arms", evidence.empty_polls);
    return out;
  }
  const double fail_at = std::log(1 / config.false_rollback);
  const double suspect_at = std::log(1 / config.suspect_at);
  const double pass_at = std::log(1 / config.false_promotion);
  if (out.log_evidence_worse >= fail_at)
    out.verdict = Verdict::fail;
  else if (out.log_evidence_worse >= suspect_at)
    out.verdict = Verdict::suspect;
  else if (out.log_evidence_not_worse >= pass_at)
    out.verdict = Verdict::pass;
  else
    out.verdict = Verdict::inconclusive;
  out.explanation = fmt::format(
      "canary {:.6g} events in {:.6g}, control {:.6g} in {:.6g}{}; evidence for worse than {:.4g}x is {} "
      "({:.4g} fails), for not worse than {:.4g}x is {} ({:.4g} passes)",
      evidence.canary.events, evidence.canary.exposure, evidence.control.events, evidence.control.exposure,
      std::isnan(out.ratio) ? "" : fmt::format(", ratio {:.3g}x", out.ratio), config.worse_than,
      odds(out.log_evidence_worse), 1 / config.false_rollback, config.margin,
      odds(out.log_evidence_not_worse), 1 / config.false_promotion);
  return out;
}

}  // namespace tranche::gate
