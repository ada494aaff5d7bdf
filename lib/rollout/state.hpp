// A rollout as a state machine. PURE: step(plan, state, event) -> state. Time and metrics arrive in the
// event; what is to be done next stands in the new state as its one `pending` effect. The engine journals the
// state (the intent), performs the effect, and feeds back its outcome: kill it anywhere, and the next tick
// finds the pending effect and finishes it. Every transition is one of table.hpp's.
//
// Telling people stands apart, as `notice`: a chat that does not answer keeps nobody from watching or
// stopping.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "rollout/conditions.hpp"
#include "rollout/gate_memory.hpp"
#include "rollout/plan.hpp"

namespace tranche::rollout {

enum class Phase {
  waiting,       // not begun: its window is closed, another rollout must come first, an approval is missing
  baking,        // exposed at `stage`, watching
  held,          // bake's maximum passed without a pass of every gate, or nobody watched; a person decides
  paused,        // a person paused it
  rolling_back,  // the playbook runs
  done,          // everyone has it; it is the channel's baseline
  rolled_back,   // withdrawn, devices sent back, nobody stranded
  stranded,      // withdrawn, but devices that have it have no way back
  superseded,    // another release went on with its exposure
};
inline constexpr std::size_t phase_count = 9;
std::string_view to_text(Phase phase);  // "baking" ... "rolled-back"
bool is_final(Phase phase);

enum class EffectKind {
  expose,    // publish the feed with rules_at(stage)
  finish,    // publish the feed with the release as baseline
  playbook,  // run the playbook to its end
};
std::string_view to_text(EffectKind kind);  // "expose" "finish" "playbook"
struct Effect {
  EffectKind kind = EffectKind::expose;
  std::string key;        // idempotency key: "<id>/expose/2", the same on every try
  std::size_t stage = 0;  // expose
  std::string playbook;   // playbook
  bool operator==(const Effect&) const = default;
};

// What stands between an effect and its end.
struct Trouble {
  int attempts = 0;
  std::string error;     // of the last attempt
  Instant since{};       // of the first; 0 attempts: nothing failed, it is waited for since then
  Instant not_before{};  // the next attempt
  bool unknown = false;  // nobody can say whether the last attempt took place: a person settles it
  bool begun = false;    // an attempt began, and how it ended is not known yet: it may be under way
  bool operator==(const Trouble&) const = default;
};

struct State {
  std::string id;  // "desktop/1.2.0/17": rollout, release, journal index of its start
  std::string rollout, release;
  std::string plan_digest;
  std::uint64_t plan_entry = 0;  // journal index of the plan
  Phase phase = Phase::baking;
  std::size_t stage = 0;
  Instant started{}, stage_since{}, changed{};  // stage_since: its feed was published
  std::optional<Instant> detected, finished;    // detected: when the rollback was decided
  std::map<std::string, GateMemory> gates;
  std::optional<Effect> pending;
  std::string because;  // why it is in this phase, in words
  bool suspect = false;
  std::optional<Trouble> trouble;  // of `pending`
  std::optional<Effect> notice;    // the playbook on-hold, while people are to be told
  int notices = 0;                 // begun so far
  std::vector<Wait> waits;         // why exposure does not grow although gates and bake would let it
  Instant last_tick{};             // kept with max-tick-gap only
  std::string supersedes;          // id of the rollout whose exposure this one inherited; or empty
  std::string superseded_by;       // id; or empty
};
// Has its first stage been published?
bool has_begun(const State& state);
// The prefix of its effect keys: the id, and after an amendment the entry of the plan too.
std::string effect_prefix(const State& state);
doc::Value to_value(const State& state);
Result<State> state_from_value(const doc::Value& value);

struct Tick {
  std::map<std::string, Observation> observations;  // by gate
  Conditions conditions;  // those of required_conditions(plan, growth_to(state)); absent: not met
};
struct EffectDone {
  std::string key;
  bool stranded = false;  // playbook: devices have no way back
};
struct EffectFailed {
  std::string key;
  std::string error;
  int chance = 0;  // 0..999: what jitter adds to the backoff, in thousandths of it
};
struct EffectUnknown {
  std::string key;
  std::string detail;
};
// Nothing failed: it takes its time (pods start, somebody merges), or it begins now and is not to be repeated
// before its outcome is known.
struct EffectWaits {
  std::string key;
  std::string what;
  Instant until{};  // nobody looks before that
  bool begun = false;
};
// A person looked: the effect took place, or it is to be tried again.
struct Settle {
  std::string key;
  bool done = false;
  std::string reason;
};
struct NoticeDone {
  std::string key;
};
struct Pause {
  std::string reason;
};
struct Resume {
  std::string reason;
};
struct Promote {
  std::string reason;
  Conditions conditions{};  // as a tick's
};  // to the next stage now, bake and gates notwithstanding; never out of suspect or fail, nor past a window,
    // an approval or another rollout
struct Stop {
  std::string reason;
};  // the red button: the playbook, now; from any phase that is not final, and from done (undo)
struct Supersede {
  std::string by;  // id of the rollout that goes on
  std::string release, reason;
};
struct Amend {
  Plan plan;  // the new one
  std::string plan_digest;
  std::uint64_t plan_entry = 0;
  std::size_t stage = 0;  // where what is exposed now stands in it
  std::string reason;
  std::vector<std::string> changes;  // in words
};
using What = std::variant<Tick, EffectDone, EffectFailed, EffectUnknown, EffectWaits, Settle, NoticeDone,
                          Pause, Resume, Promote, Stop, Supersede, Amend>;
struct Event {
  Instant now{};
  What what;
};

// The state a rollout starts in: pending = expose stage 0, or waiting where something stands before that.
State begin(const Plan& plan, const std::string& plan_digest, std::uint64_t plan_entry, Instant now);
// The state of one that goes on with another's exposure, at the stage that reaches it: pending = expose it.
State begin_inheriting(const Plan& plan, const std::string& plan_digest, std::uint64_t plan_entry,
                       Instant now, const State& superseded, std::size_t stage);

struct Next {
  State state;
  std::vector<std::string>
      decisions;  // what was decided, in words, for the journal and the terminal; empty: nothing new
};
// kind denied when the event is not possible in this phase (message says the phase, hint what to do).
Result<Next> step(const Plan& plan, const State& state, const Event& event);

// The stage that growing would lead to; stages.size(): the end. In `waiting` the first.
std::size_t growth_to(const State& state);
// Whether a tick at `now` can come to ask for the conditions: bake's minimum is over, or it has not begun.
bool growth_is_due(const Plan& plan, const State& state, Instant now);
// When the effect is tried again. No backoff is as long as one that a wrong clock wrote: that one is over.
Instant due(const Trouble& trouble, Instant now);
// How much of the stage's bake counts: wall time, but no further than the newest sample of its metric gates
// goes (with the patience that a late sample has): a clock that jumps does not bake.
Duration baked(const Plan& plan, const State& state, Instant now);

// Gates that want data now, and from where on: names of the current stage's gates (baking, held, paused).
struct Want {
  std::string gate;
  Instant after{};  // compare: windows that end after this; threshold: first measurement due after this
};
std::vector<Want> wanted(const Plan& plan, const State& state);

}  // namespace tranche::rollout
