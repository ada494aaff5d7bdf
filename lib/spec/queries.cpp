// Questions about an app: things by name, what this build does not act on yet, error sums.
#include <algorithm>

#include "spec/spec.hpp"

namespace tranche::spec {
namespace {

template <class T>
const T* by_name(const std::vector<T>& things, std::string_view name) {
  const auto found =
      std::find_if(things.begin(), things.end(), [&](const T& thing) { return thing.name == name; });
  return found == things.end() ? nullptr : &*found;
}

// Gates of the rollout in stage order, each once.
std::vector<const Gate*> gates_of(const App& app, const Rollout& rollout) {
  std::vector<const Gate*> gates;
  for (const Stage& stage : rollout.stages)
    for (const std::string& name : stage.gates)
      if (const Gate* gate = app.gate(name);
          gate != nullptr && std::find(gates.begin(), gates.end(), gate) == gates.end())
        gates.push_back(gate);
  return gates;
}

void unsupported_in_release(const App& app, std::vector<Unsupported>& out) {
  for (const Artifact& artifact : app.artifacts)
    if (!artifact.image.empty())
      out.push_back({fmt::format("artifact image '{}'", artifact.image), artifact.place});
}

}  // namespace

const Channel* App::channel(std::string_view wanted) const { return by_name(channels, wanted); }
const Cohort* App::cohort(std::string_view wanted) const { return by_name(cohorts, wanted); }
const Source* App::source(std::string_view wanted) const { return by_name(sources, wanted); }
const Gate* App::gate(std::string_view wanted) const { return by_name(gates, wanted); }
const Rollout* App::rollout(std::string_view wanted) const { return by_name(rollouts, wanted); }
const Playbook* App::playbook(std::string_view wanted) const { return by_name(playbooks, wanted); }
bool Channel::has_feed(std::string_view feed) const {
  return std::find(feeds.begin(), feeds.end(), feed) != feeds.end();
}
Client Channel::client(std::string_view feed) const {
  const Client* found = by_name(clients, feed);
  if (found != nullptr) return *found;
  Client defaults;
  defaults.name = feed;
  return defaults;
}
const Flag* App::flag(std::string_view wanted) const { return by_name(flags, wanted); }
const App* Spec::app(std::string_view wanted) const { return by_name(apps, wanted); }

std::vector<Unsupported> unsupported(const App& app, const Rollout&) {
  std::vector<Unsupported> out;
  unsupported_in_release(app, out);
  return out;
}

double false_rollback_sum(const App& app, const Rollout& rollout) {
  double sum = 0;
  for (const Gate* gate : gates_of(app, rollout))
    if (gate->kind == Gate::Kind::compare) sum += gate->false_rollback;
  return sum;
}

std::vector<std::string> unbounded_gates(const App& app, const Rollout& rollout) {
  std::vector<std::string> names;
  for (const Gate* gate : gates_of(app, rollout))
    if (gate->kind == Gate::Kind::threshold) names.push_back(gate->name);
  return names;
}

}  // namespace tranche::spec
