// The sequential comparison of means: seconds a start, megabytes a session. PURE.
//
// A poll's log ratio of the arms' means is one observation (of several strata: their average, weighted by n m
// / (n + m) values); sequential_t.hpp tests their mean against ln worse_than and ln margin. The spread
// between polls is measured, not assumed: it holds what values of one poll have in common, which a test of
// single values would take for evidence. Drifts that both arms share cancel in the ratio.
//
// Honest about its promise: exact where log ratios are normal and independent from poll to poll, asymptotic
// otherwise. What is compared is the typical (geometric mean) ratio of polls. An outlier moves one
// observation, however large it is.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "gate/compare.hpp"
#include "gate/restarted_sums.hpp"

namespace tranche::gate {

struct MeanEvidence {
  static constexpr std::int64_t least_polls = 5;  // observations before it may fail, suspect or pass
  struct Pending {  // of a stratum, not yet an observation: polls wait until both arms' sums are above 0
    double canary = 0, canary_count = 0, control = 0, control_count = 0;
    bool operator==(const Pending& other) const = default;
  };
  std::map<std::string, Pending> pending;                               // at most 64 strata
  RestartedSums ratios;                                                 // logs of the polls' ratios
  double canary = 0, canary_count = 0, control = 0, control_count = 0;  // sums of values, and their number
  std::int64_t polls = 0, empty_polls = 0;  // with and without a stratum where both arms had values
  bool operator==(const MeanEvidence& other) const = default;
};
doc::Value to_value(const MeanEvidence& evidence);
Result<MeanEvidence> mean_from_value(const doc::Value& value);

// Adds one poll: `values` where a stratum's arm has them, otherwise events (their sum) and exposure (their
// number). What check_poll refuses leaves the evidence as it was. Values are at least 0.
Result<> observe(MeanEvidence& evidence, const CompareConfig& config, const Poll& poll);
// `ratio`: geometric mean of the polls' ratios; ratio_low and ratio_high: always-valid, 95%.
Comparison judge(const MeanEvidence& evidence, const CompareConfig& config);

}  // namespace tranche::gate
