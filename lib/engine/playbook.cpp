// Running a playbook: each step is journalled before it is taken and after; a try that was cut short is asked
// about, and what cannot be asked is shown to a person, not repeated.
#include <algorithm>

#include "base/text.hpp"
#include "engine/engine.hpp"
#include "rollout/feeds.hpp"

namespace tranche::engine {
namespace {

using actions::Asked;
using playbook::Ended;

journal::Draft step_draft(actions::Deck& deck, const rollout::State& state, const playbook::Run& run,
                          std::size_t step, std::string kind) {
  const playbook::StepRecord& record = run.steps[step];
  journal::Draft draft;
  draft.kind = std::move(kind);
  draft.subject = deck.playbook_subject(state.rollout);
  draft.data = doc::Value::object({{"step", record.id},
                                   {"uses", record.uses},
                                   {"status", playbook::to_text(record.status)},
                                   {"attempt", record.attempts},
                                   {"detail", record.detail}});
  draft.state = playbook::to_value(run);
  return draft;
}

// Waiting mends a network, not a request that nobody can honour.
bool can_be_retried(ErrorKind kind) {
  return kind != ErrorKind::invalid && kind != ErrorKind::denied && kind != ErrorKind::stranded;
}

Result<actions::Outcome> no_action(const std::string& uses) {
  return fail(ErrorKind::invalid, "there is no action '{}' in this build", printable(uses, 64));
}

}  // namespace

Result<bool> Engine::perform_playbook(Loaded& loaded, const rollout::Effect& effect) {
  const rollout::Plan& plan = loaded.plan;
  const spec::Playbook* spec = plan.config.playbook(effect.playbook);
  if (spec == nullptr) return fail(ErrorKind::verification, "the plan has no playbook '{}'", effect.playbook);
  ports::Clock& clock = deck_.world().clock;

  playbook::Run run = playbook::begin(*spec, effect.key, clock.now());
  if (const auto entry = TRY(deck_.journal().latest(deck_.playbook_subject(loaded.state.rollout)))) {
    playbook::Run earlier = TRY(playbook::run_from_value(entry->state));
    if (earlier.key == effect.key && earlier.steps.size() == spec->steps.size()) run = std::move(earlier);
  }
  while (const auto step = playbook::current(run)) {
    playbook::StepRecord& record = run.steps[*step];
    const actions::Action* action = actions::find_action(record.uses);
    const actions::Call call{plan,
                             spec->steps[*step],
                             loaded.state.id,
                             playbook::step_key(run, *step),
                             {deck_.by(), loaded.state.because},
                             clock.now() + spec->steps[*step].timeout};
    bool again = true;
    if (record.status == playbook::Status::running) {
      const auto asked = action == nullptr ? Result<Asked>(Asked::not_done) : action->ask(deck_, call);
      if (asked && *asked == Asked::done) {
        run = playbook::mark_ended(run, *spec, *step, Ended::done, "found done after an interruption",
                                   clock.now());
        again = false;
      } else if (!asked || *asked == Asked::unknown) {
        run = playbook::mark_ended(run, *spec, *step, Ended::unknown,
                                   "cut short, and nobody can be asked: check by hand", clock.now());
        again = false;
      }
    } else {
      if (record.not_before > clock.now() && !clock.sleep_until(record.not_before))
        return fail_hint(ErrorKind::interrupted, "run it again: it goes on where it stopped",
                         "interrupted while playbook '{}' runs", spec->name);
      run = playbook::mark_running(run, *step);
      TRY(deck_.append({step_draft(deck_, loaded.state, run, *step, "playbook.step-intended")}));
    }
    if (again) {
      const auto result = action != nullptr ? action->perform(deck_, call) : no_action(call.step.uses);
      if (result) {
        // What is not done yet is tried again, as `retry` says.
        const Ended how = result->not_before ? Ended::failed : Ended::done;
        run = playbook::mark_ended(run, *spec, *step, how, result->text, clock.now());
      } else if (result.error().kind == ErrorKind::conflict) {
        return fail(
            result.error());  // somebody else moved the journal: the tick is taken again on what is there
      } else {
        const Ended how = can_be_retried(result.error().kind) ? Ended::failed : Ended::refused;
        run = playbook::mark_ended(run, *spec, *step, how, result.error().message, clock.now());
      }
    }
    TRY(deck_.append({step_draft(deck_, loaded.state, run, *step, "playbook.step-ended")}));
    decided({fmt::format("playbook '{}' step {}: {}: {}", spec->name, run.steps[*step].id,
                         playbook::to_text(run.steps[*step].status), run.steps[*step].detail)});
  }
  // A rollback is over when devices can read it: a feed that a step could not publish is tried again here,
  // and by every tick until it is out.
  const spec::Channel* stream = plan.config.channel(plan.channel);
  if (stream == nullptr) return fail(ErrorKind::verification, "the plan has no channel '{}'", plan.channel);
  TRY(deck_.publish(*stream));
  // Nobody is stranded when the channel says that the release is withdrawn and where its devices go.
  const auto channel = TRY(deck_.channel_state(plan.channel));
  if (!channel) return true;
  const auto& withdrawn = channel->directions.withdrawn;
  const bool no_fallback = std::none_of(withdrawn.begin(), withdrawn.end(), [&](const cohort::Withdrawn& w) {
    return w.version == plan.release && !w.fallback.empty();
  });
  const std::vector<std::string> stranding = rollout::stranding_feeds(plan, loaded.state.stage);
  for (const std::string& feed : stranding)
    decided({fmt::format("feed '{}': devices that took {} keep it", feed, plan.release)});
  return no_fallback || !stranding.empty();
}

}  // namespace tranche::engine
