// target.undo: the service's target brings the baseline back. At once, and once more when another runner's
// program could have been under way beside it.
#include <algorithm>
#include <array>

#include "actions/target.hpp"
#include "rollout/state.hpp"

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
  const Instant now = deck.world().clock.now();
  Move move = TRY(move_of(call, now));
  const auto target = TRY(open_target(deck, call.plan));
  const bool again = call.facts.find("again") != nullptr;
  const auto busy = again ? std::nullopt : TRY(under_way_until(deck, call.plan, call.rollout_id));
  if (again) move.key += "/again";
  Outcome outcome = TRY(target->undo(move));
  const bool waits = outcome.not_before.has_value();
  if (!waits && !busy) return outcome;
  outcome.facts = doc::Value::object({{"since", tranche::to_text(move.since)}});
  if (again || !waits) outcome.facts.set("again", true);
  if (!waits) {
    outcome.not_before = busy;
    outcome.text += "; once more when nothing can be under way any more";
  }
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

Result<std::optional<Instant>> under_way_until(Deck& deck, const rollout::Plan& plan,
                                               const std::string& rollout_id) {
  constexpr std::uint64_t most_entries = 200;
  constexpr std::array<std::string_view, 5> outcomes{"rollout.exposed", "rollout.done", "rollout.settled",
                                                     "rollout.effect-failed", "rollout.effect-unknown"};
  const std::string subject = deck.rollout_subject(plan.rollout);
  const std::uint64_t size = deck.journal().size();
  const auto entries = TRY(deck.journal().read(size - std::min(size, most_entries), size));
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (entry->subject != subject) continue;
    if (std::ranges::find(outcomes, entry->kind) != outcomes.end()) break;
    if (entry->kind != "rollout.effect-begins") continue;
    const rollout::State state = TRY(rollout::state_from_value(entry->state));
    const Instant now = deck.world().clock.now();
    if (state.id != rollout_id || !state.trouble || state.trouble->not_before <= now) break;
    // Not longer than a program may run: what a wrong clock wrote is over.
    const Instant longest = now + plan.spec().target.timeout;
    return std::optional(std::min(state.trouble->not_before, longest));
  }
  return std::optional<Instant>();
}

Result<bool> was_undone(Deck& deck, const rollout::Plan& plan, const std::string& rollout_id) {
  const auto entry = TRY(deck.journal().latest(subject_of(deck, plan)));
  if (!entry) return false;
  return TRY(entry->state.text_or("undone", "")) == rollout_id;
}

Action target_undo() { return {"target.undo", needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
