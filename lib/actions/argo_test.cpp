#include "actions/argo.hpp"

#include <doctest/doctest.h>

#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/kube_server.hpp"

namespace tranche::actions {
namespace {

using doc::Value;

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

constexpr const char* rollout_path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/backend";
constexpr const char* deployment_path = "/apis/apps/v1/namespaces/shop/deployments/backend";

Value json(const std::string& text) { return must(doc::parse_json(text)); }

std::string pod_template(const std::string& image) {
  return R"({"metadata":{"labels":{"app":"backend"}},"spec":{"containers":[{"name":"web","image":")" + image +
         R"("},{"name":"proxy","image":"proxy:7"}],"initContainers":[{"name":"setup","image":"setup:1"}]}})";
}

std::string rollout_json(
    const std::string& steps = R"([{"setWeight":5},{"pause":{}},{"setWeight":50},{"pause":{}}])",
    const std::string& status = "{}", const std::string& more = "") {
  return R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"backend","namespace":"shop","uid":"u-1"},)"
         R"("spec":{"selector":{"matchLabels":{"app":"backend"}},"strategy":{"canary":{"steps":)" +
         steps + "}}," + more + R"("template":)" + pod_template("notes:1.0") + R"(},"status":)" + status +
         "}";
}

// A cluster with one Rollout of four steps, and a world whose only real door leads there.
class ClusterWorld {
 public:
  explicit ClusterWorld(const std::string& object = rollout_json())
      : http(os::make_http()), world{fake.clock,  *http,        fake.files,   fake.process,
                                     fake.random, fake.environ, fake.console, fake.zones} {
    fake.environ.values["TRANCHE_KUBE_TOKEN"] = "t0ken";
    put(rollout_path, object);
  }
  void put(const std::string& path, const std::string& text) {
    REQUIRE(server.command("put " + path + " " + doc::to_json(json(text))) == "ok");
  }
  Value get(const std::string& path) { return json(server.command("get " + path)); }
  Value object() { return get(rollout_path); }
  void command(const std::string& line) { REQUIRE(server.command(line) == "ok"); }
  ArgoRollout open() {
    return must(ArgoRollout::open(world, "/repo",
                                  {server.url(), "env:TRANCHE_KUBE_TOKEN", "", "", "", "shop"}, "backend",
                                  std::chrono::seconds(20)));
  }
  // "PATCH /status {...}" of every request that changes something, since the last look.
  std::vector<std::string> changes() {
    std::vector<std::string> out;
    const Value log = json(server.command("log"));
    for (const Value& one : log.as_array()) {
      const std::string method = must(one.text("method"));
      if (method == "GET") continue;
      std::string path = must(one.text("path"));
      if (path.starts_with(rollout_path)) path = path.substr(std::string(rollout_path).size());
      const std::string type = must(one.text("type"));
      out.push_back(method + (type == "application/json-patch+json" ? " json " : " ") +
                    (path.empty() ? "." : path) + " " + must(one.text("body")));
    }
    return out;
  }
  std::string image(const std::string& path = rollout_path) {
    const Value object = get(path);
    return must(
        object.find("spec")->find("template")->find("spec")->find("containers")->as_array()[0].text("image"));
  }

  support::FakeWorld fake;
  std::unique_ptr<ports::Http> http;
  ports::World world;
  support::KubeServer server;
};

Value with_status(const std::string& status, const std::string& more = "") {
  return json(rollout_json(R"([{"setWeight":5},{"pause":{}},{"setWeight":50},{"pause":{}}])", status, more));
}

}  // namespace

