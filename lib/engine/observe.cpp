// Reading the gates: what each wants since it was last polled, backfilled after a late tick. A source that
// does not answer becomes an observation with an error, never a failed tick.
#include <algorithm>

#include "engine/engine.hpp"
#include "signing/keys.hpp"

namespace tranche::engine {
namespace {

// A tick after a long pause catches up in pieces, so that no answer grows without bound.
constexpr int most_samples = 500;
constexpr int most_windows = 11'000;

}  // namespace

Result<metrics::Source*> Engine::source(const Loaded& loaded, const spec::Gate& gate) {
  const spec::Source* wanted = loaded.plan.config.source(gate.source);
  if (wanted == nullptr)
    return fail_hint(ErrorKind::invalid, "name one under sources:", "gate '{}' reads the unknown source '{}'",
                     gate.name, gate.source);
  std::unique_ptr<metrics::Source>& slot = sources_[wanted->name];
  if (slot == nullptr) {
    metrics::Secrets secrets;
    for (const spec::SecretReference& secret : spec::secret_references(*wanted))
      secrets[secret.reference] =
          TRY(signing::read_secret(deck_.world(), deck_.repository(), secret.reference));
    slot = TRY(metrics::make_source(deck_.world(), *wanted, secrets, deck_.repository()));
  }
  return slot.get();
}

rollout::Observation Engine::observe_gate(const Loaded& loaded, const spec::Gate& gate, Instant after) {
  rollout::Observation observation;
  const auto from = source(loaded, gate);
  if (!from) {
    observation.error = from.error().message;
    return observation;
  }
  const rollout::Plan& plan = loaded.plan;
  const Instant now = deck_.world().clock.now();
  const Duration lag = plan.config.source(gate.source)->lag;
  metrics::Variables variables{plan.app, plan.channel, plan.release, plan.release, plan.baseline, gate.every};
  if (gate.kind == spec::Gate::Kind::compare) {
    const Instant until =
        std::min(metrics::aligned_end(now, gate.every, lag), after + most_windows * gate.every);
    if (until <= after) return observation;
    auto windows = (*from)->compare(gate, variables, after, until);
    if (!windows) {
      observation.error = windows.error().message;
      return observation;
    }
    for (metrics::WindowCounts& window : *windows)
      observation.windows.push_back({window.end, window.has_data, std::move(window.counts)});
    return observation;
  }
  variables.window = gate.interval;
  Instant at = after + gate.interval;
  for (int i = 0; i < most_samples && at <= now - lag; ++i, at += gate.interval) {
    auto measured = (*from)->measure(gate, variables, at);
    rollout::Sample sample{at, {}};
    if (measured) {
      sample.measurement = std::move(*measured);
    } else {
      sample.measurement.error = observation.error = measured.error().message;
    }
    observation.samples.push_back(std::move(sample));
    if (!measured) break;  // down: one try a tick is enough
  }
  return observation;
}

rollout::Tick Engine::observe(const Loaded& loaded) {
  rollout::Tick tick;
  for (const rollout::Want& want : rollout::wanted(loaded.plan, loaded.state))
    if (const spec::Gate* gate = loaded.plan.config.gate(want.gate))
      tick.observations[want.gate] = observe_gate(loaded, *gate, want.after);
  return tick;
}

}  // namespace tranche::engine
