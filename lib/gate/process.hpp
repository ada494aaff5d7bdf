// One evidence process, whatever its gate compares: rates, proportions, quantiles or means. PURE.
#pragma once

#include <string>
#include <variant>

#include "gate/compare.hpp"
#include "gate/proportion.hpp"

namespace tranche::gate {

enum class Statistic { rate, proportion };
std::string_view to_text(Statistic statistic);  // "rate"

struct ProcessConfig {
  CompareConfig compare;
  Statistic statistic = Statistic::rate;
};

struct Process {
  std::variant<Evidence, ProportionEvidence> evidence;
  bool operator==(const Process& other) const = default;
};
// No evidence yet.
Process begin(const ProcessConfig& config);

// {"statistic": "rate", ...what the statistic keeps}
doc::Value to_value(const Process& process);
Result<Process> process_from_value(const doc::Value& value);

// Errors as the statistic's own observe: the poll is refused, the process unchanged. kind bug: the process is
// another statistic's.
Result<> observe(Process& process, const ProcessConfig& config, const Poll& poll, Instant at = {});
Comparison judge(const Process& process, const ProcessConfig& config, bool in_words = true);

struct Totals {
  ArmCounts canary, control;  // events and exposure over all polls that counted
  std::int64_t polls = 0;
  Instant since{};  // when what is seen now began; Instant{} where that is not followed
};
Totals totals(const Process& process);

}  // namespace tranche::gate
