// A tick: finish what is pending, read the gates, decide, perform, until nothing is left to do now.
#include <algorithm>

#include "base/text.hpp"
#include "engine/engine.hpp"

namespace tranche::engine {
namespace {

using rollout::EffectKind;

// Each round performs one effect or ends; a rollout has a stage or a playbook an effect, so this is never
// reached.
constexpr int most_rounds = 1'000;

// These say nothing of the effect: somebody else moved, the user left, or the fault is ours.
bool is_of_the_effect(ErrorKind kind) {
  return kind != ErrorKind::conflict && kind != ErrorKind::interrupted && kind != ErrorKind::bug &&
         kind != ErrorKind::pending;
}

bool may_be_tried(const rollout::State& state, Instant now) {
  return !state.trouble || (!state.trouble->unknown && rollout::due(*state.trouble, now) <= now);
}

}  // namespace

Result<bool> Engine::perform(Loaded& loaded) {
  const rollout::Effect effect = *loaded.state.pending;
  if (effect.kind == EffectKind::playbook) {
    const auto stranded = TRY(perform_playbook(loaded, effect));
    if (!stranded) return false;
    TRY(feed_event(loaded, "rollout.playbook-done", rollout::EffectDone{effect.key, *stranded}));
    settle_stopped(loaded.state.rollout);
    return true;
  }
  if (has_target(loaded.plan)) return perform_target(loaded, effect);
  const spec::Channel* channel = loaded.plan.config.channel(loaded.plan.channel);
  if (channel == nullptr)
    return fail(ErrorKind::verification, "the plan has no channel '{}'", loaded.plan.channel);
  if (const auto decision = TRY(decision_of(loaded, loaded.state))) TRY(deck_.append({*decision}));
  TRY(deck_.publish(*channel));
  TRY(feed_event(loaded, effect.kind == EffectKind::finish ? "rollout.done" : "rollout.exposed",
                 rollout::EffectDone{effect.key}));
  return true;
}

// As perform; what went wrong with the effect is journalled with the time of its next attempt.
Result<bool> Engine::try_pending(Loaded& loaded) {
  const rollout::Effect effect = *loaded.state.pending;
  auto done = perform(loaded);
  if (done || !is_of_the_effect(done.error().kind)) return done;
  if (!loaded.state.pending || loaded.state.pending->key != effect.key) return done;
  rollout::EffectFailed failed{effect.key, printable(done.error().message, 400), 0};
  if (const auto bytes = deck_.world().random.bytes(2); bytes && bytes->size() == 2)
    failed.chance =
        ((static_cast<unsigned char>((*bytes)[0]) << 8) | static_cast<unsigned char>((*bytes)[1])) % 1'000;
  // Where the journal cannot be written either, the next tick finds the effect as it was.
  (void)feed_event(loaded, "rollout.effect-failed", std::move(failed));
  return done;
}

Result<> Engine::settle(Loaded& loaded) {
  for (int round = 0; loaded.state.pending; ++round) {
    if (round > most_rounds) return fail(ErrorKind::bug, "rollout '{}' never settles", loaded.state.rollout);
    if (deck_.world().clock.interrupted())
      return fail_hint(ErrorKind::interrupted, "run it again: it goes on where it stopped",
                       "interrupted before {}", loaded.state.pending->key);
    if (!TRY(try_pending(loaded))) break;
  }
  return {};
}

Result<Report> Engine::advance(const std::string& rollout) {
  deck_.read_wall_clock();
  Loaded loaded = TRY(load_and_take_in(rollout));
  std::optional<Error> failure;  // of an effect; the stage that is out is watched all the same
  for (int round = 0; round < most_rounds; ++round) {
    if (loaded.state.pending && may_be_tried(loaded.state, deck_.world().clock.now())) {
      auto settled = settle(loaded);
      if (!settled) {
        if (!loaded.state.trouble) return fail(std::move(settled.error()));
        failure = std::move(settled.error());
      }
    }
    if (rollout::is_final(loaded.state.phase)) break;
    const auto pending_before = loaded.state.pending;
    TRY(feed_event(loaded, "rollout.ticked", observe(loaded)));
    if (!loaded.state.pending || loaded.state.pending == pending_before) break;
    failure.reset();  // what failed is not wanted any more
  }
  tell_people(loaded);
  beat(loaded.plan.spec());
  if (failure) return fail(std::move(*failure));
  // A store that has just refused is left alone until the effect is due again.
  const spec::Channel* channel = loaded.plan.config.channel(loaded.plan.channel);
  if (channel != nullptr && !loaded.state.trouble) {
    // What another run decided and, killed, did not publish is repaired here.
    TRY(deck_.publish(*channel));
    TRY(deck_.publish_flags(*channel));
    TRY(deck_.renew(*channel));
  }
  return report(std::move(loaded));
}

// The playbook on-hold. Whatever becomes of it, the tick has done its work: it is tried again by the next.
void Engine::tell_people(Loaded& loaded) {
  if (!loaded.state.notice) return;
  const rollout::Effect notice = *loaded.state.notice;
  const auto told = [&]() -> Result<> {
    if (!TRY(perform_playbook(loaded, notice))) return {};  // it waits
    return feed_event(loaded, "rollout.people-told", rollout::NoticeDone{notice.key});
  }();
  if (!told && told.error().kind != ErrorKind::pending)
    decided({fmt::format("warning: playbook '{}' did not end: {}", notice.playbook,
                         printable(told.error().message, 200))});
}

Instant Engine::next_tick(const Report& report, Duration longest) {
  const Instant now = deck_.world().clock.now();
  const rollout::State& state = report.state;
  Instant next = now + longest;
  const auto by = [&](Instant moment) {
    if (moment > now) next = std::min(next, moment);
  };
  for (const rollout::Want& want : rollout::wanted(report.plan, state)) {
    const spec::Gate* gate = report.plan.config.gate(want.gate);
    if (gate == nullptr) continue;
    const spec::Source* source = report.plan.config.source(gate->source);
    next =
        std::min(next, want.after + rollout::period(*gate) + (source == nullptr ? Duration{} : source->lag));
  }
  const DurationRange& bake = report.plan.stages[state.stage].bake;
  if (rollout::has_begun(state))
    for (const Duration moment : {bake.min, bake.max}) by(state.stage_since + moment);
  for (const rollout::Wait& wait : state.waits)
    if (wait.until) by(*wait.until);
  if (state.trouble) by(rollout::due(*state.trouble, now));
  // Never in a tight loop: a source that is behind is asked again after a little while.
  return std::max(next, now + std::chrono::milliseconds(100));
}

}  // namespace tranche::engine
