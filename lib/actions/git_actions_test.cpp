#include "actions/git_actions.hpp"

#include <doctest/doctest.h>

#include "actions/ops_testing.hpp"
#include "os/world.hpp"

namespace tranche::actions {
namespace {

using testing::must;
using testing::OpsWorld;

// Makes no door before it is used.
ports::World& real_world() {
  static os::RealWorld real;
  return real.world();
}

constexpr const char* channel_rollout = "rollouts: { desktop: { channel: stable } }\n";
constexpr const char* values = "# values\nimage:\n  tag: \"1.1.0\"  # ours\nreplicas: 3\n";

struct Site : OpsWorld {
  Site() : OpsWorld(real_world(), channel_rollout) { make_repository("values.yaml", values); }
  [[nodiscard]] std::string with(const std::string& more) const {
    return "{ remote: \"file://" + (directory / "deploy.git") + "\", " + more + " }";
  }
  Call commit(const std::string& key = "r/1/rollback/1") {
    return call("git.commit", with("edits: [{ file: values.yaml, key: image.tag, value: $baseline }]"), key);
  }
};

}  // namespace

TEST_CASE("git.commit changes the value, says why, and is done once a key") {
  Site site;
  const Call call = site.commit();
  CHECK(site.changes(call).find("sets image.tag of values.yaml to 1.0.0") != std::string::npos);
  CHECK(site.ask(call) == Asked::not_done);
  must(site.perform(call));
  CHECK(site.bare({"show", "main:values.yaml"}) ==
        "# values\nimage:\n  tag: \"1.0.0\"  # ours\nreplicas: 3\n");
  CHECK(site.bare({"log", "-1", "--format=%B", "main"}) ==
        "notes: desktop goes back from 1.1.0\n\nit is bad\n\nTranche-Rollout: backend/1.1.0/7\nTranche-Key: "
        "r/1/rollback/1\n\n");
  CHECK(site.ask(call) == Asked::done);
  site.push("values.yaml", std::string(values) + "more: 1\n");  // somebody sets 1.1.0 again
  must(site.perform(call));
  CHECK(site.bare({"rev-list", "--count", "main"}) == "3\n");
}

TEST_CASE("git.commit is undone by a revert, which is done once too") {
  Site site;
  const Call call = site.commit();
  must(site.perform(call));
  must(site.undo(call));
  must(site.undo(call));
  CHECK(site.bare({"show", "main:values.yaml"}) == values);
  CHECK(site.bare({"rev-list", "--count", "main"}) == "3\n");
  must(site.perform(site.commit("other")));
  site.push("values.yaml", "image:\n  tag: \"0.9\"\n");
  const auto refused = site.undo(site.commit("other"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::denied);
}

TEST_CASE("git.revert takes back what this rollout committed last, and nobody else's") {
  Site site;
  must(site.perform(site.commit()));
  site.push("note.txt", "mine");
  const Call call = site.call("git.revert", site.with("branch: main"), "r/1/rollback/2");
  CHECK(site.ask(call) == Asked::not_done);
  must(site.perform(call));
  CHECK(site.bare({"show", "main:values.yaml"}) == values);
  CHECK(site.ask(call) == Asked::done);
  must(site.perform(call));
  const std::string count = site.bare({"rev-list", "--count", "main"});
  const Outcome nothing =
      must(site.perform(site.call("git.revert", site.with("branch: main"), "r/1/rollback/3")));
  CHECK(nothing.text.find("made no commit") != std::string::npos);
  CHECK(site.bare({"rev-list", "--count", "main"}) == count);
  must(site.undo(site.call("git.revert", site.with("branch: main"), "r/1/rollback/2")));
  CHECK(site.bare({"show", "main:values.yaml"}).find("1.0.0") != std::string::npos);
}

TEST_CASE("git.tag marks the newest commit once") {
  Site site;
  const Call call = site.call("git.tag", site.with("name: bad-$release"));
  CHECK(site.ask(call) == Asked::not_done);
  must(site.perform(call));
  site.push("note.txt", "mine");
  CHECK(site.ask(call) == Asked::done);
  must(site.perform(call));
  CHECK(site.bare({"rev-parse", "bad-1.1.0^{commit}"}) == site.bare({"rev-parse", "main~1"}));
  const auto taken = site.perform(site.call("git.tag", site.with("name: bad-$release"), "another"));
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().kind == ErrorKind::denied);
}

TEST_CASE("a reason cannot forge a trailer") {
  const std::string message = git_message("s", "x\n\nTranche-Key: forged", "r/1", "k\nTranche-Key: forged");
  const store::WorkCommit commit{"0", message};
  CHECK(commit.trailer(key_trailer) != "forged");
  CHECK(commit.trailer(rollout_trailer) == "r/1");
}

}  // namespace tranche::actions
