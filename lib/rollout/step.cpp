// The machine itself. Exposure only grows on a pass of every gate after the bake's minimum, while nothing
// else stands before it, and never while suspect; any fail, from any watching phase, starts the playbook;
// stopping is possible from every phase.
#include <algorithm>

#include "rollout/explain.hpp"
#include "rollout/state.hpp"
#include "rollout/table.hpp"

namespace tranche::rollout {
namespace {

using gate::Verdict;

// A store that does not answer is asked again after 2 s, 4 s, ... 5 min; what chance adds keeps runners
// apart.
constexpr Duration first_backoff = std::chrono::seconds(2), most_backoff = std::chrono::minutes(5);
// About a quarter of an hour of that: people are told.
constexpr int telling_attempts = 10;

bool limits_gap(const Plan& plan) { return plan.spec().max_tick_gap > Duration::zero(); }

// A stage begins: threshold gates count anew from its start, compare gates keep their one process.
// No earlier than what was decided before it: a clock that went back must not make its bake look old.
void enter_stage(const Plan& plan, State& state, std::size_t stage, Instant now) {
  now = std::max(now, state.changed);
  state.stage = stage;
  state.stage_since = now;
  state.phase = Phase::baking;
  if (limits_gap(plan)) state.last_tick = now;
  for (const std::string& name : plan.stages[stage].gates) {
    const spec::Gate* gate = plan.config.gate(name);
    if (gate == nullptr) continue;
    begin_stage(state.gates[name], *gate, now);
  }
}

// The gate as both plans write it: a changed one forgets what it saw.
bool same_gate(const Plan& a, const Plan& b, const std::string& name) {
  const auto document = [&](const Plan& plan) -> doc::Value {
    const doc::Value config = spec::to_value(plan.config);
    const doc::Value* gates = config.find("gates");
    const doc::Value* gate = gates == nullptr ? nullptr : gates->find(name);
    return gate == nullptr ? doc::Value() : *gate;
  };
  return document(a) == document(b);
}

class Machine {
 public:
  Machine(const Plan& plan, const State& state, Instant now) : plan_(plan), now_(now), next_{state, {}} {}

  Result<Next> on(const Tick& tick) {
    if (is_final(state().phase) || state().phase == Phase::rolling_back) return std::move(next_);
    // What is to be published comes first; while it cannot be, the stage that is out is watched on.
    if (state().pending && !state().trouble) return std::move(next_);
    Duration gap{};
    if (limits_gap(plan_)) {
      if (state().last_tick != Instant{}) gap = std::max(gap, now_ - state().last_tick);
      state().last_tick = now_;
    }
    if (state().phase == Phase::waiting) {
      grow("nothing stands before it", growth_to(state()), tick.conditions);
      return std::move(next_);
    }
    if (!has_begun(state())) return std::move(next_);  // paused, or its first publishing fails
    observe(tick);
    decide(tick, gap);
    return std::move(next_);
  }

  Result<Next> on(const EffectDone& done) {
    TRY(pending(done.key));
    end_effect(done.stranded);
    return std::move(next_);
  }

  Result<Next> on(const EffectFailed& failed) {
    TRY(pending(failed.key));
    Trouble& trouble = note_attempt(failed.error);
    if (state().phase == Phase::rolling_back) {  // stopping never waits
      say(fmt::format("{} failed, it is tried again: {}", effect_text(), failed.error));
      return std::move(next_);
    }
    Duration backoff = trouble.attempts == 1 ? Duration{} : first_backoff;
    for (int i = 2; i < trouble.attempts && backoff < most_backoff; ++i) backoff *= 2;
    backoff = std::min(backoff, most_backoff);
    backoff += backoff * std::clamp(failed.chance, 0, 999) / 1'000;
    trouble.not_before = now_ + backoff;
    say(fmt::format("{} failed, attempt {}, it is tried again at {}: {}", effect_text(), trouble.attempts,
                    tranche::to_text(trouble.not_before), failed.error));
    if (trouble.attempts == telling_attempts) tell();
    return std::move(next_);
  }

  Result<Next> on(const EffectUnknown& unknown) {
    TRY(pending(unknown.key));
    if (state().phase == Phase::rolling_back)
      return fail(ErrorKind::bug, "a playbook settles its own steps: '{}'", unknown.key);
    note_attempt(unknown.detail).unknown = true;
    say(fmt::format("{}: nobody can say whether it took place: {}", effect_text(), unknown.detail));
    tell();
    return std::move(next_);
  }

