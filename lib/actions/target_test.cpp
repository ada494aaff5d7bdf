#include "actions/target.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "actions/argo.hpp"
#include "actions/ops_testing.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "os/world.hpp"

namespace tranche::actions {
namespace {

using namespace std::chrono_literals;
using testing::must;
using testing::OpsWorld;

// Makes no door before it is used.
ports::World& real_world() {
  static os::RealWorld real;
  return real.world();
}

constexpr const char* stages =
    "stages: [{ percent: 5, gates: [] }, { percent: 50, gates: [] }, { percent: 100, gates: [] }]";

struct Service : OpsWorld {
  explicit Service(const std::string& target, const ports::World& doors = real_world())
      : OpsWorld(doors, "rollouts: { backend: { target: " + target + ", " + stages + " } }\n") {}
  Move move(std::size_t stage, const std::string& key) {
    return {plan, "backend/1.1.0/7", key, {"ana@example.org", "ship it"}, stage, fake.clock.now()};
  }
  std::unique_ptr<Target> open() { return must(open_target(*deck, plan)); }
};

constexpr const char* rollout_path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/backend";

struct ArgoService {
  support::KubeServer server;
  Service service{
      "{ argo-rollouts: { server: \"" + server.url() +
      "\", token: env:TRANCHE_KUBE_TOKEN, namespace: shop, rollout: backend, image: \"notes:{version}\" } }"};
  std::unique_ptr<Target> target;

  explicit ArgoService(
      const std::string& steps =
          R"([{"setWeight":5},{"pause":{}},{"setWeight":20},{"pause":{}},{"setWeight":50},{"pause":{}}])") {
    const std::string object =
        R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"backend","namespace":"shop","uid":"u-1"},)"
        R"("spec":{"selector":{"matchLabels":{"app":"backend"}},"strategy":{"canary":{"steps":)" +
        steps +
        R"(}},"template":{"metadata":{"labels":{"app":"backend"}},"spec":{"containers":[{"name":"web","image":"notes:1.0.0"}]}}}})";
    command("controller on");
    command(std::string("put ") + rollout_path + " " + object);
    target = service.open();
  }
  void command(const std::string& line) { REQUIRE(server.command(line) == "ok"); }
  doc::Value object() { return must(doc::parse_json(server.command(std::string("get ") + rollout_path))); }
  std::int64_t weight() { return status_of(object()).weight; }
  std::string image() {
    const doc::Value value = object();
    return must(
        value.find("spec")->find("template")->find("spec")->find("containers")->as_array()[0].text("image"));
  }
  Outcome expose(std::size_t stage) {
    return must(target->expose(service.move(stage, "expose/" + std::to_string(stage))));
  }
};

}  // namespace

TEST_CASE("an Argo Rollout follows the stages of the plan and no further") {
  ArgoService argo;
  must(argo.target->check(argo.service.move(0, "")));
  CHECK_FALSE(argo.expose(0).not_before.has_value());
  CHECK(argo.weight() == 5);
  CHECK(argo.image() == "notes:1.1.0");
  argo.expose(0);
  CHECK(argo.weight() == 5);
  CHECK_FALSE(argo.expose(1).not_before.has_value());  // past the step at 20, which is none of ours
  CHECK(argo.weight() == 50);
  CHECK_FALSE(argo.expose(2).not_before.has_value());
  CHECK(argo.weight() == 100);
  CHECK_FALSE(must(argo.target->finish(argo.service.move(2, "finish"))).not_before.has_value());
}

TEST_CASE("an Argo Rollout is taken back in mid-ramp: aborted, and its image is the old one") {
  ArgoService argo;
  argo.expose(0);
  const Outcome back = must(argo.target->undo(argo.service.move(0, "undo")));
  CHECK_FALSE(back.not_before.has_value());
  CHECK(argo.image() == "notes:1.0.0");
  CHECK(status_of(argo.object()).current_is_stable);
  CHECK_FALSE(must(argo.target->undo(argo.service.move(0, "undo"))).not_before.has_value());
}

