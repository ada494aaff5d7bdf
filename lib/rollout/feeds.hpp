// What a plan means in each feed of its channel: the share that every stage really reaches, what a rollback
// can bring back, and what the clients cannot honour. PURE.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "rollout/plan.hpp"

namespace tranche::rollout {

struct FeedStage {
  Percent written;          // what the channel's own file says; 0: it stays at the previous release
  double share = 0;         // of the feed's devices that this lets through, 0..1
  std::string cohort_file;  // the feed channel whose file offers the release to all of a cohort; or empty
};
struct FeedPlan {
  std::string feed;
  bool served = false;            // `tranche serve` decides: exact shares
  bool by_label = false;          // reaches cohorts as the plan says, without files of their own
  std::vector<FeedStage> stages;  // one a stage of the plan
  bool recovers = false;          // a device that took the release can be brought back
  std::string recovers_to;        // the release it is brought to; empty: it keeps what it has
  std::string how;                // in words: "downgrade", "fallback 1.2.1", "no way back: ..."
};
// One a feed of the channel, in its order.
std::vector<FeedPlan> feed_plans(const Plan& plan);

// What the channel's clients cannot honour. `on-unsupported: nearest` makes shares and cohorts warnings;
// `serve` takes them away for clients that `tranche serve` can decide for.
struct FeedProblem {
  std::string what;  // "electron cannot offer to 0.5%: ..."
  std::string hint;
  bool refused = true;  // false: a warning
};
std::vector<FeedProblem> feed_problems(const Plan& plan, bool accept_no_way_back);
// kind invalid when one is refused: the first, the rest in Error::others.
Result<> check_feeds(const Plan& plan, bool accept_no_way_back);

// Feeds that may have given the release to devices by `stage` and cannot bring them back.
std::vector<std::string> stranding_feeds(const Plan& plan, std::size_t stage);

}  // namespace tranche::rollout
