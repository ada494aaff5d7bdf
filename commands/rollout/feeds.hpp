// A plan and a rollout, feed by feed: the share that each stage really reaches, and what can be brought back.
#pragma once

#include <string>

#include "doc/value.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"

namespace tranche::commands {

// [{"feed","served","stages":[{"stage","written","share","feed-channel"?}],"recovers","recovers-to","how"}]
doc::Value feeds_json(const rollout::Plan& plan);
// {"tranche":"100%","electron":"0%"}: of the devices that took the release.
doc::Value recoverable_json(const rollout::Plan& plan);
std::string feeds_text(const rollout::Plan& plan);

// After a rollback: [{"feed","withdrawn":true,"recovers-to":"1.1.0"|null,"stranded":bool}]; empty otherwise.
doc::Value recovery_json(const rollout::Plan& plan, const rollout::State& state);
// "withdrawn: tranche, electron; recovered: tranche to 1.1.0; stranded: electron"; empty without a rollback.
std::string recovery_text(const rollout::Plan& plan, const rollout::State& state);

}  // namespace tranche::commands