TEST_CASE("a promotion sends what Argo's own client sends, by what the object says") {
  struct Row {
    const char* what;
    Value object;
    bool full;
    std::string status, spec;
  };
  const Row rows[] = {
      {"waits at a step",
       with_status(R"({"pauseConditions":[{"reason":"CanaryPauseStep"}],"currentStepIndex":1})"), false,
       R"({"status":{"pauseConditions":null}})", "null"},
      {"paused by a person", with_status(R"({"pauseConditions":[{"reason":"x"}]})", R"("paused":true,)"),
       false, R"({"status":{"pauseConditions":null}})", R"({"spec":{"paused":false}})"},
      {"in the middle of an analysis", with_status(R"({"currentStepIndex":2})"), false,
       R"({"status":{"pauseConditions":null,"currentStepIndex":3}})", "null"},
      {"past the last step", with_status(R"({"currentStepIndex":4})"), false,
       R"({"status":{"pauseConditions":null,"currentStepIndex":4}})", "null"},
      {"inconclusive",
       with_status(
           R"({"currentStepIndex":2,"controllerPause":true,"pauseConditions":[{"reason":"InconclusiveAnalysisRun"}],
         "canary":{"currentStepAnalysisRunStatus":{"name":"a","status":"Inconclusive"}}})"),
       false, R"({"status":{"pauseConditions":null,"controllerPause":false,"currentStepIndex":3}})", "null"},
      {"in full", with_status(R"({"currentPodHash":"b","stableRS":"a"})"), true,
       R"({"status":{"promoteFull":true}})", "null"},
      {"in full, paused by a person",
       with_status(R"({"currentPodHash":"b","stableRS":"a"})", R"("paused":true,)"), true,
       R"({"status":{"promoteFull":true}})", R"({"spec":{"paused":false}})"},
      {"in full, nothing to promote", with_status(R"({"currentPodHash":"a","stableRS":"a"})"), true, "null",
       "null"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Promotion promotion = promotion_of(row.object, row.full);
    CHECK(doc::to_json(promotion.status) == row.status);
    CHECK(doc::to_json(promotion.spec) == row.spec);
  }
  const Value blue_green = json(
      R"({"spec":{"strategy":{"blueGreen":{}}},"status":{"pauseConditions":[{"reason":"BlueGreenPause"}]}})");
  CHECK(doc::to_json(promotion_of(blue_green, false).status) == R"({"status":{"pauseConditions":null}})");
}

TEST_CASE("the weight and the rest of an object are read off its steps") {
  const auto weight = [](const std::string& status) { return status_of(with_status(status)).weight; };
  CHECK(weight(R"({"currentStepIndex":0})") == 0);
  CHECK(weight(R"({"currentStepIndex":1,"currentPodHash":"b","stableRS":"a"})") == 5);
  CHECK(weight(R"({"currentStepIndex":3,"currentPodHash":"b","stableRS":"a"})") == 50);
  CHECK(weight(R"({"currentStepIndex":4,"currentPodHash":"a","stableRS":"a"})") == 100);
  CHECK(weight(R"({"currentStepIndex":3,"abort":true})") == 0);
  CHECK(weight(R"({"currentStepIndex":-7})") == 0);
  CHECK(weight(R"({"currentStepIndex":70})") == 50);
  const auto resting = status_of(with_status(
      R"({"phase":"Paused","currentStepIndex":1,"pauseConditions":[{"reason":"CanaryPauseStep"}]})"));
  CHECK(resting.at_pause);
  CHECK(resting.phase == "Paused");
  CHECK(resting_weights(with_status("{}")) == std::vector<std::int64_t>{5, 50});
  CHECK(resting_weights(json(
            rollout_json(R"([{"setWeight":5},{"pause":{"duration":"5m"}},{"setWeight":9},{"pause":{}}])"))) ==
        std::vector<std::int64_t>{9});
}

TEST_CASE("a status of before the newest spec says nothing about it") {
  Value object = with_status(R"({"phase":"Healthy","observedGeneration":"3"})");
  object.find("metadata")->set("generation", 4);
  CHECK(status_of(object).phase.empty());
  object.find("metadata")->set("generation", 3);
  CHECK(status_of(object).phase == "Healthy");
  object.find("status")->set("observedGeneration", "7d8f9c");  // controllers before 1.0
  CHECK(status_of(object).phase == "Healthy");
}

TEST_CASE("abort and pause are one patch each, the status subresource first") {
  ClusterWorld cluster;
  ArgoRollout rollout = cluster.open();
  must(rollout.abort());
  CHECK(cluster.changes() == std::vector<std::string>{R"(PATCH /status {"status":{"abort":true}})"});
  CHECK(status_of(must(rollout.read())).aborted);
  must(rollout.retry());
  must(rollout.set_paused(true));
  CHECK(cluster.changes() == std::vector<std::string>{R"(PATCH /status {"status":{"abort":false}})",
                                                      R"(PATCH . {"spec":{"paused":true}})"});
  cluster.command("subresource off");
  must(rollout.abort());
  CHECK(cluster.changes() == std::vector<std::string>{R"(PATCH /status {"status":{"abort":true}})",
                                                      R"(PATCH . {"status":{"abort":true}})"});
  CHECK(status_of(must(rollout.read())).aborted);
}

