// The rollout's state machine as a table: which events a phase takes, which phases they lead to, what they
// set going. step() makes no transition that is not in it (kind bug otherwise), and the manual prints it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "rollout/state.hpp"

namespace tranche::rollout {

enum class EventKind {
  tick,
  effect_done,
  effect_failed,
  effect_unknown,
  effect_waits,
  settle,
  notice_done,
  pause,
  resume,
  promote,
  stop,
  supersede,
  amend
};
inline constexpr std::size_t event_count = 13;
std::string_view to_text(EventKind kind);  // "tick", "effect-done", ...
EventKind kind_of(const What& what);

// One phase that an event may lead to, and the effects that may become pending on the way.
struct Transition {
  Phase from;
  EventKind event;
  Phase to;
  std::uint8_t effects;  // of bit(EffectKind), and `no_effect` where none may become pending
};
inline constexpr std::uint8_t no_effect = 1;
constexpr std::uint8_t bit(EffectKind kind) {
  return static_cast<std::uint8_t>(2U << static_cast<unsigned>(kind));
}

// All there are, by phase and event. What is missing is refused (kind denied) or changes nothing.
const std::vector<Transition>& transitions();
// kind bug: `after` does not follow from `before` by such an event.
Result<> check_transition(const State& before, EventKind event, const State& after);
// The table in columns, a line for each phase and event.
std::string table_text();

}  // namespace tranche::rollout
