// Runs methods over many draws of a workload and sums up what they said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/gates/workloads.hpp"
#include "gate/compare.hpp"
#include "gate/rivals.hpp"

namespace tranche::bench {

// Ours (a compare gate) or a rival.
struct Method {
  std::string name, title;
  gate::CompareConfig ours;
  const gate::RivalKind* rival = nullptr;  // null: ours
  [[nodiscard]] bool slow() const { return rival != nullptr && rival->name == "kayenta"; }
};
// Ours at false-rollback 5% and 1% (worse-than 1x, margin 1.5x, false-promotion 5%), then the rivals.
std::vector<Method> all_methods();

struct Run {
  int failed_at = 0;  // minute, 1..; 0: never
  int passed_at = 0;  // first minute with a certificate, before any failure; 0: never
  double canary = 0;  // requests that the canary had served since the regression began, at the failure
};
// `from`: the minute since which requests are counted.
Run run(const Method& method, const Series& series, int from = 1);

struct Cell {
  std::string workload, method;
  double ratio = 1;
  int reps = 0;
  int failed = 0;        // rolled back, from the onset on
  int early = 0;         // rolled back before the regression was there
  int passed = 0;        // certified
  double canary = 0;     // medians over those that failed, since the onset (of a good release:
                         // since the start): requests,
  double delay = 0;      // minutes,
  double pass_time = 0;  // and over those that passed: minutes
  [[nodiscard]] double percent(int count) const { return reps > 0 ? 100.0 * count / reps : 0; }
};
// Deterministic for a seed, whatever the number of threads. Every method sees the same series.
std::vector<Cell> simulate(const Workload& workload, double ratio, const std::vector<Method>& methods,
                           std::uint64_t seed, int reps, int slow_reps, int threads);

}  // namespace tranche::bench
