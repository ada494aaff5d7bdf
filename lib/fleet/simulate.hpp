// A rollout rehearsed in virtual time: the real state machine, the real gates, the real cohort rules, and a
// fleet of numbers. PURE: no clock, no network; the seed decides everything.
//
// Devices are columns of numbers. What a device is asked (does this rule reach you?) is decided once a
// change; what devices do between changes (sessions, crashes) is drawn for whole groups that share version,
// arm and stratum, so that a day of a million devices costs a few draws a window.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "fleet/model.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"

namespace tranche::fleet {

struct SimulateOptions {
  Model model;
  rollout::Plan plan;
  Instant start{};
  Duration most = std::chrono::hours(24 * 90);  // virtual; a rollout that is not over by then stays as it is
  std::function<bool()> interrupted;            // asked once a step; may be empty
};

struct SimulatedDecision {
  Duration at{};  // since the start
  std::string text;
};
struct SimulatedPoint {
  Duration at{};
  std::string stage;
  std::uint64_t exposed = 0;  // devices that the rules reach
  std::uint64_t updated = 0;  // devices that run the release
};
struct Simulation {
  std::uint64_t seed = 0, devices = 0;
  std::string release, baseline;
  rollout::Phase phase = rollout::Phase::baking;  // how it ended: done, rolled-back, stranded, held, ...
  std::string because;
  std::string stage;                            // the last one
  std::uint64_t ever = 0;                       // devices that ever ran the release
  std::uint64_t stranded = 0;                   // devices left with a withdrawn release
  Duration took{};                              // until the end of the rollout
  std::optional<Duration> detected, recovered;  // since the start; since detection
  std::vector<SimulatedDecision> decisions;
  std::vector<SimulatedPoint> timeline;
  std::vector<std::string> assumptions;  // what the rehearsal could not rehearse
};
// Kind usage: a model out of range. Kind interrupted: the user had enough.
Result<Simulation> simulate(const SimulateOptions& options);
// {"schema":"tranche/simulate/v1", ...}; durations in seconds.
doc::Value to_value(const Simulation& simulation);

}  // namespace tranche::fleet