  // A deadline of the effect counts from the first time that it could be waited for.
  Result<Next> on(const EffectWaits& waiting) {
    TRY(pending(waiting.key));
    if (state().phase == Phase::rolling_back)
      return fail(ErrorKind::bug, "a playbook's steps wait by themselves: '{}'", waiting.key);
    if (!state().trouble || (state().trouble->attempts > 0 && !waiting.begun))
      state().trouble = Trouble{.since = now_};
    const bool news = !waiting.begun && state().trouble->error != waiting.what;
    state().trouble->error = waiting.what;
    state().trouble->not_before = waiting.until;
    state().trouble->unknown = false;
    state().trouble->begun = waiting.begun;
    if (news) say(fmt::format("{}: {}", effect_text(), waiting.what));
    return std::move(next_);
  }

  Result<Next> on(const Settle& settle) {
    if (!state().pending || !state().trouble || !state().trouble->unknown)
      return refuse("settle", "only an effect of unknown outcome is settled: see tranche rollout status");
    if (state().pending->key != settle.key)
      return refuse("settle", "the effect to settle is " + state().pending->key);
    say(fmt::format("{}: a person says that it {}: {}", effect_text(),
                    settle.done ? "took place" : "is to be tried again", settle.reason));
    state().trouble.reset();
    if (settle.done) end_effect(false);
    return std::move(next_);
  }

  Result<Next> on(const NoticeDone& done) {
    if (!state().notice || state().notice->key != done.key) return std::move(next_);
    say(fmt::format("playbook '{}' told people", state().notice->playbook));
    state().notice.reset();
    return std::move(next_);
  }

  Result<Next> on(const Pause& pause) {
    if (state().phase == Phase::paused) return std::move(next_);
    TRY(watching("pause"));
    state().waits.clear();
    to(Phase::paused, pause.reason.empty() ? "by hand" : pause.reason);
    return std::move(next_);
  }

  Result<Next> on(const Resume& resume) {
    if (state().phase != Phase::paused && state().phase != Phase::held)
      return refuse("resume", "only a paused or held rollout can be resumed");
    if (state().phase == Phase::held) state().stage_since = std::max(now_, state().changed);  // another bake
    if (limits_gap(plan_)) state().last_tick = now_;
    to(has_begun(state()) ? Phase::baking : Phase::waiting, "resumed: " + resume.reason);
    return std::move(next_);
  }

  Result<Next> on(const Promote& promote) {
    TRY(watching("promote"));
    if (!has_begun(state()))
      return refuse("promote", state().waits.empty() ? "it has not begun: resume it"
                                                     : "it waits: " + to_text(state().waits));
    if (state().suspect)
      return refuse("promote", "a gate is suspect: wait until it clears, or stop the rollout");
    for (const std::string& name : plan_.stages[state().stage].gates)
      if (const auto memory = state().gates.find(name);
          memory != state().gates.end() && memory->second.verdict == Verdict::fail && decides(name))
        return refuse("promote", "gate '" + name + "' failed: stop the rollout");
    const std::size_t following = growth_to(state());
    if (const auto waits = unmet(required_conditions(plan_, following), promote.conditions); !waits.empty())
      return refuse_growth(waits);
    advance("promoted by hand: " + promote.reason, following);
    return std::move(next_);
  }

  Result<Next> on(const Stop& stop) {
    if (state().phase == Phase::rolling_back) return std::move(next_);
    if (state().phase == Phase::rolled_back || state().phase == Phase::stranded)
      return refuse("stop", "its release was taken back already");
    if (state().phase == Phase::superseded)
      return refuse("stop", "its exposure went on as " + state().superseded_by + ": stop that one");
    roll_back("stopped: " + stop.reason);
    return std::move(next_);
  }

  Result<Next> on(const Supersede& supersede) {
    if (is_final(state().phase) || state().phase == Phase::rolling_back)
      return refuse("supersede", "only a rollout that is under way hands its exposure on");
    state().pending.reset();
    state().trouble.reset();
    state().notice.reset();
    state().waits.clear();
    state().superseded_by = supersede.by;
    state().finished = now_;
    to(Phase::superseded,
       fmt::format("release {} goes on with its exposure: {}", supersede.release, supersede.reason));
    return std::move(next_);
  }

