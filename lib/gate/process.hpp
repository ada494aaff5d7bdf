// One evidence process, whatever its gate compares: rates, proportions, quantiles or means. PURE.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "gate/compare.hpp"
#include "gate/mean.hpp"
#include "gate/proportion.hpp"
#include "gate/quantile.hpp"
#include "gate/sample_ratio.hpp"

namespace tranche::gate {

enum class Statistic { rate, proportion, quantile, mean };
std::string_view to_text(Statistic statistic);  // "rate"

struct ProcessConfig {
  CompareConfig compare;
  Statistic statistic = Statistic::rate;
  double quantile = 0.99;  // of statistic quantile
};

struct Process {
  std::variant<Evidence, ProportionEvidence, QuantileEvidence, MeanEvidence> evidence;
  SampleRatioEvidence assigned;  // empty where the gate does not count devices
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
// Adds one poll's devices (sample_ratio.hpp): `exposure` is how many got their arm; the expected share of a
// stratum is in its name, in millionths (cohort's strata), or in `shares`. Strata without one are left out.
Result<> observe_assigned(Process& process, const Poll& assigned, std::map<std::string, double> shares = {});
// Where the arms' sizes do not match their shares, what compares them means nothing: inconclusive.
Comparison judge(const Process& process, const ProcessConfig& config, bool in_words = true);

// False when judge() cannot say fail or suspect now, nor, where `pass` is asked for, pass. In a fraction of
// its time: for those who take in a million polls a second.
bool may_decide(const Process& process, const ProcessConfig& config, bool pass);

struct Totals {
  ArmCounts canary, control;  // events and exposure over all polls that counted; quantile: over the quantile
  std::int64_t polls = 0;
  Instant since{};  // when what is seen now began; Instant{} where that is not followed
};
Totals totals(const Process& process);

}  // namespace tranche::gate
