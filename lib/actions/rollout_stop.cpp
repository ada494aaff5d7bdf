// rollout.stop { rollout }: another rollout of this app is stopped in the journal; its own playbook takes it
// back when this one is over, and if that fails by its ticks. Two rollouts that name each other both stop,
// once.
#include "actions/other_rollout.hpp"

namespace tranche::actions {
namespace {

using rollout::Phase;

bool is_stopping(Phase phase) {
  return phase == Phase::rolling_back || phase == Phase::rolled_back || phase == Phase::stranded;
}

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("stops rollout '{}' and takes it back", TRY(other_rollout(call)));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const std::string name = TRY(other_rollout(call));
  const auto state = TRY(read_rollout(deck, name));
  if (!state) return Outcome{fmt::format("rollout '{}' was never started", name)};
  if (state->phase == Phase::done)
    return Outcome{fmt::format("rollout '{}' is done: tranche rollout undo {} takes it back", name, name)};
  if (rollout::is_final(state->phase) || is_stopping(state->phase))
    return Outcome{fmt::format("rollout '{}' is {} already", name, rollout::to_text(state->phase))};
  const std::string reason = fmt::format("rollout '{}': {}", call.plan.rollout, call.cause.reason);
  TRY(send_event(deck, name, "rollout.stopped", rollout::Stop{reason}, call.cause));
  return Outcome{fmt::format("rollout '{}' is stopped; its own playbook takes it back", name)};
}

Result<Outcome> undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "start it again with a good release",
                   "a rollout that was stopped stays stopped");
}

// What the journal says of it decides: simply do it again.
Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action rollout_stop() { return {"rollout.stop", needs_nothing, changes, perform, undo, ask}; }

}  // namespace tranche::actions