TEST_CASE("an Argo Rollout that everyone has is taken back without going through its steps") {
  ArgoService argo;
  for (std::size_t stage = 0; stage < 3; ++stage) argo.expose(stage);
  Outcome back = must(argo.target->undo(argo.service.move(2, "undo")));
  for (int i = 0; i < 3 && back.not_before; ++i) back = must(argo.target->undo(argo.service.move(2, "undo")));
  CHECK_FALSE(back.not_before.has_value());
  CHECK(argo.image() == "notes:1.0.0");
  CHECK(argo.weight() == 100);
}

TEST_CASE("nothing was exposed, nothing is taken back") {
  ArgoService argo;
  CHECK_FALSE(must(argo.target->undo(argo.service.move(0, "undo"))).not_before.has_value());
  CHECK(argo.image() == "notes:1.0.0");
}

TEST_CASE("stages at which the object cannot rest are refused before its image is touched") {
  ArgoService argo(R"([{"setWeight":5},{"pause":{"duration":"1m"}},{"setWeight":50},{"pause":{}}])");
  const auto refused = argo.target->expose(argo.service.move(0, "expose/0"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::invalid);
  CHECK(refused.error().message == "Argo Rollout 'backend' has no step that rests at 5%");
  CHECK(argo.image() == "notes:1.0.0");
}

TEST_CASE(
    "pods that never become ready are waited for until the deadline, and then it is the release's fault") {
  ArgoService argo;
  argo.command(std::string("break ") + rollout_path);
  Move move = argo.service.move(0, "expose/0");
  const Outcome first = must(argo.target->expose(move));
  REQUIRE(first.not_before.has_value());
  CHECK(*first.not_before > argo.service.fake.clock.now());
  argo.service.fake.clock.advance(11min);
  const auto late = argo.target->expose(move);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == ErrorKind::gate_failed);
  CHECK(late.error().message.find("10m") != std::string::npos);
}

TEST_CASE("what people do to the object meanwhile is not overridden") {
  ArgoService argo;
  argo.expose(0);
  const ClusterOptions options{argo.server.url(), "env:TRANCHE_KUBE_TOKEN", "", "", "", "shop"};
  ArgoRollout hand = must(ArgoRollout::open(argo.service.world, "", options, "backend", 20s));
  SUBCASE("aborted: the release is taken for bad") {
    must(hand.abort());
    CHECK(argo.target->expose(argo.service.move(1, "expose/1")).error().kind == ErrorKind::gate_failed);
  }
  SUBCASE("promoted further than the plan") {
    must(hand.promote(false, "by hand"));
    CHECK(argo.target->expose(argo.service.move(0, "expose/0")).error().kind == ErrorKind::gate_failed);
  }
  SUBCASE("another image") {
    must(hand.set_image("*", "notes:2.0.0", "by hand"));
    CHECK(argo.target->expose(argo.service.move(1, "expose/1")).error().kind == ErrorKind::gate_failed);
    const Outcome back = must(argo.target->undo(argo.service.move(1, "undo")));
    CHECK(back.text.find("never got") != std::string::npos);
    CHECK(argo.image() == "notes:2.0.0");
  }
  SUBCASE("paused") {
    must(hand.set_paused(true));
    CHECK(argo.expose(1).not_before.has_value());
    CHECK(argo.weight() == 5);
  }
}

TEST_CASE("gitops: one commit a stage, and one that takes all of them back") {
  Service service(R"({ gitops: { remote: "file://DIR/deploy.git", edits: [
      { file: values.yaml, key: image.tag, value: "{version}" }, { file: values.yaml, key: canary, value: "{percent}" } ] } })");
  service.make_repository("values.yaml", "image: { tag: 1.0.0 }  # x\ncanary: 0\n");
  service.plan.config.rollouts[0].target.remote = "file://" + (service.directory / "deploy.git");
  const auto target = service.open();
  must(target->check(service.move(0, "")));
  CHECK(service.bare({"rev-list", "--count", "main"}) == "1\n");
  must(target->expose(service.move(0, "expose/0")));
  CHECK(service.bare({"show", "main:values.yaml"}) == "image: { tag: 1.1.0 }  # x\ncanary: 5\n");
  must(target->expose(service.move(0, "expose/0")));
  must(target->expose(service.move(1, "expose/1")));
  service.push("note.txt", "mine");
  CHECK(service.bare({"show", "main:values.yaml"}) == "image: { tag: 1.1.0 }  # x\ncanary: 50\n");
  CHECK(service.bare({"log", "-1", "--format=%s", "main~1"}) == "notes 1.1.0 at 50%\n");
  must(target->undo(service.move(1, "undo")));
  must(target->undo(service.move(1, "undo")));
  CHECK(service.bare({"show", "main:values.yaml"}) == "image: { tag: 1.0.0 }  # x\ncanary: 0\n");
  CHECK(service.bare({"rev-list", "--count", "main"}) == "5\n");
}

