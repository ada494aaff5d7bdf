// What the tests of actions on clusters and repositories share: an app in a real directory, with a clock that
// the test moves, a bare git repository beside it, and a loopback API server.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "actions/action.hpp"
#include "support/fake_world.hpp"
#include "support/kube_server.hpp"
#include "support/temp_directory.hpp"

namespace tranche::actions::testing {

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline constexpr const char* ops_yaml = R"(
version: 1
app: notes
artifacts: ["dist/notes_{version}.bin"]
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: env:TRANCHE_RELEASE_KEY, feed: env:TRANCHE_FEED_KEY, journal: env:TRANCHE_JOURNAL_KEY }
state: dir:state
channels: { stable: { store: "dir:public" } }
cohorts:
  bank: { match: { customer: bank } }
  pilot: { feed-channel: pilot }
flags: { share: { type: number, default: 0 } }
)";

class OpsWorld {
 public:
  // `real` has the doors that lead out; `more` is added to the file: the rollouts. The plan is that of the
  // first.
  OpsWorld(const ports::World& real, const std::string& more)
      : world{fake.clock,  real.http,    real.files,   real.process,
              real.random, fake.environ, fake.console, fake.zones} {
    const std::string yaml = ops_yaml + more;
    app = must(spec::parse(yaml)).apps[0];
    for (const auto& [role, variable] :
         {std::pair{"release", "TRANCHE_RELEASE_KEY"}, std::pair{"feed", "TRANCHE_FEED_KEY"},
          std::pair{"journal", "TRANCHE_JOURNAL_KEY"}}) {
      const auto key = must(crypto::SecretKey::from_seed(Secret(std::string(32, role[0]))));
      write("repo/keys/" + std::string(role) + ".pub", crypto::to_pem(key.public_key()));
      fake.environ.values[variable] = std::string(key.to_pem().expose());
    }
    write("repo/tranche.yaml", yaml);
    fake.environ.values["HOME"] = directory.path();
    fake.environ.values["TRANCHE_KUBE_TOKEN"] = "t0ken";
    deck = must(Deck::open(world, directory / "repo", app, "ana@example.org"));
    plan.app = app.name;
    plan.config = app;
    plan.rollout = app.rollouts[0].name;
    plan.channel = app.rollouts[0].channel;
    plan.release = "1.1.0";
    plan.baseline = "1.0.0";
    for (const spec::Stage& stage : app.rollouts[0].stages)
      plan.stages.push_back({stage.name, {}, false, stage.bake, {}});
  }
  OpsWorld(const OpsWorld&) = delete;
  OpsWorld& operator=(const OpsWorld&) = delete;

  void write(const std::string& name, const std::string& text) {
    must(world.files.write(directory / name, text));
  }

  std::string git(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "-c", "user.name=t", "-c", "user.email=t@localhost"});
    auto result = world.process.run({.argv = arguments});
    REQUIRE(result.has_value());
    INFO(result->err);
    REQUIRE(result->exit_code == 0);
    return result->out;
  }
  // A bare repository deploy.git with branch main and one file.
  void make_repository(const std::string& file, const std::string& text) {
    git({"init", "-q", "-b", "main", "--bare", directory / "deploy.git"});
    git({"clone", "-q", directory / "deploy.git", directory / "ana"});
    git({"-C", directory / "ana", "checkout", "-q", "-B", "main"});
    commit_and_push(file, text);
  }
  void push(const std::string& file, const std::string& text) {
    git({"-C", directory / "ana", "pull", "-q", "--rebase", "origin", "main"});
    commit_and_push(file, text);
  }
  void commit_and_push(const std::string& file, const std::string& text) {
    write("ana/" + file, text);
    git({"-C", directory / "ana", "add", "-A"});
    git({"-C", directory / "ana", "commit", "-q", "-m", "ana changes " + file});
    git({"-C", directory / "ana", "push", "-q", "origin", "main"});
  }
  std::string bare(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", directory / "deploy.git"});
    return git(std::move(arguments));
  }

  // A call of an action as a playbook makes it. `with` is YAML.
  Call call(const std::string& uses, const std::string& with, const std::string& key = "r/1/rollback/1") {
    step.uses = uses;
    step.with = must(doc::parse_yaml(with, "with"));
    return {plan, step, "backend/1.1.0/7", key, {"ana@example.org", "it is bad"}};
  }
  Result<Outcome> perform(const Call& call) { return find_action(call.step.uses)->perform(*deck, call); }
  Result<Outcome> undo(const Call& call) { return find_action(call.step.uses)->undo(*deck, call); }
  Asked ask(const Call& call) { return must(find_action(call.step.uses)->ask(*deck, call)); }
  std::string changes(const Call& call) { return must(find_action(call.step.uses)->changes(*deck, call)); }

  support::TempDirectory directory;
  support::FakeWorld fake;
  ports::World world;
  spec::App app;
  rollout::Plan plan;
  spec::Step step;
  std::unique_ptr<Deck> deck;
};

}  // namespace tranche::actions::testing
