// The machine itself. Exposure only grows on a pass of every gate after the bake's minimum, and never while
// suspect; any fail, from any watching phase, starts the playbook; stopping is possible from every phase.
#include <algorithm>

#include "rollout/explain.hpp"
#include "rollout/state.hpp"

namespace tranche::rollout {
namespace {

using gate::Verdict;

// A stage begins: threshold gates count anew from its start, compare gates keep their one process.
void enter_stage(const Plan& plan, State& state, std::size_t stage, Instant now) {
  state.stage = stage;
  state.stage_since = now;
  state.phase = Phase::baking;
  for (const std::string& name : plan.stages[stage].gates) {
    const spec::Gate* gate = plan.config.gate(name);
    if (gate == nullptr) continue;
    begin_stage(state.gates[name], *gate, now);
  }
}

class Machine {
 public:
  Machine(const Plan& plan, const State& state, Instant now) : plan_(plan), now_(now), next_{state, {}} {}

  Result<Next> on(const Tick& tick) {
    if (is_final(state().phase) || state().pending) return std::move(next_);
    observe(tick);
    decide();
    return std::move(next_);
  }

  Result<Next> on(const EffectDone& done) {
    if (!state().pending || state().pending->key != done.key)
      return fail(ErrorKind::bug, "effect '{}' was not pending", done.key);
    const Effect effect = *state().pending;
    state().pending.reset();
    switch (effect.kind) {
      case EffectKind::expose:
        enter_stage(plan_, state(), effect.stage, now_);
        say(fmt::format("stage {} '{}' is exposed", effect.stage + 1, plan_.stages[effect.stage].name));
        break;
      case EffectKind::finish:
        to(Phase::done, fmt::format("release {} is the baseline now", state().release));
        state().finished = now_;
        break;
      case EffectKind::playbook:
        if (done.stranded) {
          to(Phase::stranded,
             fmt::format("release {} is withdrawn, devices that have it keep it", state().release));
        } else {
          to(Phase::rolled_back, state().because);
        }
        state().finished = now_;
        break;
    }
    return std::move(next_);
  }

  Result<Next> on(const EffectFailed& failed) {
    if (!state().pending || state().pending->key != failed.key)
      return fail(ErrorKind::bug, "effect '{}' was not pending", failed.key);
    say(fmt::format("effect {} failed, it will be tried again: {}", failed.key, failed.error));
    return std::move(next_);
  }

  Result<Next> on(const Pause& pause) {
    if (state().phase == Phase::paused) return std::move(next_);
    TRY(watching("pause"));
    to(Phase::paused, pause.reason.empty() ? "by hand" : pause.reason);
    return std::move(next_);
  }

  Result<Next> on(const Resume& resume) {
    if (state().phase != Phase::paused && state().phase != Phase::held)
      return refuse("resume", "only a paused or held rollout can be resumed");
    if (state().phase == Phase::held) state().stage_since = now_;  // another bake
    to(Phase::baking, "resumed: " + resume.reason);
    return std::move(next_);
  }

  Result<Next> on(const Promote& promote) {
    TRY(watching("promote"));
    if (state().suspect)
      return refuse("promote", "a gate is suspect: wait until it clears, or stop the rollout");
    advance("promoted by hand: " + promote.reason);
    return std::move(next_);
  }

  Result<Next> on(const Stop& stop) {
    if (state().phase == Phase::rolling_back) return std::move(next_);
    if (state().phase == Phase::rolled_back || state().phase == Phase::stranded)
      return refuse("stop", "its release is withdrawn already");
    roll_back("stopped: " + stop.reason);
    return std::move(next_);
  }

 private:
  State& state() { return next_.state; }
  void say(std::string what) { next_.decisions.push_back(std::move(what)); }
  void to(Phase phase, std::string because) {
    state().phase = phase;
    state().changed = now_;
    state().because = std::move(because);
    say(fmt::format("{}: {}", to_text(phase), state().because));
  }

  std::unexpected<Error> refuse(std::string_view what, std::string hint) {
    return fail_hint(ErrorKind::denied, std::move(hint), "cannot {} rollout '{}': it is {}", what,
                     state().rollout, to_text(state().phase));
  }

  Result<> watching(std::string_view what) {
    if (state().pending) return refuse(what, "it is still publishing: run tranche rollout advance first");
    if (state().phase != Phase::baking && state().phase != Phase::held && state().phase != Phase::paused)
      return refuse(what, "see tranche rollout status");
    return {};
  }

  // An adverse one says what it saw, and since when.
  static std::string decision_text(const std::string& name, const GateMemory& memory,
                                   const spec::Gate& gate) {
    std::string out =
        fmt::format("gate '{}': {} ({})", name, gate::to_text(memory.verdict), memory.explanation);
    if (memory.verdict != Verdict::fail && memory.verdict != Verdict::suspect) return out;
    if (const std::string ratio = ratio_text(memory, gate); !ratio.empty()) out += "; " + ratio;
    if (const Instant since = gate::totals(memory.process).since; since != Instant{})
      out += ", since " + tranche::to_text(since);
    return out;
  }

