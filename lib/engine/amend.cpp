// Changing what goes on: the edited tranche.yaml is adopted by a running rollout, or a hotfix goes on with
// its exposure. Neither ever takes a device away.
#include <algorithm>

#include "actions/evidence.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "engine/engine.hpp"
#include "rollout/inherit.hpp"

namespace tranche::engine {
namespace {

// As the file says it; null: the rollout has a channel.
doc::Value target_value(const spec::App& app, const std::string& rollout) {
  const doc::Value config = spec::to_value(app);
  const doc::Value* rollouts = config.find("rollouts");
  const doc::Value* one = rollouts == nullptr ? nullptr : rollouts->find(rollout);
  const doc::Value* target = one == nullptr ? nullptr : one->find("target");
  return target == nullptr ? doc::Value() : *target;
}

}  // namespace

Result<Amendment> Engine::plan_amendment(const std::string& rollout) {
  const Loaded loaded = TRY(load(rollout));
  if (rollout::is_final(loaded.state.phase) || loaded.state.phase == rollout::Phase::rolling_back)
    return fail_hint(ErrorKind::denied, "start a new one", "cannot amend rollout '{}': it is {}", rollout,
                     rollout::to_text(loaded.state.phase));
  const rollout::Plan& old = loaded.plan;
  const spec::Rollout* edited = deck_.app().rollout(rollout);
  if (edited != nullptr && edited->channel != old.channel)
    return fail_hint(ErrorKind::denied, "stop it, and start it on the other channel",
                     "rollout '{}' runs on channel '{}', and tranche.yaml says '{}'", rollout, old.channel,
                     edited->channel);
  if (edited != nullptr && target_value(deck_.app(), rollout) != target_value(old.config, rollout))
    return fail_hint(ErrorKind::denied, "stop it, and start it with the other target",
                     "rollout '{}' runs on another target than tranche.yaml says", rollout);
  rollout::PlanInput input{.rollout = rollout,
                           .release = old.release,
                           .manifest_sha256 = old.manifest_sha256,
                           .current = {},
                           .accept_no_way_back = old.baseline.empty(),
                           .fallback = old.fallback,
                           .fallback_sha256 = old.fallback_sha256,
                           .salt = old.salt};
  if (has_target(old))
    input.current = TRY(service_directions(rollout));
  else if (const auto channel = TRY(deck_.channel_state(old.channel)))
    input.current = channel->directions;
  input.current.baseline = old.baseline;
  input.current.offer.reset();  // its own
  Amendment out;
  out.plan = TRY(freeze(input));
  const actions::StoredRelease release = TRY(actions::load_release(deck_, old.release));
  if (!has_target(out.plan)) TRY(check_release_for_feeds(out.plan, release.manifest));
  TRY(actions::demand_evidence(deck_, release, out.plan.spec().require, rollout));
  out.changes = rollout::describe_changes(spec::to_value(old.config), spec::to_value(out.plan.config));
  if (const auto exposed = rollout::exposed_rules(old, loaded.state); !exposed.empty()) {
    const auto stage = rollout::stage_of_reach(out.plan, exposed);
    if (!stage)
      return fail_hint(ErrorKind::denied,
                       "keep a stage that reaches exactly that, and write the new ones after it",
                       "rollout '{}' has reached {}, and no stage of the edited file does", rollout,
                       rollout::reach_text(old, loaded.state.stage));
    out.stage = *stage;
  }
  out.before = loaded.state.plan_digest;
  out.after = TRY(rollout::plan_digest(out.plan));
  return out;
}

Result<Report> Engine::amend(const std::string& rollout, const std::string& reason) {
  Amendment amendment = TRY(plan_amendment(rollout));
  Loaded loaded = TRY(load(rollout));
  if (amendment.changes.empty() && amendment.before == amendment.after) return report(std::move(loaded));
  const rollout::Amend dry{amendment.plan,  amendment.after, loaded.state.plan_entry,
                           amendment.stage, reason,          amendment.changes};
  // Refused before the new plan stands anywhere.
  TRY(rollout::step(loaded.plan, loaded.state, {deck_.world().clock.now(), dry}));
  journal::Draft planned;
  planned.kind = "rollout.planned";
  planned.reason = reason;
  planned.data = rollout::to_value(amendment.plan);
  rollout::Amend amend = dry;
  amend.plan_entry = TRY(deck_.append({planned}))[0].index;
  amend.changes.insert(
      amend.changes.begin(),
      fmt::format("plan {} becomes {}", amendment.before.substr(0, 12), amendment.after.substr(0, 12)));
  TRY(feed_event(loaded, "rollout.amended", amend, reason));
  loaded.plan = std::move(amendment.plan);
  return report(std::move(loaded));
}

// The rollout whose exposure the new one is to go on with, looked at before anything is written.
Result<std::optional<Engine::Inherited>> Engine::inherit(const StartRequest& request) {
  const auto running = TRY(running_beside(request.rollout));
  if (!request.supersede || !running) return std::optional<Inherited>();
  if (running->release == request.release) return std::optional<Inherited>();
  if (running->rollout == request.rollout && deck_.app().rollout(request.rollout)->channel.empty())
    return fail_hint(ErrorKind::denied,
                     "take it back (tranche rollout undo " + running->rollout +
                         "), or let it end, and start the fix by itself",
                     "rollout '{}' carries a service: its target goes from release to release, and hands no "
                     "exposure on",
                     running->rollout);
  if (running->phase == rollout::Phase::rolling_back)
    return fail_hint(ErrorKind::denied, "wait until it is over, then start the fix",
                     "rollout '{}' is taking release {} back: there is no exposure to go on with",
                     running->rollout, running->release);
  if (compare_versions(request.release, running->release) <= 0)
    return fail_hint(ErrorKind::invalid, "build the fix under a higher version",
                     "release {} is not newer than {}, which devices have", request.release,
                     running->release);
  Inherited out;
  out.old = TRY(load(running->rollout));
  return std::optional(std::move(out));
}

// Where the new plan goes on. Whatever people or other rollouts must say to exposure that is out already is
// not skipped by a hotfix: it is refused here, and can be had by a rollout of its own.
Result<std::size_t> Engine::inherited_stage(const Inherited& inherited, const rollout::Plan& plan) {
  const auto exposed = rollout::exposed_rules(inherited.old.plan, inherited.old.state);
  if (exposed.empty())
    return fail_hint(ErrorKind::denied, "stop it, and start the new release by itself",
                     "rollout '{}' has exposed nobody: there is nothing to go on with",
                     inherited.old.state.rollout);
  const auto stage = rollout::stage_covering(plan, exposed);
  if (!stage)
    return fail_hint(ErrorKind::invalid, "give it a stage that reaches as many",
                     "no stage of rollout '{}' reaches everyone who was offered release {}", plan.rollout,
                     inherited.old.state.release);
  for (std::size_t i = 0; i <= *stage; ++i)
    if (const std::string& people = plan.spec().stages[i].approval; !people.empty())
      return fail_hint(
          ErrorKind::denied, "stop the old one and start this one by itself, so that it can be approved",
          "stage '{}' is reached at once, and '{}' must approve it", plan.stages[i].name, people);
  Loaded probe{plan, rollout::begin(plan, inherited.old.state.plan_digest, inherited.old.state.plan_entry,
                                    deck_.world().clock.now())};
  probe.state.stage = *stage;
  std::vector<std::string> required = rollout::required_conditions(plan, *stage);
  // What is out already needs no window.
  if (rollout::covers(exposed, rollout::rules_at(plan, *stage)))
    std::erase(required, std::string(rollout::window_condition));
  const auto waits = rollout::unmet(required, look(probe, deck_.world().clock.now()));
  if (!waits.empty())
    return fail_hint(ErrorKind::denied, "see to that first, or stop the old one",
                     "cannot go on at stage '{}': {}", plan.stages[*stage].name, rollout::to_text(waits));
  return *stage;
}

// One append ends the old rollout, begins the new one and directs the channel: a kill leaves all of it or
// none.
Result<> Engine::take_over(Loaded& loaded, const Inherited& inherited, std::uint64_t plan_entry,
                           std::size_t stage, const std::string& reason) {
  const Instant now = deck_.world().clock.now();
  rollout::Next begun;
  begun.state = rollout::begin_inheriting(loaded.plan, TRY(rollout::plan_digest(loaded.plan)), plan_entry,
                                          now, inherited.old.state, stage);
  begun.decisions.push_back(fmt::format("release {} goes on at stage {} '{}' with the exposure of {}",
                                        loaded.plan.release, stage + 1, loaded.plan.stages[stage].name,
                                        inherited.old.state.release));
  const rollout::Next ended =
      TRY(rollout::step(inherited.old.plan, inherited.old.state,
                        {now, rollout::Supersede{begun.state.id, loaded.plan.release, reason}}));
  std::vector<journal::Draft> drafts{
      draft_of(inherited.old.state.rollout, "rollout.superseded", ended, reason),
      draft_of(loaded.plan.rollout, "rollout.started", begun, reason)};
  if (const auto decision = TRY(decision_of(loaded, begun.state))) drafts.push_back(*decision);
  TRY(deck_.append(drafts));
  loaded.state = std::move(begun.state);
  decided(ended.decisions);
  decided(begun.decisions);
  return {};
}

}  // namespace tranche::engine
