// The sequential comparison of proportions: events that may be common, at most one a trial. PURE.
//
// What is compared, in the user's words: the odds, events to non-events. 5% are odds of 1:19, 20% are 1:4,
// 50% are 1:1. "worse than 1.5x" says that the canary's odds are more than 1.5 times the control's: 5%
// against 7.3%, 20% against 27.3%, 50% against 60%. For rare events odds and rates are the same; for common
// ones a ratio of rates would have no room (there is no 1.5 times 80%).
//
// Evidence is the conditional likelihood ratio of two_by_two.hpp, multiplied over polls and strata, averaged
// over alternatives and over the polls at which a regression may begin. Valid at every stopping time, for any
// base rate, drift, shared incident and ramp. compare.cpp's Poisson form never fails too often here either,
// but grows blind with the base rate, and its certificate means a ratio of rates.
#pragma once

#include <cstdint>
#include <vector>

#include "gate/compare.hpp"
#include "gate/odds_noise.hpp"

namespace tranche::gate {

struct ProportionEvidence {
  std::vector<double> worse;      // ln S (judging.hpp add_started) against worse_than, one an alternative
  std::vector<double> not_worse;  // the mirror, against margin
  double canary_events = 0, canary_trials = 0, control_events = 0, control_trials = 0;
  OddsNoise noise;
  std::int64_t polls = 0, empty_polls = 0;  // with and without a stratum where both arms had trials
  bool operator==(const ProportionEvidence& other) const = default;
};
doc::Value to_value(const ProportionEvidence& evidence);
Result<ProportionEvidence> proportion_from_value(const doc::Value& value);

// Adds one poll: events and exposure of each stratum. Beside the counts that check_poll refuses, more events
// than exposure are refused (kind invalid), but for the little that interpolating sources add (a tenth and
// one), which is cut off. A refused poll leaves the evidence as it was.
Result<> observe(ProportionEvidence& evidence, const CompareConfig& config, const Poll& poll);
// `ratio` and its interval are of the odds.
Comparison judge(const ProportionEvidence& evidence, const CompareConfig& config);

}  // namespace tranche::gate
