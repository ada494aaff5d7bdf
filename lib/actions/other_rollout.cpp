#include "actions/other_rollout.hpp"

#include "base/text.hpp"

namespace tranche::actions {

Result<std::string> other_rollout(const Call& call) {
  std::string name = fill_variables(TRY(call.step.with.text("rollout")), call);
  if (name == call.plan.rollout)
    return fail_hint(ErrorKind::invalid, "take the step out: its playbook takes this rollout back anyway",
                     "rollout '{}' names itself", printable(name, 64));
  return name;
}

Result<std::optional<rollout::State>> read_rollout(Deck& deck, const std::string& rollout) {
  const auto entry = TRY(deck.journal().latest(deck.rollout_subject(rollout)));
  if (!entry) return std::optional<rollout::State>();
  return std::optional(
      TRY_WHILE("reading the state of rollout '" + rollout + "'", rollout::state_from_value(entry->state)));
}

Result<bool> send_event(Deck& deck, const std::string& rollout, const std::string& kind,
                        const rollout::What& what, const Cause& cause) {
  const auto state = TRY(read_rollout(deck, rollout));
  if (!state) return false;
  const auto planned = TRY(deck.journal().read(state->plan_entry, state->plan_entry + 1));
  if (planned.size() != 1 || TRY(rollout::plan_digest(planned[0].data)) != state->plan_digest)
    return fail_hint(ErrorKind::verification, "check it: tranche journal verify",
                     "the plan of rollout '{}' is not the one that was frozen", rollout);
  const rollout::Plan plan = TRY(rollout::plan_from_value(planned[0].data));
  rollout::Next next = TRY(rollout::step(plan, *state, {deck.world().clock.now(), what}));
  if (next.decisions.empty() && rollout::to_value(next.state) == rollout::to_value(*state)) return false;
  journal::Draft draft;
  draft.kind = kind;
  draft.subject = deck.rollout_subject(rollout);
  draft.by = cause.by;
  draft.reason = cause.reason;
  doc::Value decisions = doc::Value::array();
  for (const std::string& decision : next.decisions) decisions.push(decision);
  draft.data = doc::Value::object({{"decisions", std::move(decisions)}});
  draft.state = rollout::to_value(next.state);
  TRY(deck.append({draft}));
  return true;
}

}  // namespace tranche::actions