TEST_CASE("one key promotes one step, however often it is tried") {
  ClusterWorld cluster;
  cluster.command("controller on");
  ArgoRollout rollout = cluster.open();
  must(rollout.set_image("web", "notes:1.1", "start"));
  CHECK(status_of(must(rollout.read())).weight == 5);
  CHECK(must(rollout.was_promoted(false, "one")) == Asked::not_done);
  must(rollout.promote(false, "one"));
  CHECK(status_of(must(rollout.read())).weight == 50);
  CHECK(must(rollout.was_promoted(false, "one")) == Asked::done);
  must(rollout.promote(false, "one"));
  CHECK(status_of(must(rollout.read())).weight == 50);
  must(rollout.promote(false, "two"));
  CHECK(status_of(must(rollout.read())).weight == 100);
  CHECK(status_of(must(rollout.read())).phase == "Healthy");
}

TEST_CASE("killed between its mark and its patch, a promotion is found not done") {
  ClusterWorld cluster;
  cluster.command("controller on");
  ArgoRollout rollout = cluster.open();
  must(rollout.set_image("web", "notes:1.1", "start"));
  // The mark goes through, the promotion itself meets a broken server.
  class DropStatus final : public ports::Http {
   public:
    explicit DropStatus(ports::Http& to) : to_(to) {}
    Result<ports::HttpResponse> send(const ports::HttpRequest& request) override {
      if (request.url.ends_with("/status")) return fail(ErrorKind::failed, "gone");
      return to_.send(request);
    }
    ports::Http& to_;
  } broken(*cluster.http);
  ports::World world{cluster.fake.clock,   broken,
                     cluster.fake.files,   cluster.fake.process,
                     cluster.fake.random,  cluster.fake.environ,
                     cluster.fake.console, cluster.fake.zones};
  ArgoRollout dying = must(
      ArgoRollout::open(world, "/repo", {cluster.server.url(), "env:TRANCHE_KUBE_TOKEN", "", "", "", "shop"},
                        "backend", std::chrono::seconds(20)));
  CHECK_FALSE(dying.promote(false, "one").has_value());
  CHECK(must(rollout.was_promoted(false, "one")) == Asked::not_done);
  must(rollout.promote(false, "one"));
  CHECK(status_of(must(rollout.read())).weight == 50);
}

TEST_CASE("a full promotion passes all steps, also of a rollout that a person paused") {
  ClusterWorld cluster;
  cluster.command("controller on");
  ArgoRollout rollout = cluster.open();
  must(rollout.set_image("web", "notes:1.1", "start"));
  must(rollout.set_paused(true));
  CHECK(must(rollout.was_promoted(true, "all")) == Asked::not_done);
  must(rollout.promote(true, "all"));
  CHECK(status_of(must(rollout.read())).weight == 100);
  CHECK(must(rollout.was_promoted(true, "all")) == Asked::done);
}

TEST_CASE("an image is set in all kinds of containers, and put back as it was") {
  ClusterWorld cluster;
  ArgoRollout rollout = cluster.open();
  const auto before = must(rollout.set_image("*", "notes@sha256:0b=1", "key"));
  CHECK(before == ArgoRollout::Images{{"proxy", "proxy:7"}, {"setup", "setup:1"}, {"web", "notes:1.0"}});
  CHECK(must(rollout.has_image("*", "notes@sha256:0b=1")) == Asked::done);
  CHECK(must(rollout.set_image("*", "notes@sha256:0b=1", "key")) == before);  // found done: it still knows
  must(rollout.restore_images("notes@sha256:0b=1", "key"));
  CHECK(cluster.image() == "notes:1.0");
  CHECK(must(rollout.has_image("setup", "setup:1")) == Asked::done);
  must(rollout.restore_images("notes@sha256:0b=1", "key"));
}

