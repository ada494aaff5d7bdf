// Approvals: what waits for people, and whether enough of them have said yes.
//
// What is asked is a Request: an id that people can copy, and the digest of exactly what is approved. The
// answers are signed documents (signing/approval.hpp) in journal entries of kind "approval.given" under the
// subject "approval/<app>/<rollout>". They are verified each time they are counted, against the keys that the
// rollout froze: to be able to write the journal, or to push to its branch, is not enough.
//
//   auto request = TRY(actions::stage_request(deck, plan, state, next_stage));
//   auto standing = TRY(actions::standing(deck, plan.config, request, now));
//   if (!standing.met) wait, and show standing.why
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/deck.hpp"
#include "base/error.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"
#include "signing/approval.hpp"
#include "spec/spec.hpp"

namespace tranche::actions {

struct Request {
  // "desktop/1.2.0/17:stage-4" (counted from 1), "...:playbook/<step id>", "...:resume"
  std::string id;
  std::string what;    // in words: "stage 4 '100%' of rollout 'desktop', release 1.2.0"
  std::string digest;  // hex SHA-256 of the canonical JSON of what is approved
  std::string people;  // name under people:
  std::string app, rollout, release;
  // Who made the release and who started the rollout, for `not: author`; empty where nobody may not.
  std::vector<std::string> authors;
};

// A stage of a frozen plan, before it begins. Bound to the plan's digest: after an amendment it is asked
// anew. kind bug: the stage asks nobody.
Result<Request> stage_request(Deck& deck, const rollout::Plan& plan, const rollout::State& state,
                              std::size_t stage);
// That a held or paused rollout goes on, where its current stage has approval: people. nullopt: it asks
// nobody. Bound to this hold: one that comes later is asked anew.
Result<std::optional<Request>> resume_request(Deck& deck, const rollout::Plan& plan,
                                              const rollout::State& state);
// A step of a playbook. `run`: the key of the run, so that another run is asked anew; `plan_digest`: of what
// fixes the playbook's steps (the rollout's plan, or the playbook's own for one that is run by hand).
struct StepQuestion {
  std::string rollout, rollout_id, release;  // "desktop", "desktop/1.2.0/17", "1.2.0"
  std::string run, playbook, step;           // step: its id
  std::string plan_digest;
  std::string people;  // spec::Step::approval, or `people` of the action approval
  std::string what;    // in words; empty: made from the others
};
Result<Request> step_request(Deck& deck, const spec::App& frozen, const StepQuestion& question);

struct Standing {
  bool met = false;
  int given = 0, wanted = 1;
  std::vector<std::string> by;     // who said yes, sorted
  std::string why;                 // why not, in words, with the command that helps; met: who approved
  bool rejected = false;           // somebody who may approve said no
  std::optional<Instant> expires;  // met: when the first of those that were needed expires
};
// From the journal as the deck has it. `frozen`: the plan's config. An answer that is unreadable, unsigned,
// expired, for other content or by somebody else does not count, and `why` says so. kind verification: the
// people are not in the plan.
Result<Standing> standing(Deck& deck, const spec::App& frozen, const Request& request, Instant now);

// Whether `document` answers this request, by a person who may. kind denied: by a stranger, by the author,
// for other content, expired; kind verification: a bad signature.
struct Accepted {
  std::string name;  // who
  signing::Approval approval;
  bool again = false;  // they said the same before, and it still counts: there is nothing to record
};
Result<Accepted> check_approval(Deck& deck, const spec::App& frozen, const Request& request,
                                std::string_view document, Instant now);
// The entry that records it, once check_approval has said yes.
Result<journal::Draft> approval_draft(Deck& deck, const Request& request, std::string_view document,
                                      const Accepted& accepted);

// The approval that a person is to sign.
Result<signing::Approval> make_approval(const spec::App& frozen, const Request& request, std::string by,
                                        Instant now, bool approves, std::string reason);

std::string approval_subject(std::string_view app, std::string_view rollout);
// `people` with their keys in place of paths: what a plan freezes.
Result<std::vector<spec::People>> frozen_people(Deck& deck);

}  // namespace tranche::actions
