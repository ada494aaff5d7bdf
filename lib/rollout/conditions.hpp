// What must hold, beside bake and gates, before exposure grows: the rollout's window, other rollouts, an
// approval, witnesses of the journal. PURE: the engine looks, and says what it found. What nobody looked at
// is not met.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "rollout/plan.hpp"

namespace tranche::rollout {

struct Condition {
  bool met = false;
  std::string why;                 // in words, the same at every tick while nothing changes
  std::string next;                // the command that helps; or empty: time does
  std::optional<Instant> until{};  // when it is met, where that is known
};
using Conditions = std::map<std::string, Condition>;  // by name

inline constexpr std::string_view window_condition = "window", after_condition = "after",
                                  requires_condition = "requires", approval_condition = "approval",
                                  witnesses_condition = "witnesses";

// Names of what stands before the growth to `stage`, in the order in which they are shown; `stage` of
// stages.size(): the end, which asks for nothing where the last stage reaches everyone already.
std::vector<std::string> required_conditions(const Plan& plan, std::size_t stage);
// All of them met, for rehearsals.
Conditions conditions_met(const Plan& plan, std::size_t stage);

// One that keeps exposure from growing, as the state remembers it.
struct Wait {
  std::string condition;
  std::string why, next;
  std::optional<Instant> until;
  bool operator==(const Wait&) const = default;
};
// Those of `required` that `conditions` does not say are met; in its order.
std::vector<Wait> unmet(const std::vector<std::string>& required, const Conditions& conditions);
// "its window opens at ...; stage '5%' needs an approval"
std::string to_text(const std::vector<Wait>& waits);
doc::Value to_value(const std::vector<Wait>& waits);
Result<std::vector<Wait>> waits_from_value(const doc::Value& value);

}  // namespace tranche::rollout
