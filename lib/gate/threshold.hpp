// Threshold gates with Argo's counting. PURE. Semantics: reference "gates-and-playbooks" section 1
// (EvaluateResult, strict limits, count reached; failed before error before inconclusive); conditions in a
// subset of its expression language.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"
#include "gate/verdict.hpp"

namespace tranche::gate {

// A condition such as `result < 2.5`, `result[0] >= 0.99 && !isNaN(result[0])`, `len(result) > 0 and
// all(result, # < 1)` is compiled once. Errors: kind invalid with the column in the message.
class Condition {
 public:
  static Result<Condition> compile(std::string_view text);
  // `results`: what the query gave. `result` alone is a number when there is exactly one value (Argo wants
  // result[0] for a list of one; both work), result[i] and all/any/none want a list, not a scalar.
  // Errors (no such index, not a boolean) are Argo's "Error" measurements.
  [[nodiscard]] Result<bool> evaluate(const std::vector<double>& results, bool scalar) const;
  // The condition has an opinion on NaN: it calls isNaN or isInf.
  [[nodiscard]] bool asks_for_nan() const;

 private:
  struct Node;
  std::shared_ptr<const Node> root_;
};

struct ThresholdConfig {
  std::string success_condition, failure_condition;  // at least one
  std::int64_t count = 0;                            // 0: no count, runs as long as it is asked
  std::int64_t failure_limit = 0, inconclusive_limit = 0,
               consecutive_error_limit = 4;  // strict ">"; -1 disables
  bool no_data_fails = false;
};

struct Measurement {
  bool has_data = false;
  std::vector<double> values;
  bool scalar = false;
  std::string error;  // the source could not be asked; empty otherwise
};

struct Counters {
  std::int64_t successful = 0, failed = 0, inconclusive = 0, error = 0, no_data = 0;
  std::int64_t consecutive_error = 0, consecutive_success = 0, consecutive_no_data = 0;
  std::string last;  // the last measurement in words
  bool operator==(const Counters&) const = default;
};
doc::Value to_value(const Counters& counters);
Result<Counters> counters_from_value(const doc::Value& value);

// Adds one measurement. Errors (kind invalid): a configuration that cannot mean anything. An answer that is
// NaN throughout (0/0: no traffic) is no data, unless a condition asks for NaN. No-data measurements are
// counted apart from Argo's counters; with no_data_fails they count as failed too.
Result<> check(const ThresholdConfig& config);
Result<> observe(Counters& counters, const ThresholdConfig& config, const Measurement& measurement);

struct ThresholdJudgement {
  Verdict verdict = Verdict::no_data;
  std::string explanation;
};
// pass needs at least one successful measurement and, with a count, the count reached; without a count, the
// latest measurement was successful and no limit is exceeded. Never pass on no data or error. Errors beyond
// their limit are no-data, not fail: an outage of the source is not the release's fault.
ThresholdJudgement judge(const Counters& counters, const ThresholdConfig& config);

}  // namespace tranche::gate
