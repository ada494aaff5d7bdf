#include "sigstore/oidc.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::sigstore;

namespace {

std::string token_of(const std::string& claims) {
  std::string payload = to_base64(claims);
  std::ranges::replace(payload, '+', '-');
  std::ranges::replace(payload, '/', '_');
  while (payload.ends_with('=')) payload.pop_back();
  return "e30." + payload + ".c2ln";
}
const std::string basics = R"("iss":"https://idp","sub":"someone","exp":2000000000)";

}  // namespace

TEST_CASE("a token says who a certificate may be for") {
  const struct {
    std::string claims, subject;
    std::vector<std::string> names;
  } table[] = {
      {"{" + basics + R"(,"aud":"sigstore"})", "someone", {"someone"}},
      {"{" + basics + R"(,"aud":["x","sigstore"],"email":"a@b","email_verified":true})", "a@b", {"a@b"}},
      {"{" + basics + R"(,"aud":"sigstore","email":"a@b","email_verified":"true"})", "a@b", {"a@b"}},
      {"{" + basics + R"(,"aud":"sigstore","email":"a@b","email_verified":false})", "someone", {"someone"}},
      {"{" + basics + R"(,"aud":"sigstore","email":"a@b"})", "someone", {"someone"}},
      {"{" + basics +
           R"(,"aud":"sigstore","job_workflow_ref":"o/r/.github/workflows/x.yml@refs/heads/main"})",
       "someone",
       {"someone", "https://github.com/o/r/.github/workflows/x.yml@refs/heads/main"}},
      {"{" + basics +
           R"(,"aud":"sigstore","ci_config_ref_uri":"gitlab.example/g/p//.gitlab-ci.yml@refs/heads/m"})",
       "someone",
       {"someone", "https://gitlab.example/g/p//.gitlab-ci.yml@refs/heads/m"}},
  };
  for (const auto& row : table) {
    CAPTURE(row.claims);
    const auto token = read_token(Secret(token_of(row.claims)));
    REQUIRE(token);
    CHECK(token->issuer == "https://idp");
    CHECK(token->subject == row.subject);
    CHECK(token->names == row.names);
  }
}

TEST_CASE("what is no token for this purpose is refused, and never shown") {
  for (const std::string& text :
       {std::string("hello"), std::string("a.b"), std::string("a.b.c"), token_of("[]"), token_of("{}"),
        token_of("{" + basics + "}"), token_of("{" + basics + R"(,"aud":"other"})"),
        token_of(R"({"aud":"sigstore","sub":"x","exp":1})"),
        token_of(R"({"aud":"sigstore","iss":"x","exp":1})"),
        token_of(R"({"aud":"sigstore","iss":"x","sub":"y"})"), std::string(100'000, 'a')}) {
    const auto token = read_token(Secret(text));
    REQUIRE_FALSE(token);
    CHECK(token.error().kind == ErrorKind::verification);
    CHECK(token.error().message.find(text.substr(0, 8)) == std::string::npos);
  }
}

TEST_CASE("the token comes from the reference, from GitHub's service, or from GitLab's variable") {
  const std::string good = token_of("{" + basics + R"(,"aud":"sigstore"})");
  support::FakeWorld fake;
  auto world = fake.world();
  CHECK(find_token(world, "", "").error().kind == ErrorKind::invalid);

  fake.environ.values["TRANCHE_TOKEN"] = good;
  CHECK(find_token(world, "", "env:TRANCHE_TOKEN")->subject == "someone");
  CHECK(find_token(world, "", "env:HOME").error().kind == ErrorKind::denied);

  fake.environ.values["SIGSTORE_ID_TOKEN"] = good;
  CHECK(find_token(world, "", "")->subject == "someone");

  fake.environ.values["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://tokens.example/x?api=1";
  fake.environ.values["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "letmein";
  fake.http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    ports::HttpResponse answer;
    answer.status = 200;
    answer.body = R"({"value":")" + good + R"("})";
    return answer;
  };
  CHECK(find_token(world, "", "")->subject == "someone");
  REQUIRE(fake.http.requests.size() == 1);
  CHECK(fake.http.requests[0].url == "https://tokens.example/x?api=1&audience=sigstore");
  REQUIRE(fake.http.requests[0].secret_headers.size() == 1);
  CHECK(fake.http.requests[0].secret_headers[0].second.expose() == "bearer letmein");

  fake.environ.values["ACTIONS_ID_TOKEN_REQUEST_URL"] = "http://tokens.example/";
  CHECK(find_token(world, "", "").error().kind == ErrorKind::denied);
  CHECK(fake.http.requests.size() == 1);
}

TEST_CASE("an expired token is not sent anywhere") {
  support::FakeWorld fake;
  auto world = fake.world();
  fake.environ.values["TRANCHE_TOKEN"] =
      token_of(R"({"aud":"sigstore","iss":"https://idp","sub":"x","exp":1000000000})");
  CHECK(find_token(world, "", "env:TRANCHE_TOKEN").error().message.find("expired") != std::string::npos);
}
