// The rollout's state as a document: what the journal keeps, and back. Nothing is left out: any runner
// continues from it.
#include "rollout/state.hpp"

#include <array>

#include "rollout/codec.hpp"

namespace tranche::rollout {
namespace {

constexpr std::array<std::string_view, phase_count> phase_names{
    "waiting", "baking", "held", "paused", "rolling-back", "done", "rolled-back", "stranded", "superseded"};
constexpr std::int64_t most_stages = 1'000;
constexpr std::array<std::string_view, 3> effect_names{"expose", "finish", "playbook"};

template <class Enum, std::size_t N>
Result<Enum> parse_name(const std::array<std::string_view, N>& names, const std::string& text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<Enum>(i);
  return fail_hint(ErrorKind::invalid, "a newer tranche wrote it: update this one",
                   "the rollout's state says '{}'", text);
}

doc::Value effect_value(const Effect& effect) {
  return doc::Value::object({{"kind", effect_names[static_cast<std::size_t>(effect.kind)]},
                             {"key", effect.key},
                             {"stage", static_cast<std::int64_t>(effect.stage)},
                             {"playbook", effect.playbook}});
}

Result<std::optional<Effect>> effect_at(const doc::Value& state, std::string_view member) {
  const doc::Value* value = state.find(member);
  if (value == nullptr || !value->is_object()) return std::optional<Effect>();
  Effect effect;
  effect.kind = TRY(parse_name<EffectKind>(effect_names, TRY(value->text("kind"))));
  effect.key = TRY(value->text("key"));
  const std::int64_t stage = TRY(value->integer("stage"));
  if (stage < 0 || stage > most_stages)
    return fail(ErrorKind::invalid, "the rollout's state names stage {}", stage);
  effect.stage = static_cast<std::size_t>(stage);
  effect.playbook = TRY(value->text("playbook"));
  return std::optional(std::move(effect));
}

Result<std::optional<Trouble>> trouble_of(const doc::Value& state) {
  const doc::Value* value = state.find("trouble");
  if (value == nullptr || !value->is_object()) return std::optional<Trouble>();
  Trouble trouble;
  const std::int64_t attempts = TRY(value->integer("attempts"));
  if (attempts < 0 || attempts > 1'000'000'000)
    return fail(ErrorKind::invalid, "the rollout's state counts {} attempts", attempts);
  trouble.attempts = static_cast<int>(attempts);
  trouble.error = TRY(value->text("error"));
  trouble.since = TRY(instant_at(*value, "since"));
  trouble.not_before = TRY(instant_at(*value, "not-before"));
  trouble.unknown = TRY(value->boolean("unknown"));
  if (value->find("begun") != nullptr) trouble.begun = TRY(value->boolean("begun"));
  return std::optional(std::move(trouble));
}

}  // namespace

std::string_view to_text(Phase phase) { return phase_names[static_cast<std::size_t>(phase)]; }

std::string_view to_text(EffectKind kind) { return effect_names[static_cast<std::size_t>(kind)]; }

bool is_final(Phase phase) {
  return phase == Phase::done || phase == Phase::rolled_back || phase == Phase::stranded ||
         phase == Phase::superseded;
}

bool has_begun(const State& state) { return state.stage_since != Instant{}; }

std::string effect_prefix(const State& state) {
  if (state.id.ends_with(fmt::format("/{}", state.plan_entry))) return state.id;
  return fmt::format("{}/plan-{}", state.id, state.plan_entry);
}

doc::Value to_value(const State& state) {
  doc::Value gates = doc::Value::object();
  for (const auto& [name, memory] : state.gates) gates.set(name, to_value(memory));
  doc::Value out =
      doc::Value::object({{"schema", "tranche/rollout-state/v1"},
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
                          {"pending", state.pending ? effect_value(*state.pending) : doc::Value()},
                          {"because", state.because},
                          {"suspect", state.suspect}});
  // Members that came later are written where they say something: a state without them reads the same.
  if (state.trouble)
    out.set("trouble", doc::Value::object({{"attempts", state.trouble->attempts},
                                           {"error", state.trouble->error},
                                           {"since", instant_or_null(state.trouble->since)},
                                           {"not-before", instant_or_null(state.trouble->not_before)},
                                           {"unknown", state.trouble->unknown}}));
  if (state.trouble && state.trouble->begun) {
    doc::Value trouble = *out.find("trouble");
    trouble.set("begun", true);
    out.set("trouble", std::move(trouble));
  }
  if (state.notice) out.set("notice", effect_value(*state.notice));
  if (state.notices > 0) out.set("notices", state.notices);
  if (!state.waits.empty()) out.set("waits", to_value(state.waits));
  if (state.last_tick != Instant{}) out.set("last-tick", tranche::to_text(state.last_tick));
  if (!state.supersedes.empty()) out.set("supersedes", state.supersedes);
  if (!state.superseded_by.empty()) out.set("superseded-by", state.superseded_by);
  return out;
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
  if (stage < 0 || stage > most_stages)
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
  state.pending = TRY(effect_at(value, "pending"));
  state.because = TRY(value.text("because"));
  state.suspect = TRY(value.boolean("suspect"));
  state.trouble = TRY(trouble_of(value));
  state.notice = TRY(effect_at(value, "notice"));
  if (const doc::Value* notices = value.find("notices"); notices != nullptr) {
    const std::int64_t count = TRY(value.integer("notices"));
    if (count < 0 || count > 1'000'000'000)
      return fail(ErrorKind::invalid, "the rollout's state counts {} notices", count);
    state.notices = static_cast<int>(count);
  }
  if (const doc::Value* waits = value.find("waits"); waits != nullptr)
    state.waits = TRY(waits_from_value(*waits));
  state.last_tick = TRY(instant_at(value, "last-tick"));
  state.supersedes = TRY(value.text_or("supersedes", ""));
  state.superseded_by = TRY(value.text_or("superseded-by", ""));
  return state;
}

}  // namespace tranche::rollout
