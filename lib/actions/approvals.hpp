// Approvals: what waits for people, and whether enough of them have said yes.
//
// What is asked is a Request: an id that people can copy, and the digest of exactly what is approved. The
// answers are signed documents (signing/approval.hpp) in journal entries of kind "approval.given" under the
// subject "approval/<app>/<rollout>". They are verified each time they are counted, against the keys that the
// rollout froze: to be able to write the journal, or to push to its branch, is not enough.
//
//   auto request = TRY(actions::stage_request(plan, state, next_stage));
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
  // "desktop/1.2.0/17:stage-4" (counted from 1), "...:playbook/<step id>", "...:hand/<step id>" of a run by
  // hand, "...:resume"
  std::string id;
  std::string what;    // in words: "stage 4 '100%' of rollout 'desktop', release 1.2.0"
  std::string digest;  // hex SHA-256 of the canonical JSON of what is approved
  std::string people;  // name under people:
  std::string app, rollout, release;
  // Where the journal says who its authors are, for `not: author`: entries that started and froze it, and the
  // manifest of the release that somebody made. Looked up when somebody has answered.
  std::vector<std::uint64_t> author_entries;
  std::string manifest_sha256;
  std::optional<std::string> begun_by;  // of a run by hand: who began it is one of its authors
};

// A stage of a frozen plan, before it begins. Bound to the plan's digest: after an amendment it is asked
// anew. kind bug: the stage asks nobody.
Result<Request> stage_request(const rollout::Plan& plan, const rollout::State& state, std::size_t stage);
// That a held or paused rollout goes on, where its current stage has approval: people. nullopt: it asks
// nobody. Bound to this hold: one that comes later is asked anew.
Result<std::optional<Request>> resume_request(const rollout::Plan& plan, const rollout::State& state);
// A step of a playbook. `run`: the key of the run, so that another run is asked anew; `plan_digest`: of what
// fixes the playbook's steps (the rollout's plan, or the playbook's own for one that is run by hand).
struct StepQuestion {
  std::string rollout, rollout_id, release;  // "desktop", "desktop/1.2.0/17", "1.2.0"
  std::string run, playbook, step;           // step: its id
  std::string plan_digest;
  std::string people;                     // spec::Step::approval, or `people` of the action approval
  std::string what;                       // in words; empty: made from the others
  std::optional<std::string> begun_by{};  // of a run by hand only: who began it
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

// Those whom the request asks, as the plan froze them. kind verification: they are not in it.
Result<const spec::People*> people_of(const spec::App& frozen, const Request& request);

// Whether `document` answers this request, by a person who may. kind denied: by a stranger, by the author,
// for other content, expired; kind verification: a bad signature.
struct Accepted {
  std::string name;  // who
  signing::Approval approval;
  bool again = false;  // they said the same before, and it still counts: there is nothing to record
  std::string key{};   // what makes people distinct
};
// `vouched`: the caller has looked at an environment's token itself (environment.hpp); otherwise the document
// of an environment is a stranger's.
enum class Vouched { no, yes };
Result<Accepted> check_approval(Deck& deck, const spec::App& frozen, const Request& request,
                                std::string_view document, Instant now, Vouched vouched = Vouched::no);
// Who made the release, started the rollout and froze its plan, as the journal has it, and who began the run
// by hand; empty texts for those that it does not know.
Result<std::vector<std::string>> find_authors(Deck& deck, const Request& request);

// The entry that records it, once check_approval has said yes. It points at the answers that still say
// something: of this run of the rollout, and of each person the newest to each question. kind denied: there
// are too many.
Result<journal::Draft> approval_draft(Deck& deck, const Request& request, std::string_view document,
                                      const Accepted& accepted);

// The approval that a person is to sign.
Result<signing::Approval> make_approval(const spec::App& frozen, const Request& request, std::string by,
                                        Instant now, bool approves, std::string reason);

// The answers that the journal remembers for a rollout, whatever they are worth, oldest first.
struct Answer {
  std::string id;
  std::uint64_t entry = 0;
  std::string document;               // empty: the entry holds none
  std::string by;                     // what makes people distinct; empty: an older tranche did not say
  std::optional<Instant> kept_until;  // an environment's: its token says nothing else until then
};
Result<std::vector<Answer>> answers_on_record(Deck& deck, const Request& request);

std::string approval_subject(std::string_view app, std::string_view rollout);
// The people of tranche.yaml with keys in place of paths: what a plan freezes. kind invalid as
// signing::freeze_people.
Result<std::vector<spec::People>> frozen_people(Deck& deck);

}  // namespace tranche::actions
