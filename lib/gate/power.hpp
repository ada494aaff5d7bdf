// How much a compare gate can see, before it is used: its own evidence process over simulated counts. PURE.
//
// No formula gives the power of a mixture that is judged at every poll and may call in a second test, so the
// gate itself is run on random series. The draws are numbered: the same question has the same answer on every
// machine. Statistics `rate` (Poisson counts) and `proportion` (binomial; a regression is of the odds).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "gate/process.hpp"

namespace tranche::gate {

struct PowerQuestion {
  ProcessConfig config;
  double canary_rate = 0;   // exposures a second
  double control_rate = 0;  // of the control arm
  double base = 0;          // events an exposure without a regression, 0 to 1
  double ratio = 1;         // canary's over control's, of rates; proportion: of odds
  double noise = 0;         // log-sd of a lognormal factor on each arm's rate, poll by poll; 0 to 2
  Duration every = std::chrono::minutes(1);
  Duration within = std::chrono::hours(6);
  std::uint64_t seed = 1;
};
struct Power {
  double fails = 0;       // chance of a fail within the time
  double passes = 0;      // chance of a pass within the time, before any fail
  double half_width = 0;  // of `fails`, 95%; `passes` alike
  // Where the time until a fail, in the runs that failed, and until the first pass, in those that passed,
  // lies: half of them, and nine of ten.
  std::optional<Duration> fail_median, pass_median;
  double fail_exposure_median = 0;  // canary exposures at that fail
  // When nine of ten of all runs had failed, had passed; empty when fewer did.
  std::optional<Duration> fails_90, passes_90;
  int runs = 0;
  std::int64_t together = 1;  // later polls that were put together, where there were too many
};
// Errors (kind invalid): rates, base, ratio, noise or times out of range, another statistic, less than one
// poll.
Result<> check(const PowerQuestion& question);
// Runs until `fails` is known within 2 points, at most 2,400 runs and about a second.
Result<Power> simulate_power(const PowerQuestion& question);

// About how long a fail takes at the best, from the expected growth of the evidence; infinite without a
// regression. From a third to twice the median: to know which questions are worth a simulation.
double expected_seconds(const PowerQuestion& question);

struct StageSize {
  double share = 0;  // of all devices, 0 to 1
  Duration bake{};   // until nine of ten regressions are seen and nine of ten good releases passed
  Power power;       // of the regression within `bake`
};
// The bake that a share needs. Empty when the regression is not seen within question.within in nine of ten.
Result<std::optional<StageSize>> size_stage(PowerQuestion question, double whole_rate, double share);
// The smallest of some usual shares, and for it the shortest of some usual bakes up to question.within, at
// which the gate sees the regression with a chance of at least 90%. `whole_rate`: exposures a second of all
// devices. Empty when there is none.
Result<std::optional<StageSize>> suggest_stage(PowerQuestion question, double whole_rate);

}  // namespace tranche::gate
