#include "rollout/neighbours.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/version_range.hpp"

namespace tranche::rollout {
namespace {

bool taken_back(Phase phase) {
  return phase == Phase::rolling_back || phase == Phase::rolled_back || phase == Phase::stranded;
}

// The stage that `after` names; by cohort: the first of that cohort, else the first that reaches everyone.
std::optional<std::size_t> wanted_stage(const spec::Rollout& rollout, const Plan& other) {
  const std::vector<spec::Stage>& stages = other.spec().stages;
  if (!rollout.after_stage.empty()) {
    const auto found = std::ranges::find(stages, rollout.after_stage, &spec::Stage::name);
    if (found == stages.end()) return std::nullopt;
    return static_cast<std::size_t>(found - stages.begin());
  }
  for (std::size_t i = 0; i < stages.size(); ++i)
    if (stages[i].cohort == rollout.after_cohort) return i;
  for (std::size_t i = 0; i < stages.size(); ++i)
    if (stages[i].cohort.empty() && stages[i].whole()) return i;
  return std::nullopt;
}

}  // namespace

Condition after_condition_of(const spec::Rollout& rollout, const std::optional<Neighbour>& other) {
  const std::string who = fmt::format("rollout '{}'", rollout.after_rollout);
  const std::string next = "tranche rollout status " + rollout.after_rollout;
  if (!other) return {false, who + " was never started", next, {}};
  const State& state = other->state;
  if (taken_back(state.phase))
    return {false, fmt::format("{} took release {} back", who, state.release), next, {}};
  if (state.phase == Phase::done) return {true, {}, {}, {}};
  if (rollout.after_stage.empty() && rollout.after_cohort.empty())
    return {false, fmt::format("{} is not done with release {}", who, state.release), next, {}};
  const auto stage = wanted_stage(rollout, other->plan);
  if (!stage)
    return {false,
            fmt::format("{} has no stage for '{}'", who,
                        rollout.after_stage.empty() ? rollout.after_cohort : rollout.after_stage),
            next,
            {}};
  if (state.phase != Phase::superseded && has_begun(state) && state.stage >= *stage)
    return {true, {}, {}, {}};
  return {false,
          fmt::format("{} has not reached its stage '{}'", who, other->plan.stages[*stage].name),
          next,
          {}};
}

Condition requires_condition_of(const std::vector<AppVersions>& apps) {
  std::string why;
  const auto say = [&](const std::string& what) { why += (why.empty() ? "" : ", ") + what; };
  for (const AppVersions& app : apps) {
    const auto range = parse_version_range(app.range);
    if (!app.unreadable.empty()) {
      say(fmt::format("app '{}' cannot be read: {}", app.app, app.unreadable));
    } else if (!range) {
      say(fmt::format("'{}' is no range of versions", printable(app.range, 64)));
    } else if (app.versions.empty()) {
      say(fmt::format("app '{}' has no release that everyone has, and {} is required", app.app, app.range));
    } else {
      for (const std::string& version : app.versions)
        if (!range->admits(version))
          say(fmt::format("app '{}' is at {}, and {} is required", app.app,
                          version.empty() ? "no release" : printable(version, 64), app.range));
    }
  }
  return {why.empty(), why, {}, {}};
}

std::optional<std::string> undo_obstacle(const Neighbour& mine, const Neighbour& other) {
  const Phase phase = other.state.phase;
  if (phase == Phase::rolled_back || phase == Phase::superseded) return std::nullopt;
  if (!has_begun(other.state) && !other.state.pending) return std::nullopt;  // nobody has it
  const auto range = other.plan.spec().needs.find(mine.plan.app);
  if (range != other.plan.spec().needs.end()) {
    const auto admitted = parse_version_range(range->second);
    if (admitted && admitted->admits(mine.plan.baseline)) return std::nullopt;
  } else if (other.state.started < mine.state.started) {
    return std::nullopt;
  }
  const std::string who = fmt::format("rollout '{}' of {}", other.plan.rollout, other.plan.app);
  if (phase == Phase::stranded)
    return fmt::format("{} left devices stranded at {}, which need {} {}", who, other.state.release,
                       mine.plan.app, mine.state.release);
  return fmt::format("{} is {} with {}, which needs {} {}", who, to_text(phase), other.state.release,
                     mine.plan.app, mine.state.release);
}

}  // namespace tranche::rollout
