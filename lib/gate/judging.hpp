// What every statistic of a compare gate shares: which counts are refused, how evidence becomes a verdict,
// the words for it, and reading state back from the journal. PURE.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gate/compare.hpp"

namespace tranche::gate {

inline constexpr double largest_count = 1e12;             // sums of a million polls stay exact integers
inline constexpr std::size_t largest_sample = 1'000'000;  // values of one arm in one poll
inline constexpr std::size_t largest_strata = 64;         // whose past is remembered, a gate
inline constexpr std::size_t largest_bounds = 1'000;      // of one stratum's histogram

// Counts and values that are negative, not finite or above 1e12, more than a million values or a
// thousand bounds, buckets that do
// not match their bounds: kind invalid, with the stratum's name.
Result<> check_poll(const Poll& poll);

// fail, suspect, pass (only while not suspect) or inconclusive.
Verdict decide(const CompareConfig& config, double log_worse, double log_not_worse);

// Evidence as a plain number: 1 is none, 100 is a hundred to one.
std::string odds_text(double log_evidence);
// "evidence for worse than 1x is 3.2 (100 fails), for not worse than 1.5x is 21 (20 passes)"
std::string evidence_text(const CompareConfig& config, double log_worse, double log_not_worse);

// Error of a reader of journalled state.
std::unexpected<Error> broken_evidence(std::string_view what);
doc::Value numbers_to_value(const std::vector<double>& numbers);
// Finite numbers; `size` of them, or none.
Result<std::vector<double>> read_numbers(const doc::Value& value, std::string_view key, std::size_t size);
Result<double> read_count(const doc::Value& value, std::string_view key);        // finite, >= 0
Result<std::int64_t> read_tally(const doc::Value& value, std::string_view key);  // >= 0

// Alternatives that may begin at any poll. S_t = (S_{t-1} + 1/(t(t+1))) L_t puts the weight 1/(t(t+1)) on
// "worse from poll t on"; 1/(t+1) is left for later starts. Each is a martingale from its start, so the sum
// is one with mean 1: a regression that begins late is not drowned by the good polls before it. `logs` holds
// ln S, one for each alternative, empty before the first poll; `polls` is t after this one; `gains` is ln
// L_t.
void add_started(std::vector<double>& logs, std::int64_t polls, const std::vector<double>& gains);
// ln of the evidence: the average of S over the alternatives and what is left.
double log_started(const std::vector<double>& logs, std::int64_t polls);

}  // namespace tranche::gate
