// approval { people, what }: the playbook waits until enough of them have approved this step of this run.
#include "actions/approval.hpp"

#include "base/text.hpp"

namespace tranche::actions {
namespace {

Result<Request> request_of(Deck& deck, const Call& call) {
  return step_request(deck, call.plan.config, question_of(call, TRY(call.step.with.text("people"))));
}

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("waits until {} approve", printable(TRY(call.step.with.text("people")), 64));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const Request request = TRY(request_of(deck, call));
  const Instant now = deck.world().clock.now();
  const Standing stands = TRY(standing(deck, call.plan.config, request, now));
  if (stands.rejected) return fail(ErrorKind::denied, "{}", stands.why);
  if (!stands.met) return Outcome{stands.why, {}, now};
  return Outcome{"approved by " + join(stands.by, ", ")};
}

Result<Outcome> undo(Deck&, const Call&) { return Outcome{"an approval leaves nothing behind"}; }

Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

StepQuestion question_of(const Call& call, std::string people) {
  // The key ends with the id of the step as the run has it: a step need not name one.
  std::string step = call.step.id;
  if (call.key.starts_with(call.run + "/")) step = call.key.substr(call.run.size() + 1);
  const bool by_hand = call.run.starts_with(call.rollout_id + "/hand/");
  return {.rollout = call.plan.rollout,
          .rollout_id = call.rollout_id,
          .release = call.plan.release,
          .run = call.run,
          .playbook = call.playbook,
          .step = std::move(step),
          .plan_digest = call.plan_digest,
          .people = std::move(people),
          .what = {},
          .begun_by = by_hand ? std::optional(call.cause.by) : std::nullopt};
}

Action approval() { return {"approval", needs_nothing, changes, perform, undo, ask}; }

}  // namespace tranche::actions
