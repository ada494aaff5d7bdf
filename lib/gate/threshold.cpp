// Argo's counting of measurements, with no-data as an answer of its own.
//
// Phases of one measurement (reference "gates-and-playbooks" section 1, EvaluateResult): success condition
// only: S ? successful : failed; failure condition only: F ? failed : successful; both: failure wins, neither
// is inconclusive. What cannot be evaluated is an error. Errors do not count towards `count`. Limits are
// strict. Argo ends a metric at the first limit that it exceeds; here a series goes on after inconclusive and
// error, so failed is looked at first: a failure must not hide behind an outage that came later.
#include "gate/threshold.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace tranche::gate {

namespace {

std::string in_words(const std::vector<double>& values) {
  constexpr std::size_t shown = 5;
  std::string out;
  for (std::size_t i = 0; i < std::min(values.size(), shown); ++i)
    out += fmt::format("{}{:.6g}", i == 0 ? "" : ", ", values[i]);
  if (values.size() > shown) out += fmt::format(" and {} more", values.size() - shown);
  return values.size() == 1 ? out : "[" + out + "]";
}

bool exceeds(std::int64_t count, std::int64_t limit) { return limit >= 0 && count > limit; }

void count_no_data(Counters& counters, bool fails) {
  ++counters.no_data;
  ++counters.consecutive_no_data;
  counters.consecutive_success = 0;
  counters.consecutive_error = 0;
  if (fails) ++counters.failed;
  counters.last = "no data";
}

void count_error(Counters& counters, std::string_view why) {
  ++counters.error;
  ++counters.consecutive_error;
  counters.consecutive_success = 0;
  counters.consecutive_no_data = 0;
  counters.last = "error: " + printable(why);
}

}  // namespace

Result<> check(const ThresholdConfig& config) {
  if (config.success_condition.empty() && config.failure_condition.empty())
    return fail_hint(ErrorKind::invalid, "add success-condition: result < 2.5",
                     "a threshold gate without a condition would always pass");
  for (const std::string* text : {&config.success_condition, &config.failure_condition})
    if (!text->empty()) TRY(Condition::compile(*text));
  if (config.count < 0) return fail_hint(ErrorKind::invalid, "write 0 or more", "count is {}", config.count);
  for (const auto& [name, limit] :
       {std::pair<std::string_view, std::int64_t>{"failure-limit", config.failure_limit},
        {"inconclusive-limit", config.inconclusive_limit},
        {"consecutive-error-limit", config.consecutive_error_limit}})
    if (limit < -1)
      return fail_hint(ErrorKind::invalid, "write 0 or more, or -1 for no limit", "{} is {}", name, limit);
  return {};
}

doc::Value to_value(const Counters& counters) {
  return doc::Value::object({{"successful", counters.successful},
                             {"failed", counters.failed},
                             {"inconclusive", counters.inconclusive},
                             {"error", counters.error},
                             {"no-data", counters.no_data},
                             {"consecutive-error", counters.consecutive_error},
                             {"consecutive-success", counters.consecutive_success},
                             {"consecutive-no-data", counters.consecutive_no_data},
                             {"last", counters.last}});
}

Result<Counters> counters_from_value(const doc::Value& value) {
  Counters out;
  for (const auto& [key, count] : {std::pair<std::string_view, std::int64_t*>{"successful", &out.successful},
                                   {"failed", &out.failed},
                                   {"inconclusive", &out.inconclusive},
                                   {"error", &out.error},
                                   {"no-data", &out.no_data},
                                   {"consecutive-error", &out.consecutive_error},
                                   {"consecutive-success", &out.consecutive_success},
                                   {"consecutive-no-data", &out.consecutive_no_data}}) {
    *count = TRY(value.integer(key));
    if (*count < 0)
      return fail_hint(ErrorKind::invalid,
                       "the journal entry was not written by this program; run 'tranche journal verify'",
                       "gate counters: '{}' is negative", key);
  }
  out.last = TRY(value.text("last"));
  return out;
}

