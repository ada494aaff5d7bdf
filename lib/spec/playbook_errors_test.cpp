// What a playbook may not say.
#include <doctest/doctest.h>

#include "spec/spec.hpp"

using namespace tranche;

namespace {

struct Case {
  const char* steps;
  const char* message;
  const char* hint;
};

std::string with_steps(std::string_view steps) {
  return "version: 1\napp: a\nchannels: { stable: { store: \"dir:s\" } }\n"
         "people: { managers: { keys: [keys/a.pub] } }\n"
         "rollouts: { r: { channel: stable, on-failure: p } }\nplaybooks:\n  p:\n    steps:\n" +
         std::string(steps);
}

}  // namespace

TEST_CASE("a playbook that would never end, wait where it may not, or lead nowhere is refused at its place") {
  const Case cases[]{
      {"      - { id: one, uses: channel.withdraw }\n"
       "      - { id: two, uses: run, with: { argv: [x] }, on-failure: one }\n",
       "step 2 of playbook 'p' goes back to step 'one': it would never end",
       "name a later step, continue or abort; retry tries a step again"},
      {"      - { id: one, uses: run, with: { argv: [x] }, on-failure: one }\n",
       "step 1 of playbook 'p' goes back to step 'one': it would never end",
       "name a later step, continue or abort; retry tries a step again"},
      {"      - { uses: run, with: { argv: [x] }, on-failure: tel }\n"
       "      - { id: tell, uses: run, with: { argv: [x] } }\n",
       "playbook 'p' has no step 'tel' to go on at", "did you mean 'tell'?"},
      {"      - { uses: run, with: { argv: [x] }, verify: { uses: wait, with: { for: 1s } } }\n",
       "wait is nothing for verify of step 1 of playbook 'p'", "write it as a step of its own"},
      {"      - { uses: run, with: { argv: [x] }, compensate: { uses: approval, with: { people: managers } } "
       "}\n",
       "approval is nothing for compensate of step 1 of playbook 'p'", "write it as a step of its own"},
      {"      - { uses: run, with: { argv: [x] }, approval: managers }\n      - { uses: channel.withdraw }\n",
       "channel.withdraw in step 2 of playbook 'p' waits for approval in step 1: stopping a release waits "
       "for "
       "nobody",
       "put the steps of channel.* first, and what wants approval after them"},
      {"      - { uses: channel.withdraw, approval: managers }\n",
       "channel.withdraw in step 1 of playbook 'p' waits for approval in step 1: stopping a release waits "
       "for "
       "nobody",
       "put the steps of channel.* first, and what wants approval after them"},
      {"      - { uses: approval, with: { people: managers } }\n      - { uses: channel.fallback }\n",
       "channel.fallback in step 2 of playbook 'p' waits for approval in step 1: stopping a release waits "
       "for "
       "nobody",
       "put the steps of channel.* first, and what wants approval after them"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.steps);
    const auto spec = spec::parse(with_steps(one.steps));
    REQUIRE_FALSE(spec.has_value());
    CHECK(spec.error().message == one.message);
    CHECK(spec.error().hint == one.hint);
    CHECK(spec.error().mark.has_value());
  }
}

TEST_CASE("approval after what stops the release, and in a playbook that rolls nothing back, is fine") {
  CHECK(spec::parse(with_steps("      - { uses: channel.withdraw }\n"
                               "      - { uses: run, with: { argv: [x] }, approval: managers }\n"))
            .has_value());
  std::string other = with_steps(
      "      - { uses: approval, with: { people: managers } }\n"
      "      - { uses: channel.withdraw }\n");
  other.replace(other.find("on-failure: p "), 14, "on-hold: p ");
  other += "  rollback: { steps: [ { uses: channel.withdraw } ] }\n";
  CHECK(spec::parse(other).has_value());
}
