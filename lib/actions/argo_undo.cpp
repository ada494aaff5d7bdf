// argo.undo { to-revision }: the template of an earlier revision becomes the newest one again.
#include "actions/argo.hpp"

namespace tranche::actions {
namespace {

Result<std::int64_t> revision_of(const Call& call) {
  const std::int64_t revision = TRY(call.step.with.integer_or("to-revision", 0));
  if (revision < 0)
    return fail_hint(ErrorKind::invalid, "write a number from 1", "there is no revision {}", revision);
  return revision;
}

Result<std::string> changes(Deck&, const Call& call) {
  const std::int64_t revision = TRY(revision_of(call));
  return fmt::format("takes Argo Rollout '{}' back to {}", TRY(call.step.with.text("rollout")),
                     revision == 0 ? "the revision before" : fmt::format("revision {}", revision));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  const std::int64_t revision = TRY(revision_of(call));
  Outcome outcome;
  outcome.text = TRY(rollout.undo(revision, call.key));
  return outcome;
}

Result<Outcome> undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "use argo.undo with to-revision, or argo.set-image",
                   "going back cannot itself be taken back");
}

Result<Asked> ask(Deck& deck, const Call& call) {
  ArgoRollout rollout = TRY(open_argo(deck, call));
  return rollout.was_undone(call.key);
}

}  // namespace

Action argo_undo() { return {"argo.undo", argo_needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
