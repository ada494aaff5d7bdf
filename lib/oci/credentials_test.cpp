#include "oci/credentials.hpp"

#include <doctest/doctest.h>

#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::oci;

namespace {
std::optional<Challenge> challenge(std::vector<std::string> values) {
  std::vector<std::pair<std::string, std::string>> headers{{"content-type", "text/plain"}};
  for (std::string& value : values) headers.emplace_back("www-authenticate", std::move(value));
  return read_challenge(headers);
}
}  // namespace

TEST_CASE("a challenge is read as registries write it, and Bearer comes before Basic") {
  const auto token = challenge(
      {R"(Bearer realm="https://auth.example/token",service="registry, \"x\"",scope="repository:a:pull")"});
  REQUIRE(token);
  CHECK(token->scheme == Challenge::Scheme::bearer);
  CHECK(token->realm == "https://auth.example/token");
  CHECK(token->service == R"(registry, "x")");
  CHECK(challenge({"basic realm=\"x\""})->scheme == Challenge::Scheme::basic);
  CHECK(challenge({"Basic"})->scheme == Challenge::Scheme::basic);
  CHECK(challenge({"Basic realm=\"x\"", "bearer realm=https://auth.example/t, service=y"})->realm ==
        "https://auth.example/t");
  for (const char* bad : {"", "Negotiate abc", "Bearer", "Bearer service=\"x\"", "Bearer realm=\"x",
                          "Bearer =x", "Bearer realm"})
    CHECK_FALSE(challenge({bad}));
  CHECK_FALSE(challenge({"Bearer realm=\"" + std::string(5000, 'x') + "\""}));
}

TEST_CASE("an account comes from the registry's entry of an auth file, and no helper is run") {
  const Secret file(R"({"auths": {
      "registry.example": {"auth": "YW5hOnM6ZWNyZXQ="},
      "https://other.example": {"username": "bo", "password": "word"},
      "https://index.docker.io/v1/": {"auth": "aHViOnB3"},
      "helped.example": {}, "broken.example": {"auth": "###"}},
      "credHelpers": {"helped.example": "x"}})");
  const auto ana = parse_auth_file(file, "registry.example");
  REQUIRE(ana);
  REQUIRE(*ana);
  CHECK((*ana)->user == "ana");
  CHECK((*ana)->password.expose() == "s:ecret");
  CHECK((*parse_auth_file(file, "other.example"))->user == "bo");
  CHECK((*parse_auth_file(file, "docker.io"))->user == "hub");
  CHECK_FALSE(*parse_auth_file(file, "unknown.example"));
  CHECK(parse_auth_file(file, "helped.example").error().hint.find("TRANCHE_REGISTRY_USER") !=
        std::string::npos);
  const auto broken = parse_auth_file(file, "broken.example");
  REQUIRE(!broken);
  CHECK(broken.error().message.find("###") == std::string::npos);
  CHECK(parse_auth_file(Secret(R"({"credsStore":"desktop"})"), "registry.example").error().kind ==
        ErrorKind::invalid);
  CHECK(!parse_auth_file(Secret("nonsense"), "registry.example"));
}

TEST_CASE("both variables make an account, one alone is a mistake") {
  support::FakeWorld fake;
  auto world = fake.world();
  CHECK_FALSE(*find_credentials(world, "", "registry.example"));
  fake.environ.values["TRANCHE_REGISTRY_USER"] = "ana";
  CHECK(find_credentials(world, "", "registry.example")
            .error()
            .message.find("TRANCHE_REGISTRY_PASSWORD is not") != std::string::npos);
  fake.environ.values["TRANCHE_REGISTRY_PASSWORD"] = "word";
  const auto account = find_credentials(world, "", "registry.example");
  REQUIRE(account);
  CHECK(basic_authorization(**account).expose() == "Basic YW5hOndvcmQ=");
}
