// What tests of the machine share: a plan out of a file's text, and steps that must be possible.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "rollout/state.hpp"

namespace tranche::rollout {

// Of rollout `desktop` and release 1.2.0, above the baseline 1.1.0.
inline Plan plan_of(const std::string& text) {
  auto spec = spec::parse(text);
  REQUIRE_MESSAGE(spec.has_value(), (spec ? "" : spec.error().message));
  PlanInput input{"desktop", "1.2.0", std::string(64, 'a'), {}, false};
  input.current.baseline = "1.1.0";
  auto plan = make_plan(spec->apps[0], input);
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().message));
  return *plan;
}

inline const Instant t0 = *parse_instant("2026-01-01T00:00:00Z");

inline Next must(Result<Next> next) {
  REQUIRE_MESSAGE(next.has_value(), (next ? "" : next.error().message));
  return *next;
}

// The pending effect is done at `now`.
inline State done(const Plan& plan, const State& state, Instant now) {
  REQUIRE(state.pending.has_value());
  return must(step(plan, state, {now, EffectDone{state.pending->key}})).state;
}

}  // namespace tranche::rollout
