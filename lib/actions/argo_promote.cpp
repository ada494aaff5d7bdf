// argo.promote { full }: one step on, or past all of them.
#include "actions/argo.hpp"

namespace tranche::actions {
namespace {

bool is_full(const Call& call) {
  const doc::Value* full = call.step.with.find("full");
  return full != nullptr && full->is_bool() && full->as_bool();
}

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("promotes Argo Rollout '{}'{}", TRY(call.step.with.text("rollout")),
                     is_full(call) ? " past all its steps" : " by a step");
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  TRY(rollout.promote(is_full(call), call.key));
  return Outcome{rollout.describe() + (is_full(call) ? " is fully promoted" : " is promoted")};
}

Result<Outcome> undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "use argo.abort or argo.undo", "a promotion cannot be taken back");
}

Result<Asked> ask(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  return rollout.was_promoted(is_full(call), call.key);
}

}  // namespace

Action argo_promote() { return {"argo.promote", argo_needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
