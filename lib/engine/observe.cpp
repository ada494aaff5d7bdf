// A tick's reading: every gate that the stage watches, and what stands before the next one where that is
// near.
#include "engine/engine.hpp"

namespace tranche::engine {

rollout::Tick Engine::observe(const Loaded& loaded) {
  rollout::Tick tick;
  const rollout::Plan& plan = loaded.plan;
  const metrics::Variables variables{plan.app, plan.channel, plan.release, plan.release, plan.baseline, {}};
  for (const rollout::Want& want : rollout::wanted(plan, loaded.state)) {
    const spec::Gate* gate = plan.config.gate(want.gate);
    const auto memory = loaded.state.gates.find(want.gate);
    if (gate != nullptr && memory != loaded.state.gates.end())
      tick.observations[want.gate] = reader_.read(plan.config, *gate, variables, memory->second);
  }
  if (const Instant now = deck_.world().clock.now(); rollout::growth_is_due(plan, loaded.state, now))
    tick.conditions = look(loaded, now);
  return tick;
}

}  // namespace tranche::engine