  void observe(const Tick& tick) {
    for (const std::string& name : plan_.stages[state().stage].gates) {
      const spec::Gate* gate = plan_.config.gate(name);
      if (gate == nullptr) continue;
      GateMemory& memory = state().gates[name];
      const Verdict before = memory.verdict;
      if (const auto found = tick.observations.find(name); found != tick.observations.end())
        fold(memory, plan_.config, *gate, found->second, now_);
      else
        judge(memory, plan_.config, *gate, now_);
      if (memory.verdict != before) say(decision_text(name, memory, *gate));
    }
  }

  void decide() {
    const PlannedStage& stage = plan_.stages[state().stage];
    bool suspect = false;
    bool all_pass = true;
    bool model = false, other = false;  // a language model's "no objection" promotes nothing alone
    std::string open;
    for (const std::string& name : stage.gates) {
      const spec::Gate* gate = plan_.config.gate(name);
      if (gate == nullptr || gate->dry_run) continue;
      (gate->kind == spec::Gate::Kind::model ? model : other) = true;
      const GateMemory& memory = state().gates[name];
      if (memory.verdict == Verdict::fail) {
        state().detected = now_;
        roll_back(fmt::format("gate '{}' failed: {}", name, memory.explanation));
        return;
      }
      suspect = suspect || memory.verdict == Verdict::suspect;
      if (memory.verdict != Verdict::pass) {
        all_pass = false;
        open += fmt::format("{}'{}' is {}", open.empty() ? "" : ", ", name, gate::to_text(memory.verdict));
      }
    }
    if (all_pass && model && !other) {
      all_pass = false;
      open = "no gate but a language model was asked";
    }
    if (suspect != state().suspect) {
      state().suspect = suspect;
      say(suspect ? "suspect: exposure stops growing" : "no longer suspect");
    }
    if (state().phase != Phase::baking || suspect) return;
    const Duration elapsed =
        std::max(Duration{0}, now_ - state().stage_since);  // a clock that jumped back bakes longer
    if (elapsed < stage.bake.min) return;
    if (all_pass) {
      advance(stage.gates.empty() ? "bake over, no gates" : "bake over, every gate passed");
      return;
    }
    if (elapsed < stage.bake.max) return;
    switch (plan_.spec().on_inconclusive) {
      case spec::Rollout::OnInconclusive::extend:
        return;
      case spec::Rollout::OnInconclusive::promote:
        advance("bake over; on-inconclusive: promote, while " + open);
        return;
      case spec::Rollout::OnInconclusive::hold:
        to(Phase::held, fmt::format("bake's maximum is over and {}", open));
        return;
    }
  }

  void advance(const std::string& why) {
    const std::size_t following = state().stage + 1;
    state().phase = Phase::baking;
    state().changed = now_;
    state().because = why;
    if (following < plan_.stages.size()) {
      state().pending =
          Effect{EffectKind::expose, fmt::format("{}/expose/{}", state().id, following), following, {}};
      say(fmt::format("{}: next stage {} '{}'", why, following + 1, plan_.stages[following].name));
    } else {
      state().pending = Effect{EffectKind::finish, fmt::format("{}/finish", state().id), 0, {}};
      say(fmt::format("{}: the rollout is complete", why));
    }
  }

  void roll_back(std::string because) {
    if (!state().detected) state().detected = now_;
    state().finished.reset();
    to(Phase::rolling_back, std::move(because));
    const std::string& playbook = plan_.spec().on_failure;
    state().pending =
        Effect{EffectKind::playbook, fmt::format("{}/playbook/{}", state().id, playbook), 0, playbook};
  }

  const Plan& plan_;
  Instant now_;
  Next next_;
};

}  // namespace

State begin(const Plan& plan, const std::string& plan_digest, std::uint64_t plan_entry, Instant now) {
  State state;
  state.id = fmt::format("{}/{}/{}", plan.rollout, plan.release, plan_entry);
  state.rollout = plan.rollout;
  state.release = plan.release;
  state.plan_digest = plan_digest;
  state.plan_entry = plan_entry;
  state.started = state.changed = state.stage_since = now;
  state.because = "started";
  state.pending = Effect{EffectKind::expose, fmt::format("{}/expose/0", state.id), 0, {}};
  return state;
}

Result<Next> step(const Plan& plan, const State& state, const Event& event) {
  if (state.stage >= plan.stages.size() || (state.pending && state.pending->stage >= plan.stages.size()))
    return fail(ErrorKind::verification, "the state names a stage that the plan lacks");
  return std::visit([&](const auto& what) { return Machine(plan, state, event.now).on(what); }, event.what);
}

std::vector<Want> wanted(const Plan& plan, const State& state) {
  std::vector<Want> wants;
  if (is_final(state.phase) || state.pending || state.phase == Phase::rolling_back) return wants;
  for (const std::string& name : plan.stages[state.stage].gates) {
    const auto memory = state.gates.find(name);
    wants.push_back({name, memory == state.gates.end() ? state.stage_since : memory->second.polled_until});
  }
  return wants;
}

}  // namespace tranche::rollout
