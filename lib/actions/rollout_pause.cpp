// rollout.pause { rollout }: another rollout of this app stops growing until a person resumes it.
#include "actions/other_rollout.hpp"

namespace tranche::actions {
namespace {

using rollout::Phase;

// Over, or being taken back: there is nothing left to pause.
bool is_over(Phase phase) { return rollout::is_final(phase) || phase == Phase::rolling_back; }

std::string reason_of(const Call& call) {
  return fmt::format("rollout '{}': {}", call.plan.rollout, call.cause.reason);
}

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("pauses rollout '{}'", TRY(other_rollout(call)));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const std::string name = TRY(other_rollout(call));
  const auto state = TRY(read_rollout(deck, name));
  if (!state) return Outcome{fmt::format("rollout '{}' was never started", name)};
  if (is_over(state->phase) || state->phase == Phase::paused)
    return Outcome{fmt::format("rollout '{}' is {} already", name, rollout::to_text(state->phase))};
  TRY(send_event(deck, name, "rollout.paused", rollout::Pause{reason_of(call)}, call.cause));
  return Outcome{fmt::format("rollout '{}' is paused", name), doc::Value::object({{"paused", true}})};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  const std::string name = TRY(other_rollout(call));
  const auto state = TRY(read_rollout(deck, name));
  // Only what this step paused: a person's own pause stays.
  if (!state || state->phase != Phase::paused || call.facts.find("paused") == nullptr)
    return Outcome{fmt::format("rollout '{}' was not paused by this", name)};
  TRY(send_event(deck, name, "rollout.resumed", rollout::Resume{reason_of(call)}, call.cause));
  return Outcome{fmt::format("rollout '{}' goes on", name)};
}

// What the journal says of it decides: simply do it again.
Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action rollout_pause() { return {"rollout.pause", needs_nothing, changes, perform, undo, ask}; }

}  // namespace tranche::actions
