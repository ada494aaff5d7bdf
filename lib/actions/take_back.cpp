#include "actions/take_back.hpp"

#include <algorithm>

namespace tranche::actions {
namespace {

cohort::Withdrawn& listed(cohort::Directions& directions, const std::string& release) {
  const auto found = std::ranges::find(directions.withdrawn, release, &cohort::Withdrawn::version);
  if (found != directions.withdrawn.end()) return *found;
  return directions.withdrawn.emplace_back(release, std::string());
}

}  // namespace

cohort::Directions withdraw_release(cohort::Directions directions, const std::string& release,
                                    const std::string& baseline) {
  if (directions.offer && directions.offer->release == release) directions.offer.reset();
  if (directions.baseline == release) directions.baseline = baseline;
  listed(directions, release);
  return directions;
}

cohort::Directions send_back(cohort::Directions directions, const std::string& release,
                             const std::string& baseline, const std::string& fallback) {
  directions = withdraw_release(std::move(directions), release, baseline);
  listed(directions, release).fallback = fallback;
  return directions;
}

const std::string& fallback_of(const rollout::Plan& plan) {
  return plan.fallback.empty() ? plan.baseline : plan.fallback;
}

std::vector<channel::ReleaseRef> fallback_refs(const rollout::Plan& plan) {
  if (plan.fallback.empty()) return {};
  return {{plan.fallback, plan.fallback_sha256, channel::manifest_name(plan.fallback)}};
}

cohort::Directions take_back(cohort::Directions directions, const rollout::Plan& plan) {
  const spec::Playbook* playbook = plan.config.playbook(plan.spec().on_failure);
  const bool falls_back = playbook != nullptr && std::ranges::any_of(playbook->steps, [](const auto& step) {
                            return step.uses == "channel.fallback" && step.when.empty();
                          });
  const std::string& fallback = fallback_of(plan);
  if (!falls_back || fallback.empty())
    return withdraw_release(std::move(directions), plan.release, plan.baseline);
  return send_back(std::move(directions), plan.release, plan.baseline, fallback);
}

}  // namespace tranche::actions