Result<> observe(Counters& counters, const ThresholdConfig& config, const Measurement& measurement) {
  TRY(check(config));
  if (!measurement.error.empty()) {
    count_error(counters, measurement.error);
    return {};
  }
  std::optional<Condition> success, failure;
  if (!config.success_condition.empty()) success = TRY(Condition::compile(config.success_condition));
  if (!config.failure_condition.empty()) failure = TRY(Condition::compile(config.failure_condition));

  const bool asks = (success && success->asks_for_nan()) || (failure && failure->asks_for_nan());
  const bool all_nan = std::all_of(measurement.values.begin(), measurement.values.end(),
                                   [](double value) { return std::isnan(value); });
  if (!measurement.has_data || measurement.values.empty() || (all_nan && !asks)) {
    count_no_data(counters, config.no_data_fails);
    return {};
  }

  const auto holds = [&](const std::optional<Condition>& condition) -> Result<bool> {
    if (!condition) return false;
    return condition->evaluate(measurement.values, measurement.scalar);
  };
  const Result<bool> succeeded = holds(success), went_wrong = holds(failure);
  for (const Result<bool>* result : {&succeeded, &went_wrong})
    if (!result->has_value()) {
      count_error(counters, result->error().message);
      return {};
    }
  counters.consecutive_error = 0;
  counters.consecutive_no_data = 0;
  const std::string values = in_words(measurement.values);
  if (*went_wrong || (success && !failure && !*succeeded)) {
    ++counters.failed;
    counters.consecutive_success = 0;
    counters.last = "failed: " + values;
  } else if (success && !*succeeded) {
    ++counters.inconclusive;
    counters.consecutive_success = 0;
    counters.last = "inconclusive: " + values;
  } else {
    ++counters.successful;
    ++counters.consecutive_success;
    counters.last = "successful: " + values;
  }
  return {};
}

ThresholdJudgement judge(const Counters& counters, const ThresholdConfig& config) {
  const std::int64_t measured = counters.successful + counters.failed + counters.inconclusive;
  const std::string summary =
      fmt::format("{} successful, {} failed, {} inconclusive, {} errors, {} without data; last: {}",
                  counters.successful, counters.failed, counters.inconclusive, counters.error,
                  counters.no_data, counters.last.empty() ? "none yet" : counters.last);
  const auto say = [&](Verdict verdict, const std::string& why) {
    return ThresholdJudgement{verdict, why + " (" + summary + ")"};
  };
  if (exceeds(counters.failed, config.failure_limit))
    return say(Verdict::fail, fmt::format("{} failed measurements exceed failure-limit {}", counters.failed,
                                          config.failure_limit));
  if (exceeds(counters.consecutive_error, config.consecutive_error_limit))
    return say(Verdict::no_data, fmt::format("{} errors in a row exceed consecutive-error-limit {}",
                                             counters.consecutive_error, config.consecutive_error_limit));
  if (exceeds(counters.inconclusive, config.inconclusive_limit))
    return say(Verdict::inconclusive, fmt::format("{} inconclusive measurements exceed inconclusive-limit {}",
                                                  counters.inconclusive, config.inconclusive_limit));
  if (counters.consecutive_error > 0)
    return say(Verdict::no_data, "the latest measurement could not be made");
  if (counters.consecutive_no_data > 0) return say(Verdict::no_data, "the latest measurement had no data");
  if (measured == 0) return say(Verdict::no_data, "nothing was measured yet");
  if (config.count > 0) {
    if (measured < config.count)
      return say(Verdict::inconclusive, fmt::format("{} of {} measurements made", measured, config.count));
    if (counters.successful == 0)
      return say(Verdict::inconclusive, fmt::format("all {} measurements made, none successful", measured));
    return say(Verdict::pass, fmt::format("all {} measurements made, no limit exceeded", config.count));
  }
  if (counters.consecutive_success > 0)
    return say(Verdict::pass, "the latest measurement was successful, no limit exceeded");
  return say(Verdict::inconclusive, "the latest measurement was not successful");
}

}  // namespace tranche::gate