TEST_CASE("an image that somebody set meanwhile is not overwritten by going back") {
  ClusterWorld cluster;
  ArgoRollout rollout = cluster.open();
  must(rollout.set_image("web", "notes:1.1", "key"));
  must(rollout.set_image("web", "notes:1.2", "other"));
  const auto back = rollout.restore_images("notes:1.1", "key");
  CHECK(back.has_value());  // 1.1 is not there any more
  CHECK(cluster.image() == "notes:1.2");
  const auto unknown = rollout.restore_images("notes:1.2", "key");
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().kind == ErrorKind::denied);
}

TEST_CASE("a conflict is tried again, and five in a row are an error") {
  ClusterWorld cluster;
  ArgoRollout rollout = cluster.open();
  cluster.command("conflict 4");
  must(rollout.set_image("web", "notes:1.1", "key"));
  CHECK(cluster.image() == "notes:1.1");
  cluster.command("conflict 5");
  const auto lost = rollout.set_image("web", "notes:1.2", "key2");
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().kind == ErrorKind::failed);
  CHECK(lost.error().message.find("5 times in a row") != std::string::npos);
}

TEST_CASE("a rollout that refers to a Deployment gets its image and its earlier template there") {
  ClusterWorld cluster(
      R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"backend","namespace":"shop","uid":"u-1"},
    "spec":{"selector":{"matchLabels":{"app":"backend"}},"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"backend"},
    "strategy":{"canary":{"steps":[{"setWeight":5},{"pause":{}}]}}}})");
  cluster.put(
      deployment_path,
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"backend","namespace":"shop"},"spec":{"template":)" +
          pod_template("notes:1.0") + "}}");
  cluster.command("controller on");
  ArgoRollout rollout = cluster.open();
  must(rollout.set_image("web", "notes:1.1", "key"));
  CHECK(cluster.image(deployment_path) == "notes:1.1");
  must(rollout.undo(0, "back"));
  CHECK(cluster.image(deployment_path) == "notes:1.0");
}

TEST_CASE("undo goes to the revision before, or to one by its number, once a key") {
  ClusterWorld cluster;
  cluster.command("controller on");
  ArgoRollout rollout = cluster.open();
  must(rollout.set_image("web", "notes:1.1", "a"));
  must(rollout.promote(true, "b"));
  must(rollout.set_image("web", "notes:1.2", "c"));
  cluster.changes();
  CHECK(must(rollout.was_undone("back")) == Asked::not_done);
  CHECK(must(rollout.undo(0, "back")) == "rollout 'shop/backend' goes back to revision 2");
  const auto sent = cluster.changes();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].starts_with(R"(PATCH json . [{"op":"test","path":"/metadata/resourceVersion",)"));
  CHECK(sent[0].find("rollouts-pod-template-hash") == std::string::npos);
  CHECK(cluster.image() == "notes:1.1");
  CHECK(must(rollout.was_undone("back")) == Asked::done);
  must(rollout.undo(0, "back"));  // again: not back to 1.2
  CHECK(cluster.image() == "notes:1.1");
  must(rollout.undo(1, "further"));
  CHECK(cluster.image() == "notes:1.0");
  const auto absent = rollout.undo(77, "no");
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().message == "there is no revision 77 to go back to");
}

TEST_CASE("what is not there, not allowed or broken says so") {
  ClusterWorld cluster;
  ArgoRollout rollout = cluster.open();
  const auto container = rollout.set_image("nope", "notes:1.1", "key");
  REQUIRE_FALSE(container.has_value());
  CHECK(container.error().hint == "it has: web, proxy, setup");
  cluster.command("answer 1 403");
  const auto forbidden = rollout.abort();
  REQUIRE_FALSE(forbidden.has_value());
  CHECK(forbidden.error().kind == ErrorKind::denied);
  cluster.command("answer 1 503");
  const auto broken = rollout.abort();
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().kind == ErrorKind::failed);
  cluster.fake.environ.values["TRANCHE_KUBE_TOKEN"] = "expired";
  const auto stranger = cluster.open().read();
  REQUIRE_FALSE(stranger.has_value());
  CHECK(stranger.error().kind == ErrorKind::denied);
  CHECK(stranger.error().message.find("expired") == std::string::npos);
}

}  // namespace tranche::actions
