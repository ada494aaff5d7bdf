// A rollout as a state machine. PURE: step(plan, state, event) -> state. Time and metrics arrive in the
// event; what is to be done next stands in the new state as its one `pending` effect. The engine journals the
// state (the intent), performs the effect, and feeds back its outcome: kill it anywhere, and the next tick
// finds the pending effect and finishes it.
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
#include "rollout/gate_memory.hpp"
#include "rollout/plan.hpp"

namespace tranche::rollout {

enum class Phase {
  baking,        // exposed at `stage`, watching
  held,          // bake's maximum passed without a pass of every gate; a person resumes, promotes or stops
  paused,        // a person paused it
  rolling_back,  // the playbook runs
  done,          // everyone has it; it is the channel's baseline
  rolled_back,   // withdrawn, devices sent back, nobody stranded
  stranded,      // withdrawn, but devices that have it have no way back
};
std::string_view to_text(Phase phase);  // "baking" ... "rolled-back"
bool is_final(Phase phase);

enum class EffectKind {
  expose,    // publish the feed with rules_at(stage)
  finish,    // publish the feed with the release as baseline
  playbook,  // run the playbook to its end
};
struct Effect {
  EffectKind kind = EffectKind::expose;
  std::string key;        // idempotency key: "<id>/expose/2", the same on every try
  std::size_t stage = 0;  // expose
  std::string playbook;   // playbook
  bool operator==(const Effect&) const = default;
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
};
doc::Value to_value(const State& state);
Result<State> state_from_value(const doc::Value& value);

struct Tick {
  std::map<std::string, Observation> observations;  // by gate
};
struct EffectDone {
  std::string key;
  bool stranded = false;  // playbook: devices have no way back
};
struct EffectFailed {
  std::string key;
  std::string error;
};
struct Pause {
  std::string reason;
};
struct Resume {
  std::string reason;
};
struct Promote {
  std::string reason;
};  // to the next stage now, gates notwithstanding; never out of suspect or fail
struct Stop {
  std::string reason;
};  // the red button: the playbook, now; from any phase that is not final, and from done (undo)
using What = std::variant<Tick, EffectDone, EffectFailed, Pause, Resume, Promote, Stop>;
struct Event {
  Instant now{};
  What what;
};

// The state a rollout starts in: pending = expose stage 0.
State begin(const Plan& plan, const std::string& plan_digest, std::uint64_t plan_entry, Instant now);

struct Next {
  State state;
  std::vector<std::string>
      decisions;  // what was decided, in words, for the journal and the terminal; empty: nothing new
};
// kind denied when the event is not possible in this phase (message says the phase, hint what to do).
Result<Next> step(const Plan& plan, const State& state, const Event& event);

// Gates that want data now, and from where on: names of the current stage's gates (baking, held, paused).
struct Want {
  std::string gate;
  Instant after{};  // compare: windows that end after this; threshold: first measurement due after this
};
std::vector<Want> wanted(const Plan& plan, const State& state);

}  // namespace tranche::rollout
