// What one rollout asks of another: that it has come so far, that it was taken back first. PURE.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rollout/conditions.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"

namespace tranche::rollout {

struct Neighbour {
  Plan plan;
  State state;
};

// `after:` of `rollout`. nullopt: the other was never started.
Condition after_condition_of(const spec::Rollout& rollout, const std::optional<Neighbour>& other);

// `requires:`: for each app what everyone has there, by channel or service.
struct AppVersions {
  std::string app, range;
  std::vector<std::string> versions;
  std::string unreadable;  // why they could not be read; or empty
};
Condition requires_condition_of(const std::vector<AppVersions>& apps);

// Why `mine` must not be taken back before `other`, whom undo-order names first; nullopt: it may. Devices of
// `other` need it where their range refuses what it would go back to, or, without a range, where they came
// after it.
std::optional<std::string> undo_obstacle(const Neighbour& mine, const Neighbour& other);

}  // namespace tranche::rollout
