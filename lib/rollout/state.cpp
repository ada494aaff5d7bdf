// The rollout's state as a document: what the journal keeps, and back. Nothing is left out: any runner
// continues from it.
#include "rollout/state.hpp"

#include <array>

#include "rollout/codec.hpp"

namespace tranche::rollout {
namespace {

constexpr std::array<std::string_view, 7> phase_names{"baking", "held",        "paused",  "rolling-back",
                                                      "done",   "rolled-back", "stranded"};
constexpr std::array<std::string_view, 3> effect_names{"expose", "finish", "playbook"};

template <class Enum, std::size_t N>
Result<Enum> parse_name(const std::array<std::string_view, N>& names, const std::string& text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<Enum>(i);
  return fail_hint(ErrorKind::invalid, "a newer tranche wrote it: update this one",
                   "the rollout's state says '{}'", text);
}

}  // namespace

std::string_view to_text(Phase phase) { return phase_names[static_cast<std::size_t>(phase)]; }

bool is_final(Phase phase) {
  return phase == Phase::done || phase == Phase::rolled_back || phase == Phase::stranded;
}

doc::Value to_value(const State& state) {
  doc::Value gates = doc::Value::object();
  for (const auto& [name, memory] : state.gates) gates.set(name, to_value(memory));
  doc::Value pending;
  if (state.pending)
    pending = doc::Value::object({{"kind", effect_names[static_cast<std::size_t>(state.pending->kind)]},
                                  {"key", state.pending->key},
                                  {"stage", static_cast<std::int64_t>(state.pending->stage)},
                                  {"playbook", state.pending->playbook}});
  return doc::Value::object({{"schema", "tranche/rollout-state/v1"},
                             {"id", state.id},
                             {"rollout", state.rollout},
                             {"release", state.release},
                             {"plan-digest", state.plan_digest},
                             {"plan-entry", static_cast<std::int64_t>(state.plan_entry)},
                             {"phase", to_text(state.phase)},
                             {"stage", static_cast<std::int64_t>(state.stage)},
                             {"started", instant_or_null(state.started)},
                             {"stage-since", instant_or_null(state.stage_since)},
                             {"changed", instant_or_null(state.changed)},
                             {"detected", instant_or_null(state.detected.value_or(Instant{}))},
                             {"finished", instant_or_null(state.finished.value_or(Instant{}))},
                             {"gates", gates},
                             {"pending", pending},
                             {"because", state.because},
                             {"suspect", state.suspect}});
}

Result<State> state_from_value(const doc::Value& value) {
  State state;
  if (TRY(value.text("schema")) != "tranche/rollout-state/v1")
    return fail_hint(ErrorKind::invalid, "a newer tranche wrote it: update this one",
                     "the rollout's state has an unknown schema");
  state.id = TRY(value.text("id"));
  state.rollout = TRY(value.text("rollout"));
  state.release = TRY(value.text("release"));
  state.plan_digest = TRY(value.text("plan-digest"));
  state.plan_entry = static_cast<std::uint64_t>(TRY(value.integer("plan-entry")));
  state.phase = TRY(parse_name<Phase>(phase_names, TRY(value.text("phase"))));
  const std::int64_t stage = TRY(value.integer("stage"));
  if (stage < 0 || stage > 1'000)
    return fail(ErrorKind::invalid, "the rollout's state names stage {}", stage);
  state.stage = static_cast<std::size_t>(stage);
  state.started = TRY(instant_at(value, "started"));
  state.stage_since = TRY(instant_at(value, "stage-since"));
  state.changed = TRY(instant_at(value, "changed"));
  if (const Instant detected = TRY(instant_at(value, "detected")); detected != Instant{})
    state.detected = detected;
  if (const Instant finished = TRY(instant_at(value, "finished")); finished != Instant{})
    state.finished = finished;
  const doc::Value* gates = TRY(value.object_at("gates"));
  for (const doc::Member& member : gates->as_object())
    state.gates[member.key] = TRY(gate_memory_from_value(member.value));
  if (const doc::Value* pending = value.find("pending"); pending != nullptr && pending->is_object()) {
    Effect effect;
    effect.kind = TRY(parse_name<EffectKind>(effect_names, TRY(pending->text("kind"))));
    effect.key = TRY(pending->text("key"));
    effect.stage = static_cast<std::size_t>(TRY(pending->integer("stage")));
    effect.playbook = TRY(pending->text("playbook"));
    state.pending = effect;
  }
  state.because = TRY(value.text("because"));
  state.suspect = TRY(value.boolean("suspect"));
  return state;
}

}  // namespace tranche::rollout
