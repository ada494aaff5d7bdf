// What each action of a playbook takes: the one table that the check of tranche.yaml, the manual and the
// actions themselves (lib/actions) go by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tranche::spec {

enum class ArgumentKind {
  text,  // a line or more; $variables are filled in
  any,   // whatever the action's target takes
  boolean,
  integer,
  duration,
  url,     // http or https, without a password
  secret,  // a secret reference
  texts,   // one text or a list
  argv,    // a program and its arguments
  map,
  headers,    // names to one-line texts, secret references among them
  flag,       // name of a flag of the app
  people,     // name under people:
  cohort,     // name under cohorts:
  rollout,    // name under rollouts:
  edits,      // [{ file, key, value }]
  signature,  // { secret, header }: HMAC-SHA256 of the body
};
struct ActionArgument {
  std::string_view key;
  ArgumentKind kind = ArgumentKind::text;
  bool required = false;
  std::string_view doc;
  std::vector<std::string_view> words{};  // text: one of these; empty: any
};
// What it takes, in a few words: "a duration", "GET | POST".
std::string to_text(const ActionArgument& argument);
struct ActionGrammar {
  std::string_view name, summary;
  std::vector<ActionArgument> arguments;
};

// In the order of the manual.
const std::vector<ActionGrammar>& action_grammar();
const ActionGrammar* find_action_grammar(std::string_view name);

}  // namespace tranche::spec
