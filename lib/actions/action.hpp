// What a playbook step does, one file each: what it needs, what it changes, do, undo, ask-whether-done.
//
// `perform` is told an idempotency key that is the same on every try. `ask` is asked when a try was cut
// short: the target itself says whether it is done; what cannot say so answers `unknown`, and is then shown
// to a person and not repeated.
#pragma once

#include <optional>
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
  std::string rollout_id;  // "desktop/1.2.0/17": what issues and incidents are deduplicated by
  std::string key;
  Cause cause;
  Instant deadline{};  // no attempt may last longer
  doc::Value facts{};  // ask, undo: what `perform` said of itself; perform: of the attempt before; or null
  std::string run{}, playbook{};  // key of the playbook's run, and its name
  std::string plan_digest{};      // of what fixes its steps: the rollout's plan, or that of a run by hand
};

enum class Asked { done, not_done, unknown };

// What a call must have around it. Looked at before a rollout starts, shown by --dry-run.
struct Need {
  enum class Kind { secret, program, file, url } kind = Kind::secret;
  std::string what;  // a reference, a name in PATH, a path, an address: never a secret itself
};

struct Outcome {
  std::string text;    // what was done, in words
  doc::Value facts{};  // for ask and undo: a commit, an issue's number; object or null
  // Set: not done yet (a wait, an approval): perform is called again then, or by the next tick where that is
  // now, with these facts. That is no attempt of the step's retry.
  std::optional<Instant> not_before{};
};

struct Action {
  std::string_view name;  // "flag.set", as in spec/action_grammar.hpp
  // Both touch nothing and need no network.
  Result<std::vector<Need>> (*needs)(Deck& deck, const Call& call);
  Result<std::string> (*changes)(Deck& deck, const Call& call);  // "sets flag 'x' to false", for --dry-run
  Result<Outcome> (*perform)(Deck& deck, const Call& call);
  Result<Outcome> (*undo)(Deck& deck, const Call& call);  // kind denied where it cannot be undone
  Result<Asked> (*ask)(Deck& deck, const Call& call);     // whether it is done already
};

// All there are: the table of contents.
const std::vector<Action>& actions();
const Action* find_action(std::string_view name);

// One per file.
Action flag_set();
Action channel_withdraw();
Action channel_fallback();
Action channel_hold();
Action rollout_pause();
Action rollout_stop();
Action http_request();
Action run_command();
Action launchdarkly_set();
Action github_issue();
Action github_deployment_status();
Action gitlab_issue();
Action pagerduty_trigger();
Action pagerduty_resolve();
Action slack_post();
Action token_revoke();
Action argo_abort();
Action argo_promote();
Action argo_undo();
Action argo_pause();
Action argo_set_image();
Action git_commit();
Action git_tag();
Action git_revert();
Action target_undo();
Action wait();
Action approval();

// For actions that need nothing of the machine they run on.
Result<std::vector<Need>> needs_nothing(Deck& deck, const Call& call);

// $app $channel $release $baseline $rollout $reason in strings of a step's `with`.
std::string fill_variables(std::string text, const Call& call);
doc::Value fill_variables(const doc::Value& value, const Call& call);

}  // namespace tranche::actions
