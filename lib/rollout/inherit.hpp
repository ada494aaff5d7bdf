// Going on with an exposure that is out already: a hotfix that supersedes a rollout in mid-ramp, a plan that
// is amended. Exposure never shrinks by it. PURE.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cohort/decide.hpp"
#include "doc/value.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"

namespace tranche::rollout {

// Every device that `narrow` reaches, `wide` reaches too; both under one salt.
bool covers(const std::vector<cohort::Rule>& wide, const std::vector<cohort::Rule>& narrow);

// Whom the rollout may have reached: a stage whose publishing is pending counts. Empty: nobody.
std::vector<cohort::Rule> exposed_rules(const Plan& plan, const State& state);

// The first stage that reaches everybody in `exposed`; nullopt: none does.
std::optional<std::size_t> stage_covering(const Plan& plan, const std::vector<cohort::Rule>& exposed);
// The first stage that reaches exactly them.
std::optional<std::size_t> stage_of_reach(const Plan& plan, const std::vector<cohort::Rule>& exposed);

// How two documents differ, a line for each value: "rollouts.desktop.stages[1].bake: 6h..1d is now 12h..1d".
// At most 50, and a last one that says how many more there are.
std::vector<std::string> describe_changes(const doc::Value& before, const doc::Value& after);

}  // namespace tranche::rollout
