// What taking a release back means for a channel: the two changes of its directions that a stop and the
// playbook's steps have in common. PURE.
#pragma once

#include <string>
#include <vector>

#include "channel/feed.hpp"
#include "cohort/decide.hpp"
#include "rollout/plan.hpp"

namespace tranche::actions {

// Nobody is given `release` any more: it leaves offer and baseline (which becomes `baseline`) and is listed
// as withdrawn; a fallback that is listed already stays.
cohort::Directions withdraw_release(cohort::Directions directions, const std::string& release,
                                    const std::string& baseline);
// The same, and devices that run it go to `fallback`; empty: they keep it.
cohort::Directions send_back(cohort::Directions directions, const std::string& release,
                             const std::string& baseline, const std::string& fallback);

// Where a plan sends them: the fallback that was prepared, else its baseline, else nowhere.
const std::string& fallback_of(const rollout::Plan& plan);
// The prepared fallback, which the feed has to name from then on.
std::vector<channel::ReleaseRef> fallback_refs(const rollout::Plan& plan);
// What the red button says of the channel: withdrawn, and sent back where the playbook of the plan would,
// whose steps then find it done. A playbook without channel.fallback leaves devices what they have, and so
// does this.
cohort::Directions take_back(cohort::Directions directions, const rollout::Plan& plan);

}  // namespace tranche::actions
