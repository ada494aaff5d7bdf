#include "rollout/table.hpp"

#include <algorithm>
#include <array>

namespace tranche::rollout {
namespace {

using enum Phase;
using Event = EventKind;

constexpr std::array<std::string_view, event_count> event_names{
    "tick",  "effect-done", "effect-failed", "effect-unknown", "effect-waits", "settle", "notice-done",
    "pause", "resume",      "promote",       "stop",           "supersede",    "amend"};

constexpr std::uint8_t expose = bit(EffectKind::expose), finish = bit(EffectKind::finish),
                       playbook = bit(EffectKind::playbook);

std::vector<Transition> make_transitions() {
  std::vector<Transition> all{
      {waiting, Event::tick, waiting, no_effect},
      {waiting, Event::tick, baking, expose},
      {waiting, Event::pause, paused, no_effect},
      {waiting, Event::stop, rolling_back, playbook},
      {waiting, Event::supersede, superseded, no_effect},
      {waiting, Event::amend, waiting, no_effect},

      {baking, Event::tick, baking, no_effect | expose | finish},
      {baking, Event::tick, held, no_effect},
      {baking, Event::tick, rolling_back, playbook},
      {baking, Event::effect_done, baking, no_effect},
      {baking, Event::effect_done, done, no_effect},
      {baking, Event::effect_failed, baking, no_effect},
      {baking, Event::effect_unknown, baking, no_effect},
      {baking, Event::effect_waits, baking, no_effect},
      {baking, Event::settle, baking, no_effect},
      {baking, Event::settle, done, no_effect},
      {baking, Event::pause, paused, no_effect},
      {baking, Event::promote, baking, expose | finish},
      {baking, Event::stop, rolling_back, playbook},
      {baking, Event::supersede, superseded, no_effect},
      {baking, Event::amend, baking, no_effect},

      {held, Event::tick, held, no_effect},
      {held, Event::tick, rolling_back, playbook},
      {held, Event::pause, paused, no_effect},
      {held, Event::resume, baking, no_effect},
      {held, Event::promote, baking, expose | finish},
      {held, Event::stop, rolling_back, playbook},
      {held, Event::supersede, superseded, no_effect},
      {held, Event::amend, held, no_effect},

      {paused, Event::tick, paused, no_effect},
      {paused, Event::tick, rolling_back, playbook},
      {paused, Event::pause, paused, no_effect},
      {paused, Event::resume, baking, no_effect},
      {paused, Event::resume, waiting, no_effect},
      {paused, Event::promote, baking, expose | finish},
      {paused, Event::stop, rolling_back, playbook},
      {paused, Event::supersede, superseded, no_effect},
      {paused, Event::amend, paused, no_effect},

      {rolling_back, Event::tick, rolling_back, no_effect},
      {rolling_back, Event::effect_done, rolled_back, no_effect},
      {rolling_back, Event::effect_done, stranded, no_effect},
      {rolling_back, Event::effect_failed, rolling_back, no_effect},
      {rolling_back, Event::stop, rolling_back, no_effect},

      {done, Event::stop, rolling_back, playbook},
  };
  for (const Phase phase : {done, rolled_back, stranded, superseded})
    all.push_back({phase, Event::tick, phase, no_effect});
  for (const Phase phase : {waiting, baking, held, paused})
    all.push_back({phase, Event::notice_done, phase, no_effect});
  std::ranges::stable_sort(all, [](const Transition& a, const Transition& b) {
    return std::pair(a.from, a.event) < std::pair(b.from, b.event);
  });
  return all;
}

std::string effects_text(std::uint8_t effects) {
  std::string out;
  const auto add = [&](std::uint8_t which, std::string_view name) {
    if ((effects & which) != 0) out += fmt::format("{}{}", out.empty() ? "" : " or ", name);
  };
  add(expose, "expose");
  add(finish, "finish");
  add(playbook, "playbook");
  if (out.empty()) return out;
  return (effects & no_effect) != 0 ? "may begin " + out : "begins " + out;
}

}  // namespace

std::string_view to_text(EventKind kind) { return event_names[static_cast<std::size_t>(kind)]; }

EventKind kind_of(const What& what) {
  static_assert(std::variant_size_v<What> == event_count);
  return static_cast<EventKind>(what.index());  // both are in one order
}

const std::vector<Transition>& transitions() {
  static const std::vector<Transition> all = make_transitions();
  return all;
}

Result<> check_transition(const State& before, EventKind event, const State& after) {
  const bool fresh = after.pending && (!before.pending || before.pending->key != after.pending->key);
  const std::uint8_t effect = fresh ? bit(after.pending->kind) : no_effect;
  const bool known = std::ranges::any_of(transitions(), [&](const Transition& one) {
    return one.from == before.phase && one.event == event && one.to == after.phase &&
           (one.effects & effect) != 0;
  });
  if (known) return {};
  return fail(ErrorKind::bug, "rollout '{}': {} does not lead from {} to {}{}", before.rollout,
              to_text(event), to_text(before.phase), to_text(after.phase),
              fresh ? " with effect " + after.pending->key : "");
}

std::string table_text() {
  std::string out = fmt::format("{:<13} {:<15} leads to\n", "phase", "event");
  std::string_view last_phase, last_event;
  for (const Transition& one : transitions()) {
    const std::string_view phase = to_text(one.from), event = to_text(one.event);
    const bool same_phase = phase == last_phase, same_event = same_phase && event == last_event;
    const std::string effects = effects_text(one.effects);
    out += fmt::format("{:<13} {:<15} {}{}\n", same_phase ? "" : phase, same_event ? "" : event,
                       to_text(one.to), effects.empty() ? "" : ": " + effects);
    last_phase = phase;
    last_event = event;
  }
  return out;
}

}  // namespace tranche::rollout
