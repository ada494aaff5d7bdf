// What of an app's rollouts waits for people, and the request behind an id that somebody copied.
#pragma once

#include <string>
#include <vector>

#include "actions/approvals.hpp"
#include "base/error.hpp"
#include "rollout/plan.hpp"

namespace tranche::engine {

struct Waiting {
  actions::Request request;
  actions::Standing standing;
  spec::App frozen;   // the configuration that says who may
  bool next = false;  // the rollout goes no further without it; else it may be answered ahead of time
};
// Stages that have not begun and ask people, a hold where they are asked, the step of a playbook that waits:
// of all rollouts that are not over, in the order of tranche.yaml; and of playbooks that are run by hand.
Result<std::vector<Waiting>> find_waiting(actions::Deck& deck);
// The one of that id. kind invalid: nothing of that id waits, with the nearest as hint.
Result<Waiting> find_waiting(actions::Deck& deck, const std::string& id);

}  // namespace tranche::engine
