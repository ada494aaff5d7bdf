// What a playbook will do, before it does it: every step with its arguments filled in, as one document whose
// SHA-256 the dry run prints and the run records; and what the steps need of the machine that they run on.
#pragma once

#include <string>
#include <vector>

#include "actions/action.hpp"
#include "base/error.hpp"
#include "engine/playbook_runner.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"

namespace tranche::engine {

// An order for a rollout's playbook, without its journal: subject, key, purpose, cause and digest are the
// caller's.
PlaybookOrder order_for(actions::Deck& deck, const rollout::Plan& plan, const rollout::State& state,
                        const spec::Playbook& playbook);

// {schema: "tranche/playbook-plan/v1", playbook, for, rollout, release, steps}: arguments filled in, secrets
// as references. Members that say nothing are left out, so that a later tranche makes the same document.
Result<doc::Value> playbook_document(const PlaybookOrder& order);
// Hex SHA-256 of its canonical JSON.
Result<std::string> playbook_digest(const doc::Value& document);

struct CheckedNeed {
  actions::Need need;
  bool there = false;
  std::string why;  // not there: why
};
// What one call needs, each looked for on this machine.
Result<std::vector<CheckedNeed>> check_needs(actions::Deck& deck, const actions::Call& call);

struct PlannedStep {
  std::string id, uses;
  std::string changes;  // in words
  std::string problem;  // it cannot be taken; or empty
  std::vector<CheckedNeed> needs;
};
struct PlaybookPlan {
  doc::Value document;
  std::string digest;
  std::vector<PlannedStep> steps;
};
// Touches nothing, sends nothing; secrets are read to see that they are there, and forgotten.
Result<PlaybookPlan> plan_playbook(actions::Deck& deck, const PlaybookOrder& order);

}  // namespace tranche::engine
