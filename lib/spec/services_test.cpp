// What a file means that rolls services out beside a channel, or alone.
#include <doctest/doctest.h>

#include "spec/spec.hpp"

namespace tranche::spec {
namespace {

App app_of(const std::string& rollouts) {
  const auto spec = parse(
      "version: 1\napp: notes\nartifacts: [\"dist/*\"]\nstate: dir:state\n"
      "channels: { stable: { store: \"dir:public\" } }\n" +
      rollouts);
  REQUIRE_MESSAGE(spec.has_value(), (spec ? std::string() : spec.error().message));
  return spec->apps[0];
}

std::vector<std::string> steps_of(const App& app, const std::string& playbook) {
  std::vector<std::string> out;
  const Playbook* found = app.playbook(playbook);
  REQUIRE(found != nullptr);
  for (const Step& step : found->steps) out.push_back(step.uses);
  return out;
}

using Steps = std::vector<std::string>;
constexpr const char* service =
    "backend: { target: { command: { expose: [up], undo: [down] } }, stages: [{ percent: 100, gates: [] }] }";

}  // namespace

TEST_CASE("services alone are taken back by their target") {
  const App app = app_of(std::string("rollouts: { ") + service + " }\n");
  CHECK(app.rollouts[0].channel.empty());
  CHECK(app.rollouts[0].on_failure == "rollback");
  CHECK(steps_of(app, "rollback") == Steps{"target.undo"});
}

TEST_CASE(
    "a service beside a channel gets a playbook of its own, and all of it reads back as it was written") {
  const App app = app_of(std::string("rollouts: { desktop: { channel: stable }, ") + service + " }\n");
  CHECK(app.rollout("desktop")->on_failure == "rollback");
  CHECK(app.rollout("backend")->on_failure == "rollback-service");
  CHECK(steps_of(app, "rollback") == Steps{"channel.withdraw", "channel.fallback"});
  CHECK(steps_of(app, "rollback-service") == Steps{"target.undo"});
  const auto again = from_value(to_value(app));
  REQUIRE(again.has_value());
  CHECK(to_value(*again) == to_value(app));
}

TEST_CASE("a playbook that takes channels back is refused for a service") {
  const auto spec = parse(std::string("version: 1\napp: notes\nartifacts: [\"dist/*\"]\nstate: dir:state\n"
                                      "channels: { stable: { store: \"dir:public\" } }\nrollouts: { ") +
                          service + " }\nplaybooks: { rollback: { steps: [{ uses: channel.withdraw }] } }\n");
  REQUIRE_FALSE(spec.has_value());
  CHECK(spec.error().message ==
        "playbook 'rollback' uses channel.withdraw, and rollout 'backend' has no channel");
  CHECK(spec.error().hint.find("target.undo") != std::string::npos);
}

}  // namespace tranche::spec
