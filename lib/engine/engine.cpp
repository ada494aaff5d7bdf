#include "engine/engine.hpp"

#include <algorithm>

#include "actions/approvals.hpp"
#include "actions/evidence.hpp"
#include "actions/releases.hpp"
#include "artifact/collect.hpp"
#include "base/text.hpp"
#include "signing/keys.hpp"

namespace tranche::engine {
namespace {

using rollout::EffectKind;

// Each round performs one effect or ends; a rollout has a stage or a playbook an effect, so this is never
// reached.
constexpr int most_rounds = 1'000;

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

// What a feed must know of the artifacts is made with the release: later it would need the release key.
Result<> check_release_for_feeds(const rollout::Plan& plan, const artifact::Manifest& manifest) {
  const spec::Channel& channel = *plan.config.channel(plan.channel);
  if (const auto missing = channel::missing_feeds(channel); !missing.empty())
    return fail_hint(ErrorKind::invalid, "take it out of the channel's feeds",
                     "this build writes no feed '{}'", join(missing, "', '"));
  for (const std::string& feed : channel.feeds) {
    if (feed == "tranche") continue;
    const bool known = std::any_of(manifest.feeds.begin(), manifest.feeds.end(),
                                   [&](const artifact::Document& one) { return one.type == feed; });
    if (!known)
      return fail_hint(
          ErrorKind::invalid,
          "name its artifacts under artifacts:, give the feed to the channel, and make the release "
          "anew under a new version",
          "release {} has nothing for feed '{}' of channel '{}'", manifest.version, feed, channel.name);
  }
  return {};
}

}  // namespace

void Engine::decided(const std::vector<std::string>& decisions) {
  for (const std::string& decision : decisions) {
    decisions_.push_back(decision);
    if (listener_) listener_(decision);
  }
}

Result<Engine::Loaded> Engine::load(const std::string& rollout) {
  const auto entry = TRY(deck_.journal().latest(deck_.rollout_subject(rollout)));
  if (!entry) {
    std::vector<std::string> names;
    for (const spec::Rollout& r : deck_.app().rollouts) names.push_back(r.name);
    const std::string near = nearest(rollout, names);
    return fail_hint(ErrorKind::invalid,
                     near == rollout || near.empty()
                         ? "start it: tranche rollout start " + printable(rollout, 64) + " --release VERSION"
                         : "did you mean '" + near + "'?",
                     "rollout '{}' was never started", printable(rollout, 64));
  }
  Loaded loaded;
  loaded.state =
      TRY_WHILE("reading the state of rollout '" + rollout + "'", rollout::state_from_value(entry->state));
  const std::uint64_t at = loaded.state.plan_entry;
  const auto planned = TRY(deck_.journal().read(at, at + 1));
  if (planned.size() != 1) return fail(ErrorKind::verification, "the journal lacks entry {}, the plan", at);
  loaded.plan = TRY_WHILE("reading the frozen plan", rollout::plan_from_value(planned[0].data));
  if (TRY(rollout::plan_digest(planned[0].data)) != loaded.state.plan_digest)
    return fail_hint(ErrorKind::verification, "check it: tranche journal verify",
                     "the plan in entry {} is not the one that was frozen", at);
  return loaded;
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
  const spec::Channel* channel = plan.config.channel(plan.channel);
  if (channel == nullptr) return fail(ErrorKind::verification, "the plan has no channel '{}'", plan.channel);
  const bool finish = state.pending->kind == EffectKind::finish;
  const auto change = [&](cohort::Directions directions) {
    directions.holds = holds_of(plan.config);
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

Result<> Engine::perform(Loaded& loaded) {
  const rollout::Effect effect = *loaded.state.pending;
  if (effect.kind == EffectKind::playbook) {
    const bool stranded = TRY(perform_playbook(loaded, effect));
    return feed_event(loaded, "rollout.playbook-done", rollout::EffectDone{effect.key, stranded});
  }
  const spec::Channel* channel = loaded.plan.config.channel(loaded.plan.channel);
  if (channel == nullptr)
    return fail(ErrorKind::verification, "the plan has no channel '{}'", loaded.plan.channel);
  if (const auto decision = TRY(decision_of(loaded, loaded.state))) TRY(deck_.append({*decision}));
  TRY(deck_.publish(*channel));
  return feed_event(loaded, effect.kind == EffectKind::finish ? "rollout.done" : "rollout.exposed",
                    rollout::EffectDone{effect.key});
}

Result<> Engine::settle(Loaded& loaded) {
  for (int round = 0; loaded.state.pending; ++round) {
    if (round > most_rounds) return fail(ErrorKind::bug, "rollout '{}' never settles", loaded.state.rollout);
    TRY(perform(loaded));
  }
  return {};
}

Result<rollout::Plan> Engine::plan(const StartRequest& request) {
  const actions::StoredRelease release = TRY(actions::load_release(deck_, request.release));
  const spec::Rollout* wanted = deck_.app().rollout(request.rollout);
  rollout::PlanInput input{
      request.rollout, request.release, release.sha256, {}, request.accept_no_way_back, {}, {}};
  if (const auto fallback = TRY(actions::find_fallback(deck_, request.release))) {
    input.fallback = fallback->manifest.version;
    input.fallback_sha256 = fallback->sha256;
  }
  if (wanted != nullptr)
    if (const auto channel = TRY(deck_.channel_state(wanted->channel))) input.current = channel->directions;
  spec::App frozen = deck_.app();
  frozen.people = TRY(actions::frozen_people(deck_));
  rollout::Plan plan = TRY(rollout::make_plan(frozen, input));
  TRY(check_release_for_feeds(plan, release.manifest));
  TRY(actions::demand_evidence(deck_, release, plan.spec().require, request.rollout));
  return plan;
}

// The rollout that is not over and moves the same channel, this one included: two at once would take each
// other's exposure back.
Result<std::optional<rollout::State>> Engine::running_beside(const std::string& rollout) {
  const spec::Rollout* wanted = deck_.app().rollout(rollout);
  for (const spec::Rollout& other : deck_.app().rollouts) {
    if (wanted == nullptr || other.channel != wanted->channel) continue;
    const auto entry = TRY(deck_.journal().latest(deck_.rollout_subject(other.name)));
    if (!entry) continue;
    rollout::State state = TRY(rollout::state_from_value(entry->state));
    if (!rollout::is_final(state.phase)) return std::optional(std::move(state));
  }
  return std::optional<rollout::State>();
}

Result<Engine::LocalRelease> Engine::collect(actions::StoredRelease release) {
  std::vector<artifact::Pattern> patterns;
  for (const spec::Artifact& item : deck_.app().artifacts)
    patterns.push_back({item.path, item.platform, item.kind, item.place});
  const std::string& version = release.manifest.version;
  const auto found = TRY_WHILE("collecting the artifacts of release " + version,
                               artifact::collect(deck_.world().files, deck_.repository(), patterns, version,
                                                 artifact::Digests::named));
  std::map<std::string, std::string> paths;
  for (const artifact::Artifact& item : found) paths[item.name] = item.path;
  // Their digests are checked by the store as it copies them; here, that they look like those.
  const bool as_recorded = std::ranges::all_of(release.manifest.artifacts, [&](const auto& item) {
    const auto here = std::ranges::find(found, item.name, &artifact::Artifact::name);
    return here != found.end() && here->size == item.size &&
           (here->sha256.empty() || here->sha256 == item.sha256);
  });
  if (!as_recorded)
    TRY_WHILE("comparing the artifacts with the manifest",
              artifact::verify_files(release.manifest, deck_.world().files, paths));
  LocalRelease local;
  if (const auto recorded = TRY(actions::load_recorded(deck_, version)))
    for (const artifact::Document& document : recorded->manifest.feeds)
      local.documents.emplace_back(document.name, recorded->facts.at(document.type));
  local.release = std::move(release);
  for (const artifact::Artifact& item : local.release.manifest.artifacts)
    local.paths.emplace_back(item.name, paths[item.name]);
  return local;
}

// Everything that a feed of the channel may name lies in the store before a feed names it.
Result<> Engine::publish_artifacts(const spec::Channel& channel, const LocalRelease& local) {
  if (channel.mode == spec::Channel::Mode::observe) return {};
  store::Store* store = TRY(deck_.channel_store(channel));
  TRY_WHILE("publishing the artifacts to " + store->describe(),
            channel::publish_release(*store, local.release.manifest, local.release.envelope, local.paths,
                                     local.documents));
  return channel::publish_aliases(*store, channel, local.release.manifest, local.paths);
}

Result<Report> Engine::start(const StartRequest& request) {
  if (const spec::Rollout* wanted = deck_.app().rollout(request.rollout))
    if (const spec::Channel* channel = deck_.app().channel(wanted->channel)) TRY(take_in_stops(*channel));
  const actions::StoredRelease release = TRY(actions::load_release(deck_, request.release));
  if (const auto running = TRY(running_beside(request.rollout))) {
    if (running->rollout == request.rollout && running->release == request.release) {
      const auto again = this->plan(request);
      if (again && TRY(rollout::plan_digest(*again)) == running->plan_digest) {
        Loaded loaded = TRY(load(request.rollout));
        TRY(settle(loaded));
        return report(std::move(loaded));
      }
    }
    return fail_hint(ErrorKind::conflict,
                     "see tranche rollout status " + running->rollout + ", or stop it first",
                     "rollout '{}' is still {} with release {}", running->rollout,
                     rollout::to_text(running->phase), running->release);
  }
  const rollout::Plan plan = TRY(this->plan(request));
  const spec::Channel* channel = plan.config.channel(plan.channel);

  const LocalRelease local = TRY(collect(release));
  std::optional<LocalRelease> fallback;
  if (!plan.fallback.empty())
    fallback = TRY_WHILE("preparing the fallback " + plan.fallback,
                         collect(TRY(actions::load_release(deck_, plan.fallback))));

  journal::Draft planned;
  planned.kind = "rollout.planned";
  planned.reason = request.reason;
  planned.data = rollout::to_value(plan);
  const std::uint64_t plan_entry = TRY(deck_.append({planned}))[0].index;

  TRY(publish_artifacts(*channel, local));
  if (fallback) TRY(publish_artifacts(*channel, *fallback));

  Loaded loaded{plan, {}};
  rollout::Next begun;
  begun.state = rollout::begin(plan, TRY(rollout::plan_digest(plan)), plan_entry, deck_.world().clock.now());
  begun.decisions.push_back(fmt::format("release {} starts on channel '{}'", plan.release, plan.channel));
  loaded.state.rollout = plan.rollout;
  TRY(record(loaded, "rollout.started", std::move(begun), request.reason));
  TRY(settle(loaded));
  return report(std::move(loaded));
}

Result<Report> Engine::advance(const std::string& rollout) {
  Loaded loaded = TRY(load_and_take_in(rollout));
  for (int round = 0; round < most_rounds; ++round) {
    TRY(settle(loaded));
    if (rollout::is_final(loaded.state.phase)) break;
    TRY(feed_event(loaded, "rollout.ticked", observe(loaded)));
    if (!loaded.state.pending) break;
  }
  if (const spec::Channel* channel = loaded.plan.config.channel(loaded.plan.channel)) {
    // What another run decided and, killed, did not publish is repaired here.
    TRY(deck_.publish(*channel));
    TRY(deck_.publish_flags(*channel));
    TRY(deck_.renew(*channel));
  }
  return report(std::move(loaded));
}

Result<Report> Engine::apply(const std::string& rollout, const rollout::What& what) {
  if (const auto* stopping = std::get_if<rollout::Stop>(&what)) return stop(rollout, stopping->reason);
  const std::string kind = std::visit(
      [](const auto& event) -> std::string {
        using E = std::decay_t<decltype(event)>;
        if constexpr (std::is_same_v<E, rollout::Pause>) return "rollout.paused";
        if constexpr (std::is_same_v<E, rollout::Resume>) return "rollout.resumed";
        if constexpr (std::is_same_v<E, rollout::Promote>) return "rollout.promoted";
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
  TRY(feed_event(loaded, kind, what, reason));
  TRY(settle(loaded));
  return report(std::move(loaded));
}

Instant Engine::next_tick(const Report& report, Duration longest) {
  const Instant now = deck_.world().clock.now();
  Instant next = now + longest;
  for (const rollout::Want& want : rollout::wanted(report.plan, report.state)) {
    const spec::Gate* gate = report.plan.config.gate(want.gate);
    if (gate == nullptr) continue;
    const spec::Source* source = report.plan.config.source(gate->source);
    next =
        std::min(next, want.after + rollout::period(*gate) + (source == nullptr ? Duration{} : source->lag));
  }
  const DurationRange& bake = report.plan.stages[report.state.stage].bake;
  for (const Duration moment : {bake.min, bake.max})
    if (const Instant at = report.state.stage_since + moment; at > now) next = std::min(next, at);
  // Never in a tight loop: a source that is behind is asked again after a little while.
  return std::max(next, now + std::chrono::milliseconds(100));
}

}  // namespace tranche::engine
