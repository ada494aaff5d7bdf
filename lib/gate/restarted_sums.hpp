// The sequential t-test with a memory for late beginnings. PURE.
//
// A regression that begins late is diluted in a mean from the first observation on. So sums start again at
// observation 8, 12, 18, 27, ... (half as much again each time: a few dozen in a year), and the evidence is
// their weighted average: 0.8 for the first, 0.2 / (j (j+1)) for the j-th later one. Valid, since each is.
#pragma once

#include <vector>

#include "gate/sequential_t.hpp"

namespace tranche::gate {

struct RestartedSums {
  std::vector<RunningSums> starts;
  bool operator==(const RestartedSums& other) const = default;
  [[nodiscard]] std::int64_t count() const { return starts.empty() ? 0 : starts[0].count; }
};
// Adds one observation of weight 1; refuses what sequential_t.hpp's add refuses (kind invalid).
Result<> add(RestartedSums& sums, double value);
// ln of the average evidence against "mean <= boundary"; 0 while there is nothing.
double log_evidence_above(const RestartedSums& sums, double boundary);

doc::Value to_value(const RestartedSums& sums);
Result<RestartedSums> restarted_sums_from_value(const doc::Value& value);

}  // namespace tranche::gate
