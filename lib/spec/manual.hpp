// The manual of tranche.yaml: every key with what it takes and what it stands for, from the tables that the
// file is parsed with (json_schema()), so that no key is missing and none is told of that is not there; and
// every action of playbooks with its arguments (action_grammar()).
#pragma once

#include <string>
#include <vector>

namespace tranche::spec {

struct ManualKey {
  std::string key;
  std::string takes;     // "text", "a | b", "list of stage", "map of name to channel"
  std::string doc;       // what it is
  std::string fallback;  // a text as it is, else JSON; empty: there is none
  bool required = false;
};
struct ManualSection {
  std::string name;  // "tranche.yaml", then names that `takes` refers to
  std::string doc;
  std::vector<ManualKey> keys;
  bool is_action = false;  // its keys stand under `with:` of a step
};
// The top level first, then the others by name, then the actions in the order of their grammar.
std::vector<ManualSection> manual();

}  // namespace tranche::spec
