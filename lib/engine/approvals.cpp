#include "engine/approvals.hpp"

#include <algorithm>

#include "actions/approval.hpp"
#include "base/text.hpp"
#include "engine/playbooks.hpp"

namespace tranche::engine {

namespace {

using actions::Request;

Result<Waiting> stand(actions::Deck& deck, const rollout::Plan& plan, Request request, bool next) {
  auto standing = TRY(actions::standing(deck, plan.config, request, deck.world().clock.now()));
  return Waiting{std::move(request), std::move(standing), plan.config, next};
}

// Any step may ask people before it is taken; then the action `approval` asks those that it names.
std::string people_of(const spec::Step& step, const playbook::StepRecord& record) {
  if (!step.approval.empty() && !record.allowed) return step.approval;
  const doc::Value* people = step.uses == "approval" ? step.with.find("people") : nullptr;
  return people != nullptr && people->is_string() ? people->as_string() : std::string();
}

// The step of a run that waits for people, if one does.
Result<> add_step(actions::Deck& deck, const OpenRun& open, std::vector<Waiting>& out) {
  const playbook::Run& run = open.run;
  const auto step = playbook::current(run);
  const spec::Playbook* playbook = open.plan.config.playbook(run.playbook);
  if (!step || playbook == nullptr || playbook->steps.size() != run.steps.size()) return {};
  const spec::Step& asking = playbook->steps[*step];
  const std::string people = people_of(asking, run.steps[*step]);
  if (people.empty()) return {};
  const actions::Call call{open.plan,
                           asking,
                           open.rollout_id,
                           playbook::step_key(run, *step),
                           {run.by, run.reason},
                           Instant{},
                           {},
                           run.key,
                           run.playbook,
                           open.plan_digest};
  auto request = TRY(actions::step_request(deck, open.plan.config, actions::question_of(call, people)));
  out.push_back(TRY(stand(deck, open.plan, std::move(request), true)));
  return {};
}

Result<> add_playbook(actions::Deck& deck, const Report& report, std::vector<Waiting>& out) {
  if (!report.playbook) return {};
  const auto carries = [&](const std::optional<rollout::Effect>& effect) {
    return effect && effect->key == report.playbook->key;
  };
  if (!carries(report.state.pending) && !carries(report.state.notice)) return {};
  return add_step(deck, {report.plan, report.state.id, *report.playbook, report.state.plan_digest}, out);
}

Result<> add_rollout(actions::Deck& deck, const Report& report, std::vector<Waiting>& out) {
  const rollout::State& state = report.state;
  if (rollout::is_final(state.phase)) return {};
  TRY(add_playbook(deck, report, out));
  if (state.phase == rollout::Phase::rolling_back) return {};
  if (state.phase == rollout::Phase::held || state.phase == rollout::Phase::paused)
    if (auto request = TRY(actions::resume_request(report.plan, state)))
      out.push_back(TRY(stand(deck, report.plan, std::move(*request), true)));
  const auto& stages = report.plan.spec().stages;
  const std::size_t following = rollout::growth_to(state);
  for (std::size_t i = following; i < stages.size(); ++i) {
    if (stages[i].approval.empty()) continue;
    auto request = TRY(actions::stage_request(report.plan, state, i));
    out.push_back(TRY(stand(deck, report.plan, std::move(request), i == following)));
  }
  return {};
}

}  // namespace

Result<std::vector<Waiting>> find_waiting(actions::Deck& deck) {
  std::vector<Waiting> out;
  for (const spec::Rollout& rollout : deck.app().rollouts) {
    if (!TRY(deck.journal().latest(deck.rollout_subject(rollout.name)))) continue;
    TRY(add_rollout(deck, TRY(Engine(deck).status(rollout.name)), out));
    if (const auto by_hand = TRY(Playbooks(deck, {}).find_by_hand(rollout.name)))
      TRY(add_step(deck, *by_hand, out));
  }
  return out;
}

Result<Waiting> find_waiting(actions::Deck& deck, const std::string& id) {
  std::vector<Waiting> all = TRY(find_waiting(deck));
  std::vector<std::string> ids;
  for (Waiting& one : all) {
    if (one.request.id == id) return std::move(one);
    ids.push_back(one.request.id);
  }
  const std::string near = nearest(id, ids);
  std::string hint = "see what waits: tranche approve list";
  if (!near.empty())
    hint = "did you mean '" + near + "'?";
  else if (!ids.empty())
    hint = "these wait: " + join(ids, ", ");
  return fail_hint(ErrorKind::invalid, hint, "nothing called '{}' waits for approval", printable(id, 200));
}

}  // namespace tranche::engine