namespace {

// GitHub's pull requests of one repository, as far as a target uses them (docs.github.com/rest/pulls); people
// merge with git itself.
struct PullService {
  support::FakeHttp github;
  ports::World doors = [this] {
    const ports::World& real = real_world();
    return ports::World{real.clock,  github,       real.files,   real.process,
                        real.random, real.environ, real.console, real.zones};
  }();
  Service service{
      R"({ gitops: { remote: "file://DIR/deploy.git", token: env:TRANCHE_KUBE_TOKEN, pull-request: acme/deploy, edits: [
      { file: values.yaml, key: image.tag, value: "{version}" }, { file: values.yaml, key: canary, value: "{percent}" } ] } })",
      doors};
  std::unique_ptr<Target> target;
  std::vector<doc::Value> pulls;  // newest first
  bool loses_answers = false;

  PullService() {
    service.make_repository("values.yaml", "image: { tag: 1.0.0 }\ncanary: 0\n");
    service.plan.config.rollouts[0].target.remote = "file://" + (service.directory / "deploy.git");
    target = service.open();
    github.handler = [this](const ports::HttpRequest& request) { return answer(request); };
  }
  Result<ports::HttpResponse> answer(const ports::HttpRequest& request) {
    constexpr std::string_view base = "https://api.github.com/repos/acme/deploy/pulls";
    REQUIRE(request.url.starts_with(base));
    const std::string rest = request.url.substr(base.size());
    const auto say = [](int status, const doc::Value& value) {
      return ports::HttpResponse{status, {}, doc::to_json(value)};
    };
    if (request.method == "GET") {
      const auto head = rest.find("&head=acme%3A");
      doc::Value out = doc::Value::array();
      for (const doc::Value& one : pulls) {
        const std::string ref = must(one.find("head")->text("ref"));
        if (head == std::string::npos ||
            rest.find("&head=acme%3A" + percent_encode(ref) + "&") != std::string::npos)
          out.push(one);
      }
      return say(200, out);
    }
    if (request.method == "PATCH") {
      for (doc::Value& one : pulls)
        if (rest == "/" + std::to_string(must(one.integer("number")))) one.set("state", "closed");
      return say(200, doc::Value::object({}));
    }
    const doc::Value body = must(doc::parse_json(request.body));
    for (const doc::Value& one : pulls)
      if (must(one.find("head")->text("ref")) == must(body.text("head")))
        return say(422, doc::Value::object({{"message", "Validation Failed"}}));
    const auto number = static_cast<std::int64_t>(pulls.size() + 1);
    pulls.insert(pulls.begin(),
                 pull(number, must(body.text("head")), must(body.text("body")), "acme/deploy"));
    if (std::exchange(loses_answers, false)) return fail(ErrorKind::failed, "the connection was lost");
    return say(201, pulls.front());
  }
  static doc::Value pull(std::int64_t number, const std::string& branch, const std::string& body,
                         const std::string& repository) {
    const doc::Value repo = doc::Value::object({{"full_name", repository}});
    return doc::Value::object({{"number", number},
                               {"html_url", fmt::format("https://github.com/acme/deploy/pull/{}", number)},
                               {"state", "open"},
                               {"body", body},
                               {"merged_at", doc::Value()},
                               {"merge_commit_sha", doc::Value()},
                               {"head", doc::Value::object({{"ref", branch}, {"repo", repo}})}});
  }
  // As the button does: a merge commit, or a squashed one with words of the person's own.
  void merge(std::size_t newest = 0, bool squash = false) {
    doc::Value& one = pulls.at(newest);
    const std::string ana = service.directory / "ana";
    service.git({"-C", ana, "fetch", "-q", "origin"});
    service.git({"-C", ana, "reset", "-q", "--hard", "origin/main"});
    const std::string ref = "origin/" + must(one.find("head")->text("ref"));
    service.git({"-C", ana, "merge", "-q", squash ? "--squash" : "--no-ff", ref});
    if (squash) service.git({"-C", ana, "commit", "-q", "-m", "a new version"});
    service.git({"-C", ana, "push", "-q", "origin", "HEAD:main"});
    one.set("state", "closed");
    one.set("merged_at", "2026-01-01T00:00:00Z");
    one.set("merge_commit_sha", std::string(trim(service.bare({"rev-parse", "main"}))));
  }
  Result<Outcome> expose(std::size_t stage) {
    return target->expose(service.move(stage, "expose/" + std::to_string(stage)));
  }
  Result<Outcome> undo() { return target->undo(service.move(1, "undo")); }
  std::string values() { return service.bare({"show", "main:values.yaml"}); }
};

}  // namespace

