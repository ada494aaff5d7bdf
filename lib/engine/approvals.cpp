#include "engine/approvals.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/engine.hpp"

namespace tranche::engine {

namespace {

using actions::Request;

Result<Waiting> stand(actions::Deck& deck, const rollout::Plan& plan, Request request, bool next) {
  auto standing = TRY(actions::standing(deck, plan.config, request, deck.world().clock.now()));
  return Waiting{std::move(request), std::move(standing), plan.config, next};
}

// The action `approval` asks the people that it names; any step may ask before it is taken.
std::string people_of(const spec::Step& step) {
  if (!step.approval.empty()) return step.approval;
  const doc::Value* people = step.uses == "approval" ? step.with.find("people") : nullptr;
  return people != nullptr && people->is_string() ? people->as_string() : std::string();
}

Result<> add_playbook(actions::Deck& deck, const Report& report, std::vector<Waiting>& out) {
  if (!report.playbook) return {};
  const playbook::Run& run = *report.playbook;
  const auto carries = [&](const std::optional<rollout::Effect>& effect) {
    return effect && effect->key == run.key;
  };
  const auto step = playbook::current(run);
  const spec::Playbook* playbook = report.plan.config.playbook(run.playbook);
  if (!step || playbook == nullptr || !(carries(report.state.pending) || carries(report.state.notice)) ||
      playbook->steps.size() != run.steps.size())
    return {};
  const std::string people = people_of(playbook->steps[*step]);
  if (people.empty()) return {};
  const actions::StepQuestion question{report.plan.rollout,
                                       report.state.id,
                                       report.plan.release,
                                       run.key,
                                       run.playbook,
                                       run.steps[*step].id,
                                       report.state.plan_digest,
                                       people,
                                       {}};
  auto request = TRY(actions::step_request(deck, report.plan.config, question));
  out.push_back(TRY(stand(deck, report.plan, std::move(request), true)));
  return {};
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
