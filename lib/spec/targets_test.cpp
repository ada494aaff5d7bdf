// What the file says of services: refused before anything starts where it could not hold.
#include <doctest/doctest.h>

#include "spec/spec.hpp"
#include "spec/warnings.hpp"

namespace tranche::spec {
namespace {

std::string with_target(const std::string& target, const std::string& gates = "[]",
                        const std::string& more = {}) {
  return "version: 1\napp: a\nsources: { fleet: { serve: \"http://h\" } }\n"
         "gates: { c: { kind: threshold, source: fleet, query: q, success-condition: \"result < 1\" } }\n"
         "rollouts: { r: { target: " +
         target + ", stages: [{ percent: 5, gates: " + gates + " }, { percent: 100, gates: [] }]" + more +
         " } }\n";
}

constexpr const char* command = "{ command: { expose: [deploy], undo: [undeploy] } }";

std::string refusal_of(const std::string& yaml) {
  const auto parsed = parse(yaml);
  return parsed ? std::string() : parsed.error().message;
}

}  // namespace

TEST_CASE("a service is taken, and taken back by its target") {
  const auto parsed = parse(with_target(command));
  REQUIRE(parsed.has_value());
  const App& app = parsed->apps[0];
  CHECK(unsupported(app, app.rollouts[0]).empty());
  REQUIRE(app.playbook("rollback") != nullptr);
  CHECK(app.playbook("rollback")->steps[0].uses == "target.undo");
  for (const Error& warning : warnings(app)) CHECK(warning.message.find("withdraw") == std::string::npos);
}

TEST_CASE("a gate that counts devices, and an image's digest, are nothing for a service") {
  CHECK(refusal_of(with_target(command, "[c]")) ==
        "gate 'c' in stage '5%' of rollout 'r' reads source 'fleet', which counts devices of a channel");
  CHECK(refusal_of(with_target(
            "{ gitops: { remote: origin, edits: [{ file: f, key: k, value: \"x@{digest}\" }] } }")) ==
        "the target of rollout 'r' asks for {digest}, and a release knows no digest of an image");
}

TEST_CASE("a playbook that leaves a service as it is is warned of") {
  const auto parsed = parse(with_target(command, "[]", ", on-failure: tell") +
                            "playbooks: { tell: { steps: [{ uses: wait, with: { for: 1s } }] } }\n");
  REQUIRE(parsed.has_value());
  std::string all;
  for (const Error& warning : warnings(parsed->apps[0])) all += warning.message + " | " + warning.hint + "\n";
  CHECK(all.find("playbook 'tell' of rollout 'r' does not take back the release | add a step: { uses: "
                 "target.undo }") != std::string::npos);
}

}  // namespace tranche::spec
