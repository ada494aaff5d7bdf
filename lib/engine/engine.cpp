#include "engine/engine.hpp"

#include <algorithm>

#include "actions/approvals.hpp"
#include "base/text.hpp"

namespace tranche::engine {
namespace {

using rollout::EffectKind;

std::vector<cohort::Hold> holds_of(const spec::App& app) {
  std::vector<cohort::Hold> holds;
  for (const spec::Cohort& cohort : app.cohorts) {
    if (cohort.hold.empty()) continue;
    holds.push_back({cohort.match, cohort.hold, cohort.feed_channel});
    // A pin without labels would hold everyone: those known by the file they read say so in a label.
    if (cohort.match.empty()) holds.back().labels["feed-channel"] = {cohort.feed_channel};
  }
  return holds;
}

}  // namespace

void Engine::decided(const std::vector<std::string>& decisions) {
  for (const std::string& decision : decisions) {
    decisions_.push_back(decision);
    if (listener_) listener_(decision);
  }
}

Result<std::optional<rollout::Neighbour>> load_rollout(actions::Deck& deck, const std::string& rollout) {
  const auto entry = TRY(deck.journal().latest(deck.rollout_subject(rollout)));
  if (!entry) return std::optional<rollout::Neighbour>();
  rollout::Neighbour loaded;
  loaded.state =
      TRY_WHILE("reading the state of rollout '" + rollout + "'", rollout::state_from_value(entry->state));
  const std::uint64_t at = loaded.state.plan_entry;
  const auto planned = TRY(deck.journal().read(at, at + 1));
  if (planned.size() != 1) return fail(ErrorKind::verification, "the journal lacks entry {}, the plan", at);
  loaded.plan = TRY_WHILE("reading the frozen plan", rollout::plan_from_value(planned[0].data));
  if (TRY(rollout::plan_digest(planned[0].data)) != loaded.state.plan_digest)
    return fail_hint(ErrorKind::verification, "check it: tranche journal verify",
                     "the plan in entry {} is not the one that was frozen", at);
  return std::optional(std::move(loaded));
}

Result<Engine::Loaded> Engine::load(const std::string& rollout) {
  auto loaded = TRY(load_rollout(deck_, rollout));
  if (loaded) {
    // A log that nobody vouches for sends no secret anywhere.
    if (leaves_playbooks_)
      for (spec::Channel& channel : loaded->plan.config.channels) channel.purge = {};
    return std::move(*loaded);
  }
  std::vector<std::string> names;
  for (const spec::Rollout& r : deck_.app().rollouts) names.push_back(r.name);
  const std::string near = nearest(rollout, names);
  return fail_hint(ErrorKind::invalid,
                   near == rollout || near.empty()
                       ? "start it: tranche rollout start " + printable(rollout, 64) + " --release VERSION"
                       : "did you mean '" + near + "'?",
                   "rollout '{}' was never started", printable(rollout, 64));
}

Result<Report> Engine::report(Loaded loaded) {
  Report report;
  if (const auto entry = TRY(deck_.journal().latest(deck_.playbook_subject(loaded.state.rollout))))
    report.playbook = TRY(playbook::run_from_value(entry->state));
  if (report.playbook && !report.playbook->key.starts_with(loaded.state.id + "/")) report.playbook.reset();
  report.plan = std::move(loaded.plan);
  report.state = std::move(loaded.state);
  report.decisions = std::move(decisions_);
  decisions_.clear();
  return report;
}

Result<Report> Engine::status(const std::string& rollout) { return report(TRY(load(rollout))); }

// The decision about the channel that a pending expose or finish asks for, so that it is journalled with its
// intent.
Result<std::optional<journal::Draft>> Engine::decision_of(const Loaded& loaded, const rollout::State& state) {
  if (!state.pending || state.pending->kind == EffectKind::playbook) return std::nullopt;
  const rollout::Plan& plan = loaded.plan;
  if (has_target(plan)) return std::nullopt;
  const spec::Channel* channel = plan.config.channel(plan.channel);
  if (channel == nullptr) return fail(ErrorKind::verification, "the plan has no channel '{}'", plan.channel);
  const bool finish = state.pending->kind == EffectKind::finish;
  const auto change = [&](cohort::Directions directions) {
    // A rollout brings its own pins; those that a playbook sets meanwhile (channel.hold) stay with them.
    std::vector<cohort::Hold> holds = holds_of(plan.config);
    if (finish || state.pending->stage > 0)
      for (const cohort::Hold& hold : directions.holds)
        if (std::ranges::find(holds, hold) == holds.end()) holds.push_back(hold);
    directions.holds = std::move(holds);
    if (finish) {
      directions.baseline = plan.release;
      directions.offer.reset();
    } else {
      directions.offer =
          cohort::Offer{plan.release, plan.salt, rollout::rules_at(plan, state.pending->stage)};
    }
    return directions;
  };
  const std::vector<channel::ReleaseRef> refs{
      {plan.release, plan.manifest_sha256, channel::manifest_name(plan.release)}};
  return deck_.decide(*channel, state.pending->key, state.plan_digest, refs, change, state.because);
}

journal::Draft Engine::draft_of(const std::string& rollout, const std::string& kind,
                                const rollout::Next& next, const std::string& reason) {
  journal::Draft draft;
  draft.kind = kind;
  draft.subject = deck_.rollout_subject(rollout);
  draft.reason = reason;
  doc::Value decisions = doc::Value::array();
  for (const std::string& decision : next.decisions) decisions.push(decision);
  draft.data = doc::Value::object({{"decisions", decisions}});
  draft.state = rollout::to_value(next.state);
  return draft;
}

Result<> Engine::record(Loaded& loaded, const std::string& kind, rollout::Next next,
                        const std::string& reason) {
  journal::Draft draft = draft_of(loaded.state.rollout, kind, next, reason);
  if (doc::Value summaries = TRY(leave_summaries(loaded, next.state)); !summaries.as_array().empty())
    draft.data.set("gates-passed", std::move(summaries));
  std::vector<journal::Draft> drafts{draft};
  if (const auto decision = TRY(decision_of(loaded, next.state))) drafts.push_back(*decision);
  TRY(deck_.append(drafts));
  loaded.state = std::move(next.state);
  decided(next.decisions);
  return {};
}

Result<> Engine::feed_event(Loaded& loaded, const std::string& kind, rollout::What what,
                            const std::string& reason) {
  rollout::Next next =
      TRY(rollout::step(loaded.plan, loaded.state, {deck_.world().clock.now(), std::move(what)}));
  if (next.decisions.empty() && rollout::to_value(next.state) == rollout::to_value(loaded.state)) return {};
  return record(loaded, kind, std::move(next), reason);
}

namespace {

// Going on after a hold or a pause is approved by the people whom the stage asks.
Result<> demand_approval(actions::Deck& deck, const rollout::Plan& plan, const rollout::State& state) {
  if (state.phase != rollout::Phase::held && state.phase != rollout::Phase::paused) return {};
  const auto request = TRY(actions::resume_request(plan, state));
  if (!request) return {};
  const actions::Standing standing =
      TRY(actions::standing(deck, plan.config, *request, deck.world().clock.now()));
  if (!standing.met) return fail(ErrorKind::pending, "{}", standing.why);  // ends with the command that helps
  return {};
}

}  // namespace

Result<Report> Engine::apply(const std::string& rollout, const rollout::What& what) {
  if (const auto* stopping = std::get_if<rollout::Stop>(&what)) return stop(rollout, stopping->reason);
  const std::string kind = std::visit(
      [](const auto& event) -> std::string {
        using E = std::decay_t<decltype(event)>;
        if constexpr (std::is_same_v<E, rollout::Pause>) return "rollout.paused";
        if constexpr (std::is_same_v<E, rollout::Resume>) return "rollout.resumed";
        if constexpr (std::is_same_v<E, rollout::Promote>) return "rollout.promoted";
        if constexpr (std::is_same_v<E, rollout::Settle>) return "rollout.settled";
        return "rollout.ticked";
      },
      what);
  const std::string reason = std::visit(
      [](const auto& event) -> std::string {
        if constexpr (requires { event.reason; }) return event.reason;
        return {};
      },
      what);
  Loaded loaded = TRY(load_and_take_in(rollout));
  if (std::holds_alternative<rollout::Resume>(what) || std::holds_alternative<rollout::Promote>(what))
    TRY(demand_approval(deck_, loaded.plan, loaded.state));
  rollout::What event = what;
  if (auto* promote = std::get_if<rollout::Promote>(&event))
    promote->conditions = look(loaded, deck_.world().clock.now());
  TRY(feed_event(loaded, kind, std::move(event), reason));
  TRY(settle(loaded));
  return report(std::move(loaded));
}

Result<Report> Engine::rehearse(const std::string& rollout, const rollout::What& what) {
  Loaded loaded = TRY(load(rollout));
  const Instant now = deck_.world().clock.now();
  rollout::What event = what;
  if (auto* promote = std::get_if<rollout::Promote>(&event)) promote->conditions = look(loaded, now);
  rollout::Next next = TRY(rollout::step(loaded.plan, loaded.state, {now, std::move(event)}));
  loaded.state = std::move(next.state);
  decided(next.decisions);
  return report(std::move(loaded));
}

}  // namespace tranche::engine