TEST_CASE("gitops by pull request: a stage counts when somebody has merged it, and taking back is one too") {
  for (const bool squash : {false, true}) {
    CAPTURE(squash);
    PullService w;
    must(w.target->check(w.service.move(0, "")));
    w.loses_answers = true;
    CHECK(w.expose(0).error().kind == ErrorKind::failed);
    const Outcome waits = must(w.expose(0));  // the next try finds what was opened
    CHECK(waits.not_before.has_value());
    CHECK(waits.text.find("waits for pull request #1 of acme/deploy to be merged") == 0);
    CHECK(must(w.expose(0)).not_before.has_value());
    CHECK(w.pulls.size() == 1);
    CHECK(w.values().find("1.0.0") != std::string::npos);
    w.merge(0, squash);
    CHECK_FALSE(must(w.expose(0)).not_before.has_value());
    CHECK(w.values() == "image: { tag: 1.1.0 }\ncanary: 5\n");
    CHECK(must(w.expose(1)).not_before.has_value());  // open when the rollout is taken back
    CHECK(must(w.undo()).not_before.has_value());
    CHECK(must(w.pulls.at(1).text("state")) == "closed");
    CHECK(w.pulls.size() == 3);
    w.merge(0, squash);
    CHECK_FALSE(must(w.undo()).not_before.has_value());
    CHECK(w.values() == "image: { tag: 1.0.0 }\ncanary: 0\n");
    CHECK(w.pulls.size() == 3);
  }
}

TEST_CASE("gitops by pull request: one that is closed is a no, and those of strangers do not count") {
  PullService w;
  must(w.expose(0));
  w.pulls[0].set("state", "closed");
  CHECK(w.expose(0).error().kind == ErrorKind::gate_failed);
  // From a fork, with our words: neither believed nor closed.
  const std::string words = must(w.pulls[0].text("body"));
  w.pulls.insert(w.pulls.begin(), PullService::pull(7, "tranche/notes-1", words, "eve/deploy"));
  CHECK_FALSE(must(w.undo()).not_before.has_value());
  CHECK(must(w.pulls[0].text("state")) == "open");
}

TEST_CASE("gitops: a missing key is found before anything is committed") {
  Service service(R"({ gitops: { remote: "file://DIR", edits: [{ file: values.yaml, key: image.tga }] } })");
  service.make_repository("values.yaml", "image: { tag: 1.0.0 }\n");
  service.plan.config.rollouts[0].target.remote = "file://" + (service.directory / "deploy.git");
  const auto refused = service.open()->check(service.move(0, ""));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().hint == "did you mean 'tag'?");
}

