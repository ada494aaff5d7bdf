#include "gate/judging.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "gate/exact_math.hpp"

namespace tranche::gate {

namespace {

bool is_count(double value) { return value >= 0 && value <= largest_count; }  // false for NaN

Result<> check_arm(const std::string& stratum, const ArmCounts& arm, const std::vector<double>& bounds) {
  const auto refuse = [&](std::string_view what, double value) {
    return fail_hint(ErrorKind::invalid, "look at the gate's queries: counts are increments, never negative",
                     "stratum '{}' has the {} {}", printable(stratum, 40), what, value);
  };
  if (!is_count(arm.events)) return refuse("count", arm.events);
  if (!is_count(arm.exposure)) return refuse("count", arm.exposure);
  for (const double count : arm.buckets)
    if (!is_count(count)) return refuse("bucket count", count);
  for (const double value : arm.values)
    if (!is_count(value)) return refuse("value", value);
  if (arm.values.size() > largest_sample)
    return fail_hint(ErrorKind::invalid, "ask for a histogram, or for shorter windows",
                     "stratum '{}' has {} values in one poll; {} is the most", printable(stratum, 40),
                     arm.values.size(), largest_sample);
  if (!arm.buckets.empty() && arm.buckets.size() != bounds.size())
    return fail_hint(ErrorKind::invalid, "look at the gate's query: both arms need the same buckets",
                     "stratum '{}' has {} bucket counts for {} bounds", printable(stratum, 40),
                     arm.buckets.size(), bounds.size());
  return {};
}

}  // namespace

Result<> check_poll(const Poll& poll) {
  for (const auto& [stratum, counts] : poll) {
    if (counts.bounds.size() > largest_bounds)
      return fail_hint(ErrorKind::invalid, "ask for a coarser histogram",
                       "stratum '{}' has {} buckets; {} is the most", printable(stratum, 40),
                       counts.bounds.size(), largest_bounds);
    for (std::size_t i = 0; i < counts.bounds.size(); ++i) {
      const bool last = i + 1 == counts.bounds.size();
      const double bound = counts.bounds[i];
      if (std::isnan(bound) || (i > 0 && !(bound > counts.bounds[i - 1])) || std::isinf(bound) != last ||
          (last && bound < 0))
        return fail_hint(ErrorKind::invalid, "bucket bounds grow, and the last is +Inf",
                         "stratum '{}' has the bucket bound {} in place {}", printable(stratum, 40), bound,
                         i + 1);
    }
    TRY(check_arm(stratum, counts.canary, counts.bounds));
    TRY(check_arm(stratum, counts.control, counts.bounds));
  }
  return {};
}

Verdict decide(const CompareConfig& config, double log_worse, double log_not_worse) {
  if (log_worse >= log_exact(1 / config.false_rollback)) return Verdict::fail;
  if (log_worse >= log_exact(1 / config.suspect_at)) return Verdict::suspect;
  if (log_not_worse >= log_exact(1 / config.false_promotion)) return Verdict::pass;
  return Verdict::inconclusive;
}

std::string odds_text(double log_evidence) {
  if (log_evidence > 13.8) return "over 1000000";
  return fmt::format("{:.3g}", exp_exact(log_evidence));
}

std::string evidence_text(const CompareConfig& config, double log_worse, double log_not_worse) {
  return fmt::format(
      "evidence for worse than {:.4g}x is {} ({:.4g} fails), for not worse than {:.4g}x is {} ({:.4g} "
      "passes)",
      config.worse_than, odds_text(log_worse), 1 / config.false_rollback, config.margin,
      odds_text(log_not_worse), 1 / config.false_promotion);
}

std::unexpected<Error> broken_evidence(std::string_view what) {
  return fail_hint(ErrorKind::invalid,
                   "the journal entry was not written by this program; run 'tranche journal verify'",
                   "gate evidence: {}", what);
}

doc::Value numbers_to_value(const std::vector<double>& numbers) {
  doc::Array out;
  out.reserve(numbers.size());
  for (const double number : numbers) out.emplace_back(number);
  return out;
}

Result<std::vector<double>> read_numbers(const doc::Value& value, std::string_view key, std::size_t size) {
  const doc::Value* array = TRY(value.array_at(key));
  if (!array->as_array().empty() && array->as_array().size() != size)
    return broken_evidence(fmt::format("'{}' has {} entries, not {}", key, array->as_array().size(), size));
  std::vector<double> out;
  for (const doc::Value& item : array->as_array()) {
    if (!item.is_number() || !std::isfinite(item.as_double()))
      return broken_evidence(fmt::format("'{}' holds something that is no number", key));
    out.push_back(item.as_double());
  }
  return out;
}

Result<double> read_count(const doc::Value& value, std::string_view key) {
  const double count = TRY(value.number(key));
  if (!std::isfinite(count) || count < 0) return broken_evidence(fmt::format("'{}' is no count", key));
  return count;
}

Result<std::int64_t> read_tally(const doc::Value& value, std::string_view key) {
  const std::int64_t tally = TRY(value.integer(key));
  if (tally < 0) return broken_evidence(fmt::format("'{}' is negative", key));
  return tally;
}

void add_started(std::vector<double>& logs, std::int64_t polls, const std::vector<double>& gains) {
  const double t = static_cast<double>(polls);
  const double log_weight = -log_exact(t) - log_exact(t + 1);
  if (logs.empty()) logs.assign(gains.size(), -std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < gains.size(); ++i) logs[i] = log_add_exact(logs[i], log_weight) + gains[i];
}

double log_started(const std::vector<double>& logs, std::int64_t polls) {
  if (logs.empty()) return 0;
  double total = -std::numeric_limits<double>::infinity();
  for (const double log : logs) total = log_add_exact(total, log);
  return log_add_exact(total - log_exact(static_cast<double>(logs.size())),
                       -log_exact(static_cast<double>(polls) + 1));
}

}  // namespace tranche::gate
