// The sequential comparison of two arms: watched for ever, wrong at most as often as it says. PURE.
//
// Given the events of a poll, each came from the canary with a chance set by the arms' exposures and their
// rate ratio. A mixture over ratios, and over the polls at which a regression may begin, of the likelihood
// against the boundary ratio is a test martingale, so Ville's inequality bounds the error at every stopping
// time, through any ramp and any drift that both arms share. Source: reference "gates-and-playbooks" 4(b)
// (exposure-weighted one-sided e-process) and its mirror.
//
// That holds for independent events. Where the arms scatter more than such events do (noise.hpp), a second
// test, which measures the noise it sees, must agree before anything fails or passes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "gate/noise.hpp"
#include "gate/verdict.hpp"

namespace tranche::gate {

struct CompareConfig {
  double worse_than = 1.0;       // H0 of `fail`: rate ratio <= worse_than
  double margin = 1.5;           // H0 of `pass`: rate ratio >= margin
  double false_rollback = 0.01;  // fail when evidence >= 1/false_rollback
  double suspect_at = 0.05;
  double false_promotion = 0.05;
};
Result<> check(const CompareConfig& config);

struct ArmCounts {
  double events = 0;    // >= 0, finite; fractions come from interpolating sources. mean: the sum of values
  double exposure = 0;  // >= 0: sessions, requests. mean: their number
  std::vector<double> buckets;  // quantile: increments a bucket, not cumulative, one for each of `bounds`
  std::vector<double> values;   // quantile, mean: raw samples, where the source has them
};
struct StratumCounts {
  ArmCounts canary, control;
  std::vector<double> bounds;  // quantile: upper bounds of the buckets, growing; the last is +inf
};
using Poll = std::map<std::string, StratumCounts>;  // one poll's increments, by stratum

// What one gate has seen since the rollout began. Serialised into the journal; the same polls give the same
// bits.
struct Evidence {
  std::vector<double> worse;  // log likelihood ratios against worse_than, mixed over starts; one a grid point
  std::vector<double> not_worse;  // the mirror, against margin, from the first poll
  ArmCounts canary, control;      // totals over polls that counted
  // Mantel and Haenszel's sums over strata and polls: their quotient is the rate ratio among like devices at
  // like times, which the totals, pooled over a ramp, would get wrong. weighted_both: Greenland and Robins'
  // sum for its variance.
  double weighted_canary = 0, weighted_control = 0, weighted_both = 0;
  Noise noise;
  // Page's statistic for a ratio of 2.2 over worse_than; `since` is the end of the last poll before it rose
  // from 0: when what is seen now began.
  double rising = 0;
  Instant since{};
  std::int64_t polls = 0;        // polls with at least one stratum where both arms had exposure
  std::int64_t empty_polls = 0;  // polls without
  bool operator==(const Evidence& other) const;
};
doc::Value to_value(const Evidence& evidence);
Result<Evidence> evidence_from_value(const doc::Value& value);

// Adds one poll. Strata where an arm has no exposure carry no information and add nothing; counts that are
// negative, not finite or above 1e12 are refused (kind invalid), the evidence then unchanged.
// `at`: end of the poll, for `since` only.
Result<> observe(Evidence& evidence, const CompareConfig& config, const Poll& poll, Instant at = {});

struct Comparison {
  Verdict verdict = Verdict::no_data;
  // What counts: where there is more noise than Poisson's, or that is not known yet, the weaker of both
  // tests.
  double log_evidence_worse = 0;      // fail at >= ln(1/false_rollback)
  double log_evidence_not_worse = 0;  // pass at >= ln(1/false_promotion)
  double ratio = 0;  // observed rate ratio canary/control (Mantel-Haenszel); NaN while a rate is zero
  // Where the ratio lies, at every poll at once with 95% (asymptotic); 0 and infinity while unknown.
  double ratio_low = 0, ratio_high = 0;
  Dispersion dispersion = Dispersion::unknown;
  std::string explanation;  // one sentence with the counts
};
// fail and suspect from current evidence; pass only while not suspect. Without words: no explanation, for
// those who judge a million times a second.
Comparison judge(const Evidence& evidence, const CompareConfig& config, bool in_words = true);

}  // namespace tranche::gate
