#include "actions/kube.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/encoding.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/kube_server.hpp"
#include "support/temp_directory.hpp"

namespace tranche::actions {
namespace {

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

constexpr const char* pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

std::string config(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\npreferences: {}\n"
         "clusters:\n- name: c\n  cluster:\n" +
         cluster + "users:\n- name: u\n  user:\n" + user +
         "contexts:\n- name: here\n  context: { cluster: c, user: u, namespace: shop }\n"
         "- name: other\n  context: { cluster: gone, user: u }\n";
}

Result<ClusterAccess> find(support::FakeWorld& fake, const ClusterOptions& options) {
  ports::World world = fake.world();
  return find_cluster(world, "/repo", options);
}

}  // namespace

TEST_CASE("a kubeconfig names the server, who asks, and where") {
  support::FakeWorld fake;
  fake.files.bytes["/repo/kube/config"] = config(
      "    server: https://one.example:6443/\n    certificate-authority: ca.pem\n", "    tokenFile: token\n");
  fake.files.bytes["/repo/kube/ca.pem"] = pem;
  fake.files.bytes["/repo/kube/token"] = "abc\n";
  ClusterOptions options;
  options.kubeconfig = "kube/config";
  const ClusterAccess access = must(find(fake, options));
  CHECK(access.server == "https://one.example:6443");
  CHECK(access.space == "shop");
  CHECK(access.authorities == pem);
  CHECK(access.token.expose() == "abc");
  options.space = "elsewhere";
  CHECK(must(find(fake, options)).space == "elsewhere");
  options.context = "other";
  CHECK(find(fake, options).error().message == "kubeconfig '/repo/kube/config' has no cluster 'gone'");
  options.context = "her";
  CHECK(find(fake, options).error().hint == "did you mean 'here'?");
}

TEST_CASE("certificates in a kubeconfig come in base64 or as files") {
  support::FakeWorld fake;
  fake.files.bytes["/home/ana/.kube/config"] =
      config("    server: https://one.example\n    certificate-authority-data: " + to_base64(pem) + "\n",
             "    client-certificate-data: " + to_base64(pem) + "\n    client-key: /keys/client.key\n");
  fake.files.bytes["/keys/client.key"] = "the key";
  fake.environ.values["HOME"] = "/home/ana";
  const ClusterAccess access = must(find(fake, {}));
  CHECK(access.authorities == pem);
  CHECK(access.client_certificate == pem);
  CHECK(access.client_key.expose() == "the key");
}

TEST_CASE("what a kubeconfig may not ask for is refused, with what to write instead") {
  const char* server = "    server: https://one.example\n";
  const std::pair<std::string, std::string> rows[] = {
      {std::string(server) + "    insecure-skip-tls-verify: true\n", "    token: abc\n"},
      {std::string(server) + "    proxy-url: http://proxy.example\n", "    token: abc\n"},
      {std::string(server) + "    tls-server-name: other.example\n", "    token: abc\n"},
      {server, "    exec: { apiVersion: client.authentication.k8s.io/v1, command: aws }\n"},
      {server, "    auth-provider: { name: gcp }\n"},
      {server, "    username: ana\n    password: x\n"},
      {server, "    token: abc\n    as: root\n"},
      {server, "    client-certificate-data: '%%%'\n    client-key-data: QQ==\n"},
      {server, "    client-certificate-data: QQ==\n"},
      {"    server: ftp://one.example\n", "    token: abc\n"},
      {"    server: http://one.example\n", "    token: abc\n"},
  };
  for (const auto& [cluster, user] : rows) {
    CAPTURE(cluster + user);
    support::FakeWorld fake;
    fake.files.bytes["/repo/config"] = config(cluster, user);
    ClusterOptions options;
    options.kubeconfig = "config";
    const auto access = find(fake, options);
    REQUIRE_FALSE(access.has_value());
    CHECK_FALSE(access.error().hint.empty());
    CHECK((access.error().kind == ErrorKind::invalid || access.error().kind == ErrorKind::denied));
  }
  support::FakeWorld fake;
  fake.files.bytes["/repo/config"] =
      config(std::string(server) + "    insecure-skip-tls-verify: false\n", "    token: abc\n");
  ClusterOptions options;
  options.kubeconfig = "config";
  CHECK(find(fake, options).has_value());
}

TEST_CASE("credentials never go to a server that was written beside them") {
  support::FakeWorld fake;
  fake.files.bytes["/repo/config"] = config("    server: https://one.example\n", "    token: abc\n");
  ClusterOptions options;
  options.kubeconfig = "config";
  options.server = "https://elsewhere.example";
  CHECK(find(fake, options).error().kind == ErrorKind::invalid);
  ClusterOptions alone;
  alone.token = "env:TRANCHE_KUBE_TOKEN";
  CHECK(find(fake, alone).error().kind == ErrorKind::invalid);
}

TEST_CASE("in a pod the service account is used") {
  support::FakeWorld fake;
  const std::string account = "/var/run/secrets/kubernetes.io/serviceaccount/";
  fake.environ.values["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  fake.environ.values["KUBERNETES_SERVICE_PORT"] = "6443";
  fake.files.bytes[account + "token"] = "abc";
  fake.files.bytes[account + "ca.crt"] = pem;
  fake.files.bytes[account + "namespace"] = "shop";
  const ClusterAccess access = must(find(fake, {}));
  CHECK(access.server == "https://[fd00::1]:6443");
  CHECK(access.space == "shop");
  CHECK(access.token.expose() == "abc");
  fake.files.bytes.erase(account + "ca.crt");
  CHECK_FALSE(find(fake, {}).has_value());
}

TEST_CASE("without any of it the reader is told what to write") {
  support::FakeWorld fake;
  fake.environ.values["HOME"] = "/home/ana";
  CHECK(find(fake, {}).error().hint.find("kubeconfig: PATH") != std::string::npos);
}

TEST_CASE("names that would leave their place in the address are refused") {
  CHECK(must(object_path("apps/v1", "shop", "deployments", "back.end-1")) ==
        "/apis/apps/v1/namespaces/shop/deployments/back.end-1");
  for (const char* name : {"../secrets", "a/b", "A", "-a", "a-", "a..b", "a?b", "a%2fb"}) {
    CAPTURE(name);
    CHECK_FALSE(object_path("apps/v1", "shop", "deployments", name).has_value());
    CHECK_FALSE(object_path("apps/v1", name, "deployments", "a").has_value());
  }
}

TEST_CASE("a server is believed by its own authority alone, and knows us by our certificate") {
  if (std::system("openssl version >/dev/null 2>&1") != 0) {
    std::puts("skipped: openssl is missing (apt-get install openssl)");
    if (std::getenv("TRANCHE_REQUIRE_PEERS") != nullptr) FAIL("openssl is required");
    return;
  }
  const support::TempDirectory keys;
  support::KubeServer server("t0ken", keys.path());
  const auto files = os::make_files();
  const auto http = os::make_http();
  const auto read = [&](const std::string& name) { return *must(files->read(keys / name, 1 << 20)); };
  const auto who = [&](const ClusterAccess& access) -> std::string {
    const auto answer = Cluster(*http, access, std::chrono::seconds(20)).get("/version");
    return answer ? must(answer->body.text("who")) : answer.error().message;
  };
  ClusterAccess access;
  access.server = server.url();
  access.authorities = read("ca.pem");
  access.token = Secret("t0ken");
  CHECK(who(access) == "bearer");
  ClusterAccess certified = access;
  certified.token = {};
  certified.client_certificate = read("client.pem");
  certified.client_key = Secret(read("client.key"));
  CHECK(who(certified) == "client");
  CHECK(who(access) == "bearer");  // the key did not stay with the connection
  ClusterAccess nobody = access;
  nobody.token = {};
  CHECK(who(nobody).find("401") != std::string::npos);
  ClusterAccess stranger = access;
  stranger.authorities = read("other.pem");
  CHECK(who(stranger).find("cannot GET") != std::string::npos);
  ClusterAccess system = access;
  system.authorities.clear();
  CHECK(who(system).find("cannot GET") != std::string::npos);
}

}  // namespace tranche::actions
