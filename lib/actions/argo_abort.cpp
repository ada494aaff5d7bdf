// argo.abort: traffic goes back to the stable version. The template stays the new one, so a later change of
// the object would begin the new version again: argo.undo or argo.set-image sets the old one.
#include "actions/argo.hpp"

namespace tranche::actions {
namespace {

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("aborts Argo Rollout '{}'", TRY(call.step.with.text("rollout")));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  TRY(rollout.abort());
  return Outcome{rollout.describe() + " is aborted"};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  TRY(rollout.retry());
  return Outcome{rollout.describe() + " begins again"};
}

Result<Asked> ask(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  return status_of(TRY(rollout.read())).aborted ? Asked::done : Asked::not_done;
}

}  // namespace

Action argo_abort() { return {"argo.abort", argo_needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
