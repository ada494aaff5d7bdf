// target.undo: the service's target brings the baseline back.
#include "actions/target.hpp"

namespace tranche::actions {
namespace {

Result<Move> move_of(const Call& call, Instant now) {
  Move move{call.plan, call.rollout_id, undo_key(call.rollout_id), call.cause};
  move.stage = call.plan.stages.size() - 1;
  move.timeout = call.step.timeout;
  move.since = now;
  if (call.facts.find("since") != nullptr) move.since = TRY(parse_instant(TRY(call.facts.text("since"))));
  return move;
}

Result<std::vector<Need>> needs(Deck& deck, const Call& call) {
  return TRY(open_target(deck, call.plan))->needs();
}

Result<std::string> changes(Deck& deck, const Call& call) {
  const auto target = TRY(open_target(deck, call.plan));
  return fmt::format("takes {} back from {}", call.plan.release, target->describe());
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  if (TRY(was_undone(deck, call.plan, call.rollout_id)))
    return Outcome{fmt::format("{} was taken back when the rollout was stopped", call.plan.release)};
  const Move move = TRY(move_of(call, deck.world().clock.now()));
  const auto target = TRY(open_target(deck, call.plan));
  Outcome outcome = TRY(target->undo(move));
  if (outcome.not_before) outcome.facts = doc::Value::object({{"since", tranche::to_text(move.since)}});
  return outcome;
}

Result<Outcome> undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "start the rollout again with a good release",
                   "a release that was taken back stays back");
}

// A target looks what is there before it does anything: simply do it again.
Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

std::string subject_of(const Deck& deck, const rollout::Plan& plan) {
  return deck.playbook_subject(plan.rollout) + "/target";
}

}  // namespace

std::string undo_key(const std::string& rollout_id) { return rollout_id + "/undo"; }

Result<> note_undone(Deck& deck, const rollout::Plan& plan, const std::string& rollout_id,
                     const Outcome& outcome) {
  journal::Draft draft;
  draft.kind = "target.undone";
  draft.subject = subject_of(deck, plan);
  draft.data = doc::Value::object({{"decisions", doc::Value::array()}, {"detail", outcome.text}});
  draft.state = doc::Value::object({{"undone", rollout_id}});
  TRY(deck.append({draft}));
  return {};
}

Result<bool> was_undone(Deck& deck, const rollout::Plan& plan, const std::string& rollout_id) {
  const auto entry = TRY(deck.journal().latest(subject_of(deck, plan)));
  if (!entry) return false;
  return TRY(entry->state.text_or("undone", "")) == rollout_id;
}

Action target_undo() { return {"target.undo", needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
