// Argo's counting of measurements, with no-data as an answer of its own.
//
// Phases of one measurement (reference "gates-and-playbooks" section 1, EvaluateResult): success condition
// only: S ? successful : failed; failure condition only: F ? failed : successful; both: failure wins, neither
// is inconclusive. What cannot be evaluated is an error. Errors do not count towards `count`. Limits are
// strict.
#include "gate/threshold.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::gate {

namespace {

std::string in_words(const doc::Value& result) {
  constexpr std::size_t shown = 5;
  if (result.is_number()) return fmt::format("{:.6g}", result.as_double());
  const bool numbers = result.is_array() && std::all_of(result.as_array().begin(), result.as_array().end(),
                                                        [](const doc::Value& v) { return v.is_number(); });
  if (!numbers) return printable(doc::to_json(result), 120);
  const doc::Array& values = result.as_array();
  std::string out;
  for (std::size_t i = 0; i < std::min(values.size(), shown); ++i)
    out += fmt::format("{}{:.6g}", i == 0 ? "" : ", ", values[i].as_double());
  if (values.size() > shown) out += fmt::format(" and {} more", values.size() - shown);
  return values.size() == 1 ? out : "[" + out + "]";
}

bool exceeds(std::int64_t count, std::int64_t limit) { return limit >= 0 && count > limit; }

void count_no_data(Counters& counters, bool fails, std::string_view why) {
  ++counters.no_data;
  ++counters.consecutive_no_data;
  counters.consecutive_success = 0;
  counters.consecutive_error = 0;
  if (fails) ++counters.failed;
  counters.last = "no data: " + std::string(why);
}

void count_error(Counters& counters, std::string_view why) {
  ++counters.error;
  ++counters.consecutive_error;
  counters.consecutive_success = 0;
  counters.consecutive_no_data = 0;
  counters.last = "error: " + printable(why);
}

std::int64_t measured(const Counters& counters) {
  return counters.successful + counters.failed + counters.inconclusive;
}

// What one answer means. no_data is none of Argo's phases.
enum class Answer { successful, failed, inconclusive, no_data };

Answer classify(std::optional<Truth> success, std::optional<Truth> failure, bool empty) {
  if (failure == Truth::yes) return Answer::failed;
  if (success == Truth::unknown || failure == Truth::unknown) return Answer::no_data;
  if (success == Truth::no) {
    if (empty) return Answer::no_data;  // its absence is not the release's fault
    return failure ? Answer::inconclusive : Answer::failed;
  }
  return Answer::successful;
}

}  // namespace

