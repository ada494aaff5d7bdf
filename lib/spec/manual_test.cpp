#include "spec/manual.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "spec/action_grammar.hpp"

using namespace tranche::spec;

TEST_CASE("the manual tells of every key, with what it takes and what it is") {
  const std::vector<ManualSection> sections = manual();
  REQUIRE(sections.size() > 30);
  CHECK(sections.front().name == "tranche.yaml");
  for (const ManualSection& section : sections) {
    CAPTURE(section.name);
    CHECK_FALSE(section.doc.empty());
    if (!section.is_action) CHECK_FALSE(section.keys.empty());
    for (const ManualKey& key : section.keys) {
      CAPTURE(key.key);
      CHECK_FALSE(key.takes.empty());
      CHECK_FALSE(key.doc.empty());
    }
  }
}

TEST_CASE("the manual tells of what rollouts, steps and people may say") {
  const std::vector<ManualSection> sections = manual();
  const auto key_in = [&](const std::string& section, const std::string& name) {
    CAPTURE(section);
    CAPTURE(name);
    const auto found = std::ranges::find(sections, section, &ManualSection::name);
    REQUIRE(found != sections.end());
    const auto key = std::ranges::find(found->keys, name, &ManualKey::key);
    REQUIRE(key != found->keys.end());
    return *key;
  };
  for (const char* name :
       {"window", "freeze", "max-tick-gap", "heartbeat", "on-hold", "after", "requires", "target"})
    key_in("rollout", name);
  for (const char* name :
       {"when", "verify", "compensate", "approval", "deadline", "retry", "timeout", "on-failure"})
    key_in("step", name);
  for (const char* name : {"undo-order", "witnesses", "people", "playbooks"}) key_in("tranche.yaml", name);
  CHECK(key_in("step", "on-failure").fallback == "continue");
  CHECK(key_in("step", "retry").takes == "retry");
  CHECK(key_in("step", "uses").required);
  CHECK(key_in("playbook", "steps").takes == "list of step");
  CHECK(key_in("tranche.yaml", "channels").takes == "map of names to channel");
  for (const ActionGrammar& action : action_grammar())
    for (const ActionArgument& argument : action.arguments)
      CHECK(key_in(std::string(action.name), std::string(argument.key)).required == argument.required);
}
