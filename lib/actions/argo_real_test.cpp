// The same requests against a real API server: TRANCHE_KUBE_APISERVER names a kube-apiserver, TRANCHE_ETCD an
// etcd (by default the one in PATH). A small definition of the Rollout resource stands in for Argo's own,
// with its status subresource; no controller runs, so the test plays its part.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "actions/argo.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/free_port.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

namespace tranche::actions {
namespace {

using doc::Value;

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

constexpr const char* definition =
    R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
  "metadata":{"name":"rollouts.argoproj.io"},"spec":{"group":"argoproj.io","scope":"Namespaced",
  "names":{"kind":"Rollout","plural":"rollouts","singular":"rollout"},"versions":[{"name":"v1alpha1","served":true,
  "storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true,
  "properties":{"spec":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
  "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}})";

constexpr const char* rollout =
    R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"backend"},
  "spec":{"selector":{"matchLabels":{"app":"backend"}},"strategy":{"canary":{"steps":[{"setWeight":5},{"pause":{}}]}},
  "template":{"metadata":{"labels":{"app":"backend"}},"spec":{"containers":[{"name":"web","image":"notes:1.0"}]}}}})";

// etcd and an API server with one token, on free ports, gone with the test.
class RealCluster {
 public:
  RealCluster(const std::string& apiserver, const std::string& etcd) {
    const auto run = [&](std::vector<std::string> argv) {
      const auto result = real.world().process.run({.argv = std::move(argv)});
      REQUIRE(result.has_value());
      REQUIRE(result->exit_code == 0);
    };
    run({"openssl", "genrsa", "-out", directory / "accounts.key", "2048"});
    must(real.world().files.write(directory / "tokens.csv", "t0ken,ana,1,system:masters\n", 0600));
    const std::string store = fmt::format("http://127.0.0.1:{}", support::free_port());
    const std::string peer = fmt::format("http://127.0.0.1:{}", support::free_port());
    etcd_.emplace(
        std::vector<std::string>{etcd, "--data-dir", directory / "etcd", "--listen-client-urls", store,
                                 "--advertise-client-urls", store, "--listen-peer-urls", peer},
        directory / "etcd.log");
    REQUIRE(etcd_->ready(real.world().http, store + "/health"));
    const auto port = support::free_port();
    server_.emplace(
        std::vector<std::string>{apiserver, "--etcd-servers=" + store, fmt::format("--secure-port={}", port),
                                 "--bind-address=127.0.0.1", "--cert-dir=" + (directory / "certs"),
                                 "--token-auth-file=" + (directory / "tokens.csv"),
                                 "--authorization-mode=AlwaysAllow", "--service-cluster-ip-range=10.0.0.0/24",
                                 "--service-account-issuer=https://tranche.test",
                                 "--service-account-key-file=" + (directory / "accounts.key"),
                                 "--service-account-signing-key-file=" + (directory / "accounts.key"),
                                 "--disable-admission-plugins=ServiceAccount"},
        directory / "apiserver.log");
    url = fmt::format("https://127.0.0.1:{}", port);
    wait_until([&] { return std::filesystem::exists(directory / "certs/apiserver.crt"); });
    authorities = *must(real.world().files.read(directory / "certs/apiserver.crt", 1 << 20));
    wait_until([&] { return send("GET", "/readyz", "").value_or(0) == 200; });
  }

  // The status of the answer; nullopt: none.
  std::optional<int> send(const std::string& method, const std::string& path, const std::string& body,
                          const std::string& type = "application/json") {
    ports::HttpRequest request;
    request.method = method;
    request.url = url + path;
    request.body = body;
    request.headers = {{"Content-Type", type}};
    request.secret_headers.emplace_back("Authorization", Secret("Bearer t0ken"));
    request.authorities = authorities;
    const auto response = real.world().http.send(request);
    if (!response) return std::nullopt;
    return response->status;
  }
  template <class Ready>
  void wait_until(Ready ready) {
    for (int i = 0; i < 600 && !ready(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    REQUIRE(ready());
  }

  support::TempDirectory directory;
  os::RealWorld real;
  std::string url, authorities;

 private:
  std::optional<support::RealServer> etcd_, server_;
};

}  // namespace

TEST_CASE("a real API server takes what is sent for an Argo Rollout") {
  const char* apiserver = std::getenv("TRANCHE_KUBE_APISERVER");
  const char* etcd = std::getenv("TRANCHE_ETCD");
  if (apiserver == nullptr || *apiserver == '\0') {
    // Debian has no package of it: nobody promises it, so it is counted and no failure.
    fmt::print("not promised, not run: TRANCHE_KUBE_APISERVER names no kube-apiserver\n");
    return;
  }
  RealCluster cluster(apiserver, etcd == nullptr ? "etcd" : etcd);
  REQUIRE(cluster.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition) == 201);
  const std::string all = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts";
  cluster.wait_until([&] { return cluster.send("GET", all, "").value_or(0) == 200; });
  REQUIRE(cluster.send("POST", all, rollout) == 201);

  support::FakeWorld fake;
  fake.environ.values["TRANCHE_KUBE_TOKEN"] = "t0ken";
  ports::World& real = cluster.real.world();
  ports::World world{fake.clock,  real.http,    real.files,   real.process,
                     fake.random, fake.environ, fake.console, fake.zones};
  must(real.files.write(cluster.directory / "ca.pem", cluster.authorities));
  ArgoRollout object = must(ArgoRollout::open(
      world, cluster.directory.path(), {cluster.url, "env:TRANCHE_KUBE_TOKEN", "ca.pem", "", "", "default"},
      "backend", std::chrono::seconds(30)));

  must(object.set_paused(true));
  CHECK(status_of(must(object.read())).paused_by_user);
  must(object.set_paused(false));
  must(object.abort());
  CHECK(status_of(must(object.read())).aborted);
  must(object.retry());
  must(object.set_image("*", "notes:1.1", "k1"));
  CHECK(must(object.has_image("web", "notes:1.1")) == Asked::done);
  must(object.restore_images("notes:1.1", "k1"));
  CHECK(must(object.has_image("web", "notes:1.0")) == Asked::done);

  // The controller's part: it rests at its first pause.
  const std::string status =
      R"({"status":{"currentPodHash":"b","stableRS":"a","currentStepIndex":1,"pauseConditions":[{"reason":"CanaryPauseStep"}]}})";
  REQUIRE(cluster.send("PATCH", all + "/backend/status", status, "application/merge-patch+json") == 200);
  CHECK(must(object.was_promoted(false, "p1")) == Asked::not_done);
  must(object.promote(false, "p1"));
  CHECK(must(object.was_promoted(false, "p1")) == Asked::done);
  must(object.promote(true, "p2"));
  CHECK(status_of(must(object.read())).full);

  const std::string uid = must(must(object.read()).find("metadata")->text("uid"));
  for (const char* revision : {"1", "2"}) {
    const std::string set = fmt::format(
        R"({{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{{"name":"backend-{0}","labels":{{"app":"backend"}},)"
        R"("annotations":{{"rollout.argoproj.io/revision":"{0}"}},"ownerReferences":[{{"apiVersion":"argoproj.io/v1alpha1",)"
        R"("kind":"Rollout","name":"backend","uid":"{1}","controller":true}}]}},"spec":{{"replicas":0,)"
        R"("selector":{{"matchLabels":{{"app":"backend"}}}},"template":{{"metadata":{{"labels":{{"app":"backend",)"
        R"("rollouts-pod-template-hash":"h{0}"}}}},"spec":{{"containers":[{{"name":"web","image":"notes:0.{0}"}}]}}}}}}}})",
        revision, uid);
    REQUIRE(cluster.send("POST", "/apis/apps/v1/namespaces/default/replicasets", set) == 201);
  }
  must(object.undo(0, "u1"));
  CHECK(must(object.has_image("web", "notes:0.1")) == Asked::done);
  CHECK(must(object.was_undone("u1")) == Asked::done);
}

}  // namespace tranche::actions
