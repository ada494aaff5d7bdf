// argo.pause: the object stays where it is until somebody promotes or unpauses it.
#include "actions/argo.hpp"

namespace tranche::actions {
namespace {

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("pauses Argo Rollout '{}'", TRY(call.step.with.text("rollout")));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  TRY(rollout.set_paused(true));
  return Outcome{rollout.describe() + " is paused"};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  TRY(rollout.set_paused(false));
  return Outcome{rollout.describe() + " goes on"};
}

Result<Asked> ask(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  return status_of(TRY(rollout.read())).paused_by_user ? Asked::done : Asked::not_done;
}

}  // namespace

Action argo_pause() { return {"argo.pause", argo_needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
