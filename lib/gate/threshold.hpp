// Threshold gates with Argo's counting. PURE. Semantics: Argo Rollouts' analysis controller (EvaluateResult,
// assessMetricStatus): limits are strict, an error is no measurement. Where Argo's answer to no data is a
// trap, the measurement counts as no data and the gate holds; `strict` does as Argo.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "gate/condition.hpp"
#include "gate/verdict.hpp"

namespace tranche::gate {

struct ThresholdConfig {
  std::string success_condition, failure_condition;  // at least one
  std::int64_t count = 0;                            // 0: no count, runs as long as it is asked
  std::int64_t failure_limit = 0, inconclusive_limit = 0,
               consecutive_error_limit = 4;  // strict ">"; -1 disables
  bool no_data_fails = false;
  std::int64_t consecutive_success_limit = 0;  // pass at this many in a row; 0: none
  bool strict = false;                         // as Argo, where its answer is a trap
};

struct Measurement {
  bool has_data = false;
  std::vector<double> values;
  bool scalar = false;
  std::string error;  // the source could not be asked; empty otherwise
  // What is no list of numbers (a web page's boolean, string or map): stands for `values` when it is there.
  std::optional<doc::Value> answer;
};
// What `result` is for conditions: `answer`, or the number of a scalar, or the list of values.
doc::Value result_of(const Measurement& measurement);

struct Counters {
  std::int64_t successful = 0, failed = 0, inconclusive = 0, error = 0, no_data = 0;
  std::int64_t consecutive_error = 0, consecutive_success = 0, consecutive_no_data = 0;
  std::string last;  // the last measurement in words
  bool operator==(const Counters&) const = default;
};
doc::Value to_value(const Counters& counters);
Result<Counters> counters_from_value(const doc::Value& value);

Result<> check(const ThresholdConfig& config);
// Adds one measurement; nothing changes once is_complete. Errors (kind invalid): a configuration that cannot
// mean anything. A comparison with NaN and an answer without values are no data, unless a condition asks for
// them (isNaN, len, default, ...); they are counted apart from Argo's counters, and with no_data_fails as
// failed too. An empty answer makes no measurement fail, except by a failure condition that asks for it.
Result<> observe(Counters& counters, const ThresholdConfig& config, const Measurement& measurement);

// Argo's phase of a metric. pending: nothing was measured yet; the last four are final.
enum class Phase { pending, running, successful, inconclusive, error, failed };
std::string_view to_text(Phase phase);  // "Successful", as Argo writes it
// failed > failure_limit, then inconclusive > inconclusive_limit, then consecutive errors > their limit: the
// last that holds wins. Then consecutive_success_limit (successful at once), then the count: with both a
// failure and a success limit inconclusive, with a success limit alone failed, else successful.
Phase assess(const Counters& counters, const ThresholdConfig& config);
// No further measurement is wanted. Not strict: an exceeded error or inconclusive limit does not end it.
bool is_complete(const Counters& counters, const ThresholdConfig& config);
// Until the next measurement: 10 s after an error, whatever the interval (Argo's DefaultErrorRetryInterval).
Duration wait_after(const Counters& counters, Duration interval);

struct ThresholdJudgement {
  Verdict verdict = Verdict::no_data;
  std::string explanation;
};
// pass needs at least one successful measurement and, with a count, the count reached; without a count, the
// latest measurement was successful and no limit is exceeded. Never pass on no data or error. Errors beyond
// their limit are no-data, not fail: an outage of the source is not the release's fault. Strict: by phase,
// Error is fail (Argo aborts), and a metric without count passes while its latest measurement was successful.
ThresholdJudgement judge(const Counters& counters, const ThresholdConfig& config);

}  // namespace tranche::gate
