// What a playbook step does, one file each: do, undo, ask-whether-done.
//
// `perform` is told an idempotency key that is the same on every try. `ask` is asked when a try was cut
// short: the target itself says whether it is done; what cannot say so answers `unknown`, and is then shown
// to a person and not repeated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actions/deck.hpp"
#include "base/error.hpp"
#include "rollout/plan.hpp"
#include "spec/spec.hpp"

namespace tranche::actions {

struct Call {
  const rollout::Plan& plan;
  const spec::Step& step;
  std::string key;
  Cause cause;
};

enum class Asked { done, not_done, unknown };

struct Action {
  std::string_view name;  // "flag.set"
  std::string_view summary;
  Result<std::string> (*perform)(Deck& deck, const Call& call);  // what was done, in words
  Result<std::string> (*undo)(Deck& deck, const Call& call);     // kind denied where it cannot be undone
  Result<Asked> (*ask)(Deck& deck, const Call& call);
};

// All there are: the table of contents.
const std::vector<Action>& actions();
const Action* find_action(std::string_view name);

// One per file.
Action flag_set();
Action channel_withdraw();
Action channel_fallback();
Action http_request();
Action run_command();

// $app $channel $release $baseline $rollout $reason in strings of a step's `with`.
std::string fill_variables(std::string text, const Call& call);
doc::Value fill_variables(const doc::Value& value, const Call& call);

}  // namespace tranche::actions