  Result<Next> on(const Amend& amend) {
    TRY(watching("amend"));
    if (amend.stage >= amend.plan.stages.size())
      return fail(ErrorKind::bug, "the amended plan has no stage {}", amend.stage);
    std::erase_if(state().gates, [&](const auto& gate) { return !same_gate(plan_, amend.plan, gate.first); });
    state().plan_digest = amend.plan_digest;
    state().plan_entry = amend.plan_entry;
    state().stage = amend.stage;
    state().waits.clear();
    if (has_begun(state()))
      for (const std::string& name : amend.plan.stages[amend.stage].gates)
        if (const spec::Gate* gate = amend.plan.config.gate(name);
            gate != nullptr && !state().gates.contains(name))
          begin_stage(state().gates[name], *gate, now_);
    state().last_tick = limits_gap(amend.plan) ? now_ : Instant{};
    say("amended: " + amend.reason);
    for (const std::string& change : amend.changes) say(change);
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
  // People are told by a playbook of their own, beside the rollout.
  void tell() {
    const std::string& playbook = plan_.spec().on_hold;
    if (playbook.empty() || state().notice) return;
    ++state().notices;
    state().notice =
        Effect{EffectKind::playbook, fmt::format("{}/hold/{}", state().id, state().notices), 0, playbook};
  }

  [[nodiscard]] std::string effect_text() const {
    const Effect& effect = *next_.state.pending;
    const std::string_view verb = plan_.channel.empty() ? "exposing" : "publishing";
    switch (effect.kind) {
      case EffectKind::expose:
        return fmt::format("{} stage {} '{}'", verb, effect.stage + 1, plan_.stages[effect.stage].name);
      case EffectKind::finish:
        return fmt::format("{} release {} as the baseline", verb, next_.state.release);
      case EffectKind::playbook:
        break;
    }
    return fmt::format("playbook '{}'", effect.playbook);
  }

  std::unexpected<Error> refuse(std::string_view what, std::string hint) {
    return fail_hint(ErrorKind::denied, std::move(hint), "cannot {} rollout '{}': it is {}", what,
                     state().rollout, to_text(state().phase));
  }
  std::unexpected<Error> refuse_growth(const std::vector<Wait>& waits) {
    std::string hint;
    for (const Wait& wait : waits)
      if (!wait.next.empty()) hint += (hint.empty() ? "" : "; ") + wait.next;
    return fail_hint(ErrorKind::denied,
                     hint.empty() ? "it goes on by itself then: tranche rollout advance" : hint,
                     "cannot promote rollout '{}': {}", state().rollout, to_text(waits));
  }

  Result<> pending(const std::string& key) {
    if (!state().pending || state().pending->key != key)
      return fail(ErrorKind::bug, "effect '{}' was not pending", key);
    return {};
  }

  Trouble& note_attempt(const std::string& error) {
    if (!state().trouble) {
      state().trouble.emplace();
      state().trouble->since = now_;
    }
    ++state().trouble->attempts;
    state().trouble->error = error;
    state().trouble->not_before = now_;
    state().trouble->begun = false;
    return *state().trouble;
  }

  void end_effect(bool stranded) {
    const Effect effect = *state().pending;
    state().pending.reset();
    state().trouble.reset();
    switch (effect.kind) {
      case EffectKind::expose:
        enter_stage(plan_, state(), effect.stage, now_);
        say(fmt::format("stage {} '{}' is exposed", effect.stage + 1, plan_.stages[effect.stage].name));
        break;
      case EffectKind::finish:
        to(Phase::done, fmt::format("release {} is the baseline now", state().release));
        state().notice.reset();  // there is nothing to be told of any more
        state().finished = now_;
        break;
      case EffectKind::playbook:
        if (stranded) {
          to(Phase::stranded,
             plan_.channel.empty()
                 ? fmt::format("release {} is not taken back from its target", state().release)
                 : fmt::format("release {} is withdrawn, devices that have it keep it", state().release));
        } else {
          to(Phase::rolled_back, state().because);
        }
        state().finished = now_;
        break;
    }
  }

  Result<> watching(std::string_view what) {
    if (state().pending) return refuse(what, "it is still publishing: run tranche rollout advance first");
    if (state().phase != Phase::waiting && state().phase != Phase::baking && state().phase != Phase::held &&
        state().phase != Phase::paused)
      return refuse(what, "see tranche rollout status");
    return {};
  }

  [[nodiscard]] bool decides(const std::string& name) const {
    const spec::Gate* gate = plan_.config.gate(name);
    return gate != nullptr && !gate->dry_run;
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

  // What the stage's gates say together.
  struct Verdicts {
    bool failed = false, suspect = false;
    std::string open;  // what keeps them from passing, in words; empty: all pass
  };
  Verdicts verdicts() {
    Verdicts out;
    bool model = false, other = false;  // a language model's "no objection" promotes nothing alone
    for (const std::string& name : plan_.stages[state().stage].gates) {
      if (!decides(name)) continue;
      (plan_.config.gate(name)->kind == spec::Gate::Kind::model ? model : other) = true;
      const GateMemory& memory = state().gates[name];
      if (memory.verdict == Verdict::fail) {
        state().detected = now_;
        roll_back(fmt::format("gate '{}' failed: {}", name, memory.explanation));
        out.failed = true;
        return out;
      }
      out.suspect = out.suspect || memory.verdict == Verdict::suspect;
      if (memory.verdict != Verdict::pass)
        out.open +=
            fmt::format("{}'{}' is {}", out.open.empty() ? "" : ", ", name, gate::to_text(memory.verdict));
    }
    if (out.open.empty() && model && !other) out.open = "no gate but a language model was asked";
    return out;
  }

  void decide(const Tick& tick, Duration gap) {
    const Verdicts gates = verdicts();
    if (gates.failed) return;
    if (gates.suspect != state().suspect) {
      state().suspect = gates.suspect;
      say(gates.suspect ? "suspect: exposure stops growing" : "no longer suspect");
      if (gates.suspect) tell();
    }
    if (state().pending) return;
    if (state().phase == Phase::baking && limits_gap(plan_) && gap > plan_.spec().max_tick_gap) {
      hold(fmt::format("nobody watched for {}, and max-tick-gap is {}",
                       tranche::to_text(std::chrono::floor<std::chrono::seconds>(gap)),
                       tranche::to_text(plan_.spec().max_tick_gap)));
      return;
    }
    if (state().phase != Phase::baking || gates.suspect) {
      state().waits.clear();
      return;
    }
    end_bake(gates.open, tick.conditions);
  }

  void end_bake(std::string open, const Conditions& conditions) {
    const PlannedStage& stage = plan_.stages[state().stage];
    // A clock that jumped back bakes longer.
    const Duration elapsed = std::max(Duration{0}, now_ - state().stage_since);
    const Duration counted = baked(plan_, state(), now_);
    const std::size_t following = growth_to(state());
    if (open.empty() && counted >= stage.bake.min && elapsed >= stage.bake.min) {
      grow(stage.gates.empty() ? "bake over, no gates" : "bake over, every gate passed", following,
           conditions);
      return;
    }
    if (elapsed < stage.bake.max || elapsed < stage.bake.min) {
      state().waits.clear();
      return;
    }
    if (open.empty()) open = "the newest sample is not as old as the bake asks";
    using On = spec::Rollout::OnInconclusive;
    const On how = plan_.spec().on_inconclusive;
    if (how == On::promote && counted >= stage.bake.max) {
      grow("bake over; on-inconclusive: promote, while " + open, following, conditions);
      return;
    }
    state().waits.clear();
    if (how != On::extend) hold(fmt::format("bake's maximum is over and {}", open));
  }

  void hold(std::string because) {
    state().waits.clear();
    to(Phase::held, std::move(because));
    tell();
  }

  // To the next stage, unless something beside bake and gates stands before it.
  void grow(const std::string& why, std::size_t following, const Conditions& conditions) {
    std::vector<Wait> waits = unmet(required_conditions(plan_, following), conditions);
    if (waits.empty()) {
      advance(why, following);
      return;
    }
    const auto approval = [](const Wait& wait) { return wait.condition == approval_condition; };
    if (to_text(waits) != to_text(state().waits)) {
      say("waits: " + to_text(waits));
      if (std::ranges::any_of(waits, approval) && std::ranges::none_of(state().waits, approval)) tell();
    }
    if (state().phase == Phase::waiting) state().because = to_text(waits);
    state().waits = std::move(waits);
  }

  void advance(const std::string& why, std::size_t following) {
    state().phase = Phase::baking;
    state().changed = now_;
    state().because = why;
    state().waits.clear();
    if (following < plan_.stages.size()) {
      state().pending = Effect{
          EffectKind::expose, fmt::format("{}/expose/{}", effect_prefix(state()), following), following, {}};
      say(following == 0
              ? fmt::format("{}: it begins with stage 1 '{}'", why, plan_.stages[0].name)
              : fmt::format("{}: next stage {} '{}'", why, following + 1, plan_.stages[following].name));
    } else {
      state().pending = Effect{EffectKind::finish, fmt::format("{}/finish", effect_prefix(state())), 0, {}};
      say(fmt::format("{}: the rollout is complete", why));
    }
  }

  void roll_back(std::string because) {
    if (!state().detected) state().detected = now_;
    state().finished.reset();
    state().trouble.reset();
    state().notice.reset();
    state().waits.clear();
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
  state.started = state.changed = now;
  if (!required_conditions(plan, 0).empty()) {
    state.phase = Phase::waiting;
    state.because = "it has not begun";
    return state;
  }
  state.because = "started";
  state.pending = Effect{EffectKind::expose, fmt::format("{}/expose/0", state.id), 0, {}};
  return state;
}

State begin_inheriting(const Plan& plan, const std::string& plan_digest, std::uint64_t plan_entry,
                       Instant now, const State& superseded, std::size_t stage) {
  State state = begin(plan, plan_digest, plan_entry, now);
  state.phase = Phase::baking;
  state.stage = stage;
  state.supersedes = superseded.id;
  state.because = fmt::format("goes on with the exposure of release {}", superseded.release);
  state.pending = Effect{EffectKind::expose, fmt::format("{}/expose/{}", state.id, stage), stage, {}};
  return state;
}

Result<Next> step(const Plan& plan, const State& state, const Event& event) {
  if (state.stage >= plan.stages.size() || (state.pending && state.pending->stage >= plan.stages.size()))
    return fail(ErrorKind::verification, "the state names a stage that the plan lacks");
  Next next =
      TRY(std::visit([&](const auto& what) { return Machine(plan, state, event.now).on(what); }, event.what));
  if (const EventKind kind = kind_of(event.what);
      !next.decisions.empty() || next.state.phase != state.phase || next.state.pending != state.pending)
    TRY(check_transition(state, kind, next.state));
  return next;
}

std::size_t growth_to(const State& state) { return has_begun(state) ? state.stage + 1 : state.stage; }

Instant due(const Trouble& trouble, Instant now) {
  return trouble.not_before > now + 2 * most_backoff ? now : trouble.not_before;
}

bool growth_is_due(const Plan& plan, const State& state, Instant now) {
  if (state.pending) return false;
  if (state.phase == Phase::waiting) return true;
  return state.phase == Phase::baking && now - state.stage_since >= plan.stages[state.stage].bake.min;
}

Duration baked(const Plan& plan, const State& state, Instant now) {
  Instant until = now;
  for (const std::string& name : plan.stages[state.stage].gates) {
    const spec::Gate* gate = plan.config.gate(name);
    const auto memory = state.gates.find(name);
    if (gate == nullptr || gate->dry_run || memory == state.gates.end()) continue;
    if (const auto reach = sampled_until(memory->second, plan.config, *gate)) until = std::min(until, *reach);
  }
  return std::max(Duration{0}, until - state.stage_since);
}

std::vector<Want> wanted(const Plan& plan, const State& state) {
  std::vector<Want> wants;
  if (is_final(state.phase) || state.phase == Phase::rolling_back || state.phase == Phase::waiting)
    return wants;
  if (!has_begun(state) || (state.pending && !state.trouble)) return wants;
  for (const std::string& name : plan.stages[state.stage].gates) {
    const auto memory = state.gates.find(name);
    wants.push_back({name, memory == state.gates.end() ? state.stage_since : memory->second.polled_until});
  }
  return wants;
}

}  // namespace tranche::rollout
