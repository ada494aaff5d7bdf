// Starting a rollout: the release is verified, its plan frozen, its artifacts published, and only then its
// state journalled.
#include <algorithm>

#include "actions/approvals.hpp"
#include "actions/evidence.hpp"
#include "actions/found_state.hpp"
#include "artifact/collect.hpp"
#include "base/text.hpp"
#include "engine/engine.hpp"
#include "engine/playbook_runner.hpp"

namespace tranche::engine {
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

Result<rollout::Plan> Engine::freeze(const rollout::PlanInput& input) {
  spec::App frozen = deck_.app();
  frozen.people = TRY(actions::frozen_people(deck_));
  rollout::Plan plan = TRY(rollout::make_plan(frozen, input));
  plan.trust_keys = actions::keys_of(deck_.trust());
  for (const spec::Playbook& playbook : plan.config.playbooks) TRY(check_when(playbook));
  return plan;
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
  if (wanted != nullptr && wanted->target.kind != spec::Target::Kind::none)
    input.current = TRY(service_directions(wanted->name));
  else if (wanted != nullptr)
    if (const auto channel = TRY(deck_.channel_state(wanted->channel))) input.current = channel->directions;
  if (const auto inherited = TRY(inherit(request))) {
    input.salt = inherited->old.plan.salt;  // the same devices
    input.supersedes = inherited->old.state.release;
  } else if (const auto running = TRY(running_beside(request.rollout));
             running && running->release == request.release) {
    input.salt = TRY(load(running->rollout)).plan.salt;
  }
  rollout::Plan plan = TRY(freeze(input));
  if (!has_target(plan)) TRY(check_release_for_feeds(plan, release.manifest));
  TRY(actions::demand_evidence(deck_, release, plan.spec().require, request.rollout));
  return plan;
}

// The rollout that is not over and moves the same channel, this one included: two at once would take each
// other's exposure back.
Result<std::optional<rollout::State>> Engine::running_beside(const std::string& rollout) {
  const spec::Rollout* wanted = deck_.app().rollout(rollout);
  for (const spec::Rollout& other : deck_.app().rollouts) {
    if (wanted == nullptr ||
        (other.name != rollout && (other.channel.empty() || other.channel != wanted->channel)))
      continue;
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
  const auto inherited = TRY(inherit(request));
  if (const auto running = TRY(running_beside(request.rollout)); running && !inherited) {
    if (running->rollout == request.rollout && running->release == request.release) {
      const auto again = this->plan(request);
      if (again && TRY(rollout::plan_digest(*again)) == running->plan_digest) {
        Loaded loaded = TRY(load(request.rollout));
        TRY(settle(loaded));
        return report(std::move(loaded));
      }
    }
    return fail_hint(ErrorKind::conflict,
                     "see tranche rollout status " + running->rollout +
                         (deck_.app().rollout(running->rollout)->channel.empty()
                              ? ", and stop it first"
                              : ", stop it first, or let a fix go on with its exposure: --supersede"),
                     "rollout '{}' is still {} with release {}", running->rollout,
                     rollout::to_text(running->phase), running->release);
  }
  const rollout::Plan plan = TRY(this->plan(request));
  const spec::Channel* channel = plan.config.channel(plan.channel);
  const std::size_t stage = inherited ? TRY(inherited_stage(*inherited, plan)) : 0;

  std::optional<LocalRelease> local, fallback;
  if (has_target(plan)) {
    TRY(check_target(plan));
  } else {
    local = TRY(collect(release));
    if (!plan.fallback.empty())
      fallback = TRY_WHILE("preparing the fallback " + plan.fallback,
                           collect(TRY(actions::load_release(deck_, plan.fallback))));
  }

  journal::Draft planned;
  planned.kind = "rollout.planned";
  planned.reason = request.reason;
  planned.data = rollout::to_value(plan);
  // Its time is never before that of an older entry: a clock that is behind must not make a bake look old.
  const journal::Entry written = TRY(deck_.append({planned}))[0];
  const std::uint64_t plan_entry = written.index;

  if (local) TRY(publish_artifacts(*channel, *local));
  if (fallback) TRY(publish_artifacts(*channel, *fallback));

  Loaded loaded{plan, {}};
  if (inherited) {
    TRY(take_over(loaded, *inherited, plan_entry, stage, request.reason));
    TRY(settle(loaded));
    return report(std::move(loaded));
  }
  rollout::Next begun;
  begun.state = rollout::begin(plan, TRY(rollout::plan_digest(plan)), plan_entry, written.at);
  begun.decisions.push_back(
      has_target(plan) ? fmt::format("release {} of service '{}' starts", plan.release, plan.rollout)
                       : fmt::format("release {} starts on channel '{}'", plan.release, plan.channel));
  loaded.state.rollout = plan.rollout;
  TRY(record(loaded, "rollout.started", std::move(begun), request.reason));
  if (loaded.state.phase == rollout::Phase::waiting)
    TRY(feed_event(loaded, "rollout.ticked", observe(loaded)));
  TRY(settle(loaded));
  tell_people(loaded);
  return report(std::move(loaded));
}

}  // namespace tranche::engine