Result<> check(const ThresholdConfig& config) {
  if (config.success_condition.empty() && config.failure_condition.empty() && !config.strict)
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
  if (config.consecutive_success_limit < 0)
    return fail_hint(ErrorKind::invalid, "write 0 for none, or how many in a row are enough",
                     "consecutive-success-limit is {}", config.consecutive_success_limit);
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

doc::Value result_of(const Measurement& measurement) {
  if (measurement.answer) return *measurement.answer;
  if (measurement.scalar && measurement.values.size() == 1) return measurement.values.front();
  doc::Array list;
  for (const double value : measurement.values) list.emplace_back(value);
  return doc::Value(std::move(list));
}

Result<> observe(Counters& counters, const ThresholdConfig& config, const Measurement& measurement) {
  TRY(check(config));
  if (is_complete(counters, config)) return {};
  if (!measurement.error.empty()) {
    count_error(counters, measurement.error);
    return {};
  }
  const doc::Value result = result_of(measurement);
  const bool empty = result.is_null() || (result.is_array() && result.as_array().empty());
  std::optional<Truth> success, failure;
  bool accepts_nothing = false;
  for (const auto& [text, truth] :
       {std::pair{&config.success_condition, &success}, {&config.failure_condition, &failure}}) {
    if (text->empty()) continue;
    const Condition condition = TRY(Condition::compile(*text));
    accepts_nothing = accepts_nothing || condition.accepts_nothing();
    const Result<Truth> got = condition.evaluate(result, config.strict);
    if (got) {
      *truth = *got;
    } else if (empty && !config.strict) {
      *truth = Truth::unknown;
    } else {
      count_error(counters, empty ? "the query gave no data: " + got.error().message : got.error().message);
      return {};
    }
  }
  const std::string words = in_words(result);
  const bool nothing = empty && !config.strict;
  const Answer answer = nothing && !accepts_nothing ? Answer::no_data : classify(success, failure, nothing);
  if (answer == Answer::no_data) {
    count_no_data(counters, config.no_data_fails,
                  empty ? "the answer is empty" : "the condition compares NaN in " + words);
    return {};
  }
  counters.consecutive_error = 0;
  counters.consecutive_no_data = 0;
  switch (answer) {
    case Answer::failed:
      ++counters.failed;
      counters.consecutive_success = 0;
      counters.last = "failed: " + words;
      break;
    case Answer::inconclusive:
      ++counters.inconclusive;
      counters.consecutive_success = 0;
      counters.last = "inconclusive: " + words;
      break;
    default:
      ++counters.successful;
      ++counters.consecutive_success;
      counters.last = "successful: " + words;
      break;
  }
  return {};
}

std::string_view to_text(Phase phase) {
  switch (phase) {
    case Phase::pending:
      return "Pending";
    case Phase::running:
      return "Running";
    case Phase::successful:
      return "Successful";
    case Phase::inconclusive:
      return "Inconclusive";
    case Phase::error:
      return "Error";
    default:
      return "Failed";
  }
}

Phase assess(const Counters& counters, const ThresholdConfig& config) {
  std::optional<Phase> ended;
  if (exceeds(counters.failed, config.failure_limit)) ended = Phase::failed;
  if (exceeds(counters.inconclusive, config.inconclusive_limit)) ended = Phase::inconclusive;
  if (exceeds(counters.consecutive_error, config.consecutive_error_limit)) ended = Phase::error;
  if (ended) return *ended;
  const bool by_success = config.consecutive_success_limit > 0;
  if (by_success && counters.consecutive_success >= config.consecutive_success_limit)
    return Phase::successful;
  if (config.count > 0 && measured(counters) >= config.count) {
    if (!by_success) return Phase::successful;
    return config.failure_limit >= 0 ? Phase::inconclusive : Phase::failed;
  }
  return measured(counters) + counters.error + counters.no_data == 0 ? Phase::pending : Phase::running;
}

bool is_complete(const Counters& counters, const ThresholdConfig& config) {
  if (config.strict) return assess(counters, config) > Phase::running;
  if (config.consecutive_success_limit > 0 &&
      counters.consecutive_success >= config.consecutive_success_limit)
    return true;
  return exceeds(counters.failed, config.failure_limit) ||
         (config.count > 0 && measured(counters) >= config.count);
}

Duration wait_after(const Counters& counters, Duration interval) {
  return counters.consecutive_error > 0 ? std::chrono::seconds(10) : interval;
}

namespace {

std::string because_of(Phase phase, const Counters& counters, const ThresholdConfig& config) {
  switch (phase) {
    case Phase::failed:
      if (exceeds(counters.failed, config.failure_limit))
        return fmt::format("{} failed measurements exceed failure-limit {}", counters.failed,
                           config.failure_limit);
      break;
    case Phase::inconclusive:
      if (exceeds(counters.inconclusive, config.inconclusive_limit))
        return fmt::format("{} inconclusive measurements exceed inconclusive-limit {}", counters.inconclusive,
                           config.inconclusive_limit);
      break;
    case Phase::error:
      return fmt::format("{} errors in a row exceed consecutive-error-limit {}", counters.consecutive_error,
                         config.consecutive_error_limit);
    case Phase::successful:
      if (config.consecutive_success_limit > 0)
        return fmt::format("{} successful measurements in a row", counters.consecutive_success);
      return fmt::format("all {} measurements made, no limit exceeded", config.count);
    default:
      break;
  }
  return fmt::format("all {} measurements made, never {} successful ones in a row", config.count,
                     config.consecutive_success_limit);
}

ThresholdJudgement judge_strictly(const Counters& counters, const ThresholdConfig& config) {
  const Phase phase = assess(counters, config);
  switch (phase) {
    case Phase::successful:
      return {Verdict::pass, because_of(phase, counters, config)};
    case Phase::inconclusive:
      return {Verdict::inconclusive, because_of(phase, counters, config)};
    case Phase::failed:
      return {Verdict::fail, because_of(phase, counters, config)};
    case Phase::error:
      return {Verdict::fail, "Error: " + because_of(phase, counters, config)};
    default:
      break;
  }
  if (counters.consecutive_error > 0) return {Verdict::no_data, "the latest measurement could not be made"};
  if (measured(counters) == 0) return {Verdict::no_data, "nothing was measured yet"};
  if (config.count > 0)
    return {Verdict::inconclusive,
            fmt::format("{} of {} measurements made", measured(counters), config.count)};
  if (config.consecutive_success_limit > 0)
    return {Verdict::inconclusive,
            fmt::format("{} of {} successful measurements in a row", counters.consecutive_success,
                        config.consecutive_success_limit)};
  if (counters.consecutive_success > 0)
    return {Verdict::pass, "the latest measurement was successful, no limit exceeded"};
  return {Verdict::inconclusive, "the latest measurement was not successful"};
}

// A series goes on after errors and inconclusive measurements, so failed is looked at first: a failure must
// not hide behind an outage that came later.
ThresholdJudgement judge_safely(const Counters& counters, const ThresholdConfig& config) {
  if (exceeds(counters.failed, config.failure_limit))
    return {Verdict::fail, because_of(Phase::failed, counters, config)};
  if (exceeds(counters.consecutive_error, config.consecutive_error_limit))
    return {Verdict::no_data, because_of(Phase::error, counters, config)};
  if (exceeds(counters.inconclusive, config.inconclusive_limit))
    return {Verdict::inconclusive, because_of(Phase::inconclusive, counters, config)};
  if (is_complete(counters, config)) {
    if (counters.successful == 0)
      return {Verdict::inconclusive,
              fmt::format("all {} measurements made, none successful", measured(counters))};
    const Phase phase = assess(counters, config);
    const Verdict verdict = phase == Phase::successful ? Verdict::pass
                            : phase == Phase::failed   ? Verdict::fail
                                                       : Verdict::inconclusive;
    return {verdict, because_of(phase, counters, config)};
  }
  if (counters.consecutive_error > 0) return {Verdict::no_data, "the latest measurement could not be made"};
  if (counters.consecutive_no_data > 0) return {Verdict::no_data, "the latest measurement had no data"};
  return judge_strictly(counters, config);
}

}  // namespace

ThresholdJudgement judge(const Counters& counters, const ThresholdConfig& config) {
  ThresholdJudgement out = config.strict ? judge_strictly(counters, config) : judge_safely(counters, config);
  out.explanation +=
      fmt::format(" ({} successful, {} failed, {} inconclusive, {} errors, {} without data; last: {})",
                  counters.successful, counters.failed, counters.inconclusive, counters.error,
                  counters.no_data, counters.last.empty() ? "none yet" : counters.last);
  return out;
}

}  // namespace tranche::gate
