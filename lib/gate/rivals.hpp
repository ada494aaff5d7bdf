// What a team would use instead of a compare gate, over the same counts: `gate compare` and tests/bench/gates
// show how each decides. PURE. None of them decides a rollout.
//
// Each pools the strata of a poll, as its users do. libm is used; nothing of this is journalled. Sources:
// reference "gates-and-playbooks" sections 1 to 4.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gate/compare.hpp"
#include "gate/verdict.hpp"

namespace tranche::gate {

struct PooledCounts {
  double canary_events = 0, canary_exposure = 0, control_events = 0, control_exposure = 0;
};
PooledCounts pool(const Poll& poll);  // sums over strata

struct RivalConfig {
  // Events an exposure above which a fixed rule objects. Absent: `times` the control's rate over the first
  // `baseline_polls` polls that have any; until then the fixed rules wait.
  std::optional<double> threshold;
  double times = 2;
  int baseline_polls = 5;
  double ratio = 1.5;                 // canary's rate over control's that the ratio rule objects to
  std::int64_t window_seconds = 300;  // of the fixed threshold and the ratio rule
  double error_rate = 0.05;           // of the z-tests and of Lindon and Malek's
  double concentration = 100;         // k of Lindon and Malek's
  std::size_t kayenta_points = 11;
};

// A method that watches one series. It fails once and for ever.
class Rival {
 public:
  virtual ~Rival() = default;
  Rival() = default;
  Rival(const Rival&) = delete;
  Rival& operator=(const Rival&) = delete;

  // `at`: seconds, growing. Counts as in observe(Evidence&, ...).
  virtual void observe(std::int64_t at, const PooledCounts& counts) = 0;
  // The series ends. What has not failed by now passes; no data at all stays no-data.
  virtual void finish() {}

  // Before the end: fail, inconclusive, or no-data while no poll had exposure in both arms.
  [[nodiscard]] Verdict verdict() const {
    return failed_  ? Verdict::fail
           : !seen_ ? Verdict::no_data
           : ended_ ? Verdict::pass
                    : Verdict::inconclusive;
  }
  void end() {
    finish();
    ended_ = true;
  }

 protected:
  void fail() { failed_ = true; }
  // Notes that there was data. False: an arm has no exposure.
  bool see(const PooledCounts& counts) {
    const bool both = counts.canary_exposure > 0 && counts.control_exposure > 0;
    seen_ = seen_ || both;
    return both;
  }

 private:
  bool failed_ = false, seen_ = false, ended_ = false;
};

struct RivalKind {
  std::string_view name;   // "fixed-threshold"
  std::string_view title;  // "fixed threshold"
  std::string_view what;   // one sentence
  std::unique_ptr<Rival> (*make)(const RivalConfig& config);
};
// In the order to show: fixed-threshold, fixed-threshold-3, flagger-counter, ratio-rule, z-test-every-poll,
// one-look, lindon-malek, kayenta.
std::span<const RivalKind> rival_kinds();

struct TimedPoll {
  std::int64_t at = 0;  // seconds
  Poll poll;
};
struct RivalAnswer {
  Verdict verdict = Verdict::no_data;
  std::optional<std::int64_t> at;  // of the poll at which it failed
  double canary_exposure = 0;      // until then, or until the end
};
// The whole series; it ends at the first fail.
RivalAnswer run(const RivalKind& kind, const RivalConfig& config, std::span<const TimedPoll> series);

}  // namespace tranche::gate
