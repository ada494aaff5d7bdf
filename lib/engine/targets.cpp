// Services: a rollout without a channel moves its target instead. The intent is the pending effect in the
// journal, as for a channel; a target looks what is there before it does anything, so an effect that was cut
// short is simply made again.
#include <algorithm>

#include "actions/other_rollout.hpp"
#include "actions/target.hpp"
#include "base/text.hpp"
#include "engine/engine.hpp"

namespace tranche::engine {
namespace {

constexpr std::size_t entries_at_once = 1000;

actions::Move move_of(const actions::Deck& deck, const rollout::Plan& plan, const rollout::State& state,
                      const rollout::Effect& effect, Instant now) {
  actions::Move move{plan, state.id, effect.key, {deck.by(), state.because}};
  move.stage = effect.kind == rollout::EffectKind::finish ? plan.stages.size() - 1 : effect.stage;
  move.since = state.trouble && state.trouble->attempts == 0 ? state.trouble->since : now;
  return move;
}

}  // namespace

bool has_target(const rollout::Plan& plan) { return plan.spec().target.kind != spec::Target::Kind::none; }

bool took_back(const playbook::Run& run) {
  const auto is_done = [](const playbook::StepRecord& step) { return step.status == playbook::Status::done; };
  const auto undo = std::ranges::find(run.steps, "target.undo", &playbook::StepRecord::uses);
  return undo == run.steps.end() ? std::ranges::all_of(run.steps, is_done) : is_done(*undo);
}

Result<> Engine::check_target(const rollout::Plan& plan) {
  const auto target = TRY(actions::open_target(deck_, plan));
  const rollout::State none;
  TRY_WHILE("looking at " + target->describe(),
            target->check(move_of(deck_, plan, none, {}, deck_.world().clock.now())));
  return {};
}

Result<bool> Engine::perform_target(Loaded& loaded, const rollout::Effect& effect) {
  const Instant now = deck_.world().clock.now();
  const auto target = TRY(actions::open_target(deck_, loaded.plan));
  if (loaded.state.trouble && loaded.state.trouble->begun) {
    // No try may last longer than that: one that seems to was written by a wrong clock.
    const Duration left = loaded.state.trouble->not_before - now;
    if (left > Duration{} && left <= target->runs_alone()) {
      decided({loaded.state.trouble->error});
      return false;
    }
    if (!target->can_be_asked()) {
      const std::string detail = target->describe() + " was begun, and nobody heard how it ended";
      TRY(feed_event(loaded, "rollout.effect-unknown", rollout::EffectUnknown{effect.key, detail}));
      return false;
    }
  }
  const actions::Move move = move_of(deck_, loaded.plan, loaded.state, effect, now);
  if (const Duration alone = target->runs_alone(); alone > Duration{})
    TRY(feed_event(loaded, "rollout.effect-begins",
                   rollout::EffectWaits{effect.key,
                                        fmt::format("{} runs since {}, for at most {}", target->describe(),
                                                    to_text(now), to_text(alone)),
                                        now + alone, true}));
  const bool finish = effect.kind == rollout::EffectKind::finish;
  auto moved = finish ? target->finish(move) : target->expose(move);
  if (!moved && moved.error().kind == ErrorKind::gate_failed) {
    // The target itself says that the release is bad, or what it runs is not ours any more: take it back.
    TRY(feed_event(loaded, "rollout.target-failed", rollout::Stop{moved.error().message}));
    return true;
  }
  if (!moved) {
    // A conflict there is none of the journal's.
    if (moved.error().kind == ErrorKind::conflict) moved.error().kind = ErrorKind::failed;
    return fail(std::move(moved.error()));
  }
  if (moved->not_before) {
    TRY(feed_event(loaded, "rollout.effect-waits",
                   rollout::EffectWaits{effect.key, moved->text, *moved->not_before}));
    return false;
  }
  decided({moved->text});
  TRY(feed_event(loaded, finish ? "rollout.done" : "rollout.exposed", rollout::EffectDone{effect.key}));
  return true;
}

// Before the playbook: whatever its other steps run into, the service is on its way back. What does not work
// here is tried again by the playbook's own step.
Result<> Engine::undo_target(Loaded& loaded) {
  const Instant now = deck_.world().clock.now();
  const auto undone = [&]() -> Result<actions::Outcome> {
    const auto target = TRY(actions::open_target(deck_, loaded.plan));
    actions::Move move{
        loaded.plan, loaded.state.id, actions::undo_key(loaded.state.id), {deck_.by(), loaded.state.because}};
    move.stage = loaded.plan.stages.size() - 1;
    move.since = now;
    return target->undo(move);
  }();
  if (!undone) {
    decided({fmt::format("release {} is not taken back yet: {}", loaded.plan.release,
                         printable(undone.error().message, 300))});
    return {};
  }
  decided({undone->text});
  if (undone->not_before || TRY(actions::under_way_until(deck_, loaded.plan, loaded.state.id))) return {};
  return actions::note_undone(deck_, loaded.plan, loaded.state.id, *undone);
}

// What the service runs when nothing is rolled out, and what was taken back: the history of the rollouts of
// this name. A service has no feed that would say it.
Result<cohort::Directions> Engine::service_directions(const std::string& rollout) {
  cohort::Directions directions;
  const std::string subject = deck_.rollout_subject(rollout);
  const std::uint64_t size = deck_.journal().size();
  for (std::uint64_t from = 0; from < size; from += entries_at_once) {
    for (const journal::Entry& entry :
         TRY(deck_.journal().read(from, std::min(size, from + entries_at_once)))) {
      if (entry.subject != subject || entry.state.is_null()) continue;
      const rollout::State state = TRY(rollout::state_from_value(entry.state));
      if (state.phase == rollout::Phase::done) directions.baseline = state.release;
      const bool back = state.phase == rollout::Phase::rolled_back || state.phase == rollout::Phase::stranded;
      if (!back) continue;
      if (std::ranges::find(directions.withdrawn, state.release, &cohort::Withdrawn::version) ==
          directions.withdrawn.end())
        directions.withdrawn.push_back({state.release, {}});
      if (directions.baseline == state.release) {
        // It was everyone's, and was undone: its plan says what came back.
        const auto planned = TRY(deck_.journal().read(state.plan_entry, state.plan_entry + 1));
        directions.baseline = planned.empty() ? std::string() : TRY(planned[0].data.text_or("baseline", ""));
      }
    }
  }
  return directions;
}

// A playbook may have stopped others of this app (rollout.stop): they are taken back now and not by their
// next tick, which may be hours away. What fails there is theirs, and their next tick tries it again.
void Engine::settle_stopped(const std::string& own) {
  for (const spec::Rollout& other : deck_.app().rollouts) {
    if (other.name == own) continue;
    const auto state = actions::read_rollout(deck_, other.name);
    if (!state || !*state || (*state)->phase != rollout::Phase::rolling_back || !(*state)->pending) continue;
    const auto settled = [&]() -> Result<> {
      Loaded loaded = TRY(load(other.name));
      return settle(loaded);
    }();
    if (!settled)
      decided({fmt::format("rollout '{}' is not back yet: {}", other.name,
                           printable(settled.error().message, 200))});
  }
}

}  // namespace tranche::engine