TEST_CASE("command: programs get the version, the percent and the key, and `ask` is asked first") {
  Service service(
      "{ command: { expose: [sh, -c, 'echo \"$0 $TRANCHE_KEY\" >> log', \"{version} {percent} {stage}\"], "
      "undo: [sh, -c, 'echo \"back to $0\" >> log', \"{baseline}\"], ask: [sh, ask.sh] } }");
  service.write("repo/ask.sh", "grep -q \"$TRANCHE_KEY\\$\" log 2>/dev/null || exit 1");
  const auto target = service.open();
  const auto log = [&] { return *must(service.world.files.read(service.directory / "repo/log", 1000)); };
  must(target->expose(service.move(0, "expose/0")));
  must(target->expose(service.move(0, "expose/0")));
  CHECK(log() == "1.1.0 5 5% expose/0\n");
  must(target->expose(service.move(2, "expose/2")));
  must(target->finish(service.move(2, "finish")));
  CHECK(log() == "1.1.0 5 5% expose/0\n1.1.0 100 100% expose/2\n");
  must(target->undo(service.move(2, "undo")));
  CHECK(log().ends_with("back to 1.0.0\n"));
  service.write("repo/ask.sh", "echo cannot tell >&2; exit 7");
  const auto unknown = target->undo(service.move(2, "undo2"));
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().message.find("cannot tell") != std::string::npos);
  CHECK(log().ends_with("back to 1.0.0\n"));
}

TEST_CASE("flag: its value is the percent exposed") {
  Service service("{ flag: { name: share } }");
  const auto target = service.open();
  must(target->check(service.move(0, "")));
  const auto value = [&] { return doc::to_json(must(service.deck->flag_set()).flags.at("share").value); };
  must(target->expose(service.move(0, "expose/0")));
  CHECK(value() == "5");
  must(target->finish(service.move(2, "finish")));
  CHECK(value() == "100");
  must(target->undo(service.move(2, "undo")));
  CHECK(value() == "0");
}

TEST_CASE("target.undo says what it would do, and takes a service back") {
  ArgoService argo;
  argo.expose(0);
  const Call call = argo.service.call("target.undo", "{}");
  CHECK(argo.service.changes(call) == "takes 1.1.0 back from Argo Rollout 'backend'");
  must(argo.service.perform(call));
  CHECK(argo.image() == "notes:1.0.0");
  OpsWorld channel(real_world(), "rollouts: { desktop: { channel: stable } }\n");
  CHECK(channel.perform(channel.call("target.undo", "{}")).error().kind == ErrorKind::invalid);
}

TEST_CASE("channel.hold pins a cohort or everyone, once a key, and undo takes the pin away") {
  OpsWorld channel(real_world(), "rollouts: { desktop: { channel: stable } }\n");
  const auto holds = [&] { return must(channel.deck->channel_state("stable"))->directions.holds; };
  const Call all = channel.call("channel.hold", "{}", "k1");
  CHECK(channel.changes(all) == "holds everyone of channel 'stable' at 1.0.0");
  must(channel.perform(all));
  must(channel.perform(all));
  REQUIRE(holds().size() == 1);
  CHECK(holds()[0].max_version == "1.0.0");
  CHECK(holds()[0].labels.empty());
  must(channel.perform(channel.call("channel.hold", "{ cohort: bank, max-version: \"0.9\" }", "k2")));
  REQUIRE(holds().size() == 2);
  CHECK(holds()[1].labels.at("customer") == std::vector<std::string>{"bank"});
  must(channel.undo(channel.call("channel.hold", "{}", "k1")));
  CHECK(holds().size() == 1);
  must(channel.perform(channel.call("channel.hold", "{ cohort: pilot }", "k3")));
  CHECK(holds()[1].labels.at("feed-channel") == std::vector<std::string>{"pilot"});
}

TEST_CASE("a pin that a static file cannot keep is refused") {
  OpsWorld channel(real_world(), "rollouts: { desktop: { channel: stable } }\n");
  channel.plan.config.channels[0].feeds = {"tranche", "electron"};
  const auto refused = channel.perform(channel.call("channel.hold", "{ cohort: bank }"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "feed 'electron' of channel 'stable' cannot hold cohort 'bank'");
}

TEST_CASE("a rollout does not pause or stop itself, and one that never began is left alone") {
  OpsWorld channel(real_world(), "rollouts: { desktop: { channel: stable } }\n");
  for (const char* action : {"rollout.pause", "rollout.stop"}) {
    CAPTURE(action);
    CHECK(channel.perform(channel.call(action, "{ rollout: desktop }")).error().kind == ErrorKind::invalid);
    CHECK(must(channel.perform(channel.call(action, "{ rollout: other }"))).text ==
          "rollout 'other' was never started");
  }
}

}  // namespace tranche::actions
