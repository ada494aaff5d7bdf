// A CI's protected environment approves by its identity token; the issuer is behind the fake Http port.
#include "actions/environment.hpp"

#include <doctest/doctest.h>

#include "approvals_fixture.hpp"
#include "signing/jwt_testing.hpp"

using namespace tranche;
using namespace tranche::engine::testing;
using tranche::signing::testing::Provider;

namespace {

constexpr const char* issuer = "https://ci.example";

struct Scene : ApprovalScene {
  Provider provider;
  int asked = 0;

  Scene() : ApprovalScene(1, "author") {
    spec::People& people = plan.config.people[0];
    people.environment.issuer = issuer;
    people.environment.claims = {{"environment", "production"}, {"repository", "acme/notes"}};
    app.fake.http.handler = [this](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      ++asked;
      if (request.url == std::string(issuer) + "/.well-known/openid-configuration")
        return ports::HttpResponse{
            200, {}, R"({"issuer":"https://ci.example","jwks_uri":"https://ci.example/keys"})"};
      if (request.url == std::string(issuer) + "/keys") return ports::HttpResponse{200, {}, provider.jwks()};
      return fail(ErrorKind::failed, "connection refused");
    };
  }
  std::string token(const std::string& environment = "production", const std::string& run = "1") {
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count();
    return provider.token(doc::Value::object({{"iss", issuer},
                                              {"aud", "tranche"},
                                              {"iat", second},
                                              {"exp", second + 300},
                                              {"environment", environment},
                                              {"repository", "acme/notes"},
                                              {"actor", "ana"},
                                              {"run_id", run}}));
  }
  Result<std::string> document(const std::string& token) {
    return actions::environment_approval(*deck, plan.config, request(), approval("ci"), Secret(token), now());
  }
  Result<actions::Accepted> check(const std::string& document) {
    return actions::check_approval(*deck, plan.config, request(), document, now(), actions::Vouched::yes);
  }
  void record(const std::string& document) {
    const auto accepted = must(check(document));
    must(deck->append({must(actions::approval_draft(*deck, request(), document, accepted))}));
  }
};

}  // namespace

TEST_CASE("a job in the protected environment approves, and its token is nowhere in the journal") {
  Scene scene;
  const std::string token = scene.token();
  scene.record(must(scene.document(token)));
  CHECK(scene.asked == 2);
  const actions::Standing standing = scene.standing();
  CHECK(standing.met);
  CHECK(standing.by == std::vector<std::string>{"environment production"});
  std::string log;
  for (const journal::Entry& entry : scene.app.entries()) log += doc::to_json(journal::to_value(entry));
  CHECK(log.find(token.substr(token.rfind('.'))) == std::string::npos);
  const auto recorded = must(actions::answers_on_record(*scene.deck, scene.request()));
  REQUIRE(recorded.size() == 1);
  const auto document = must(signing::parse_approval(recorded[0].document));
  CHECK(document.environment.find("claims")->find("actor")->as_string() == "ana");
  CHECK(document.environment.find("token-sha256")->as_string().size() == 64);
}

TEST_CASE("other environments, other issuers and used tokens do not approve") {
  Scene scene;
  CHECK(scene.document(scene.token("staging")).error().kind == ErrorKind::denied);
  CHECK(scene.document("x.y.z").error().kind == ErrorKind::verification);

  // What the journal's writer may have made up is still held against the plan.
  doc::Value made_up = doc::Value::object(
      {{"issuer", issuer},
       {"audience", "tranche"},
       {"claims", doc::Value::object({{"environment", "staging"}, {"repository", "acme/notes"}})}});
  const std::string payload = must(signing::to_payload(scene.approval("ci")));
  CHECK(scene.check(must(signing::with_environment(payload, made_up))).error().kind == ErrorKind::denied);
  made_up.set("issuer", "https://evil.example");
  CHECK(scene.check(must(signing::with_environment(payload, made_up))).error().kind == ErrorKind::denied);

  const std::string token = scene.token();
  scene.record(must(scene.document(token)));
  scene.plan.config.rollouts[0].stages[1].approval = "managers";
  scene.stage = 1;
  const auto again = scene.document(token);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().kind == ErrorKind::denied);
  CHECK(again.error().message.find("has approved " + scene.state.id + ":stage-3 already") !=
        std::string::npos);
  CHECK(scene.document(scene.token("production", "2")).has_value());
}

TEST_CASE("an issuer that cannot be believed gives no approval") {
  Scene scene;
  struct Case {
    const char* what;
    std::string discovery;
    ErrorKind kind;
  };
  const Case cases[] = {
      {"another issuer's document",
       R"({"issuer":"https://evil.example","jwks_uri":"https://ci.example/keys"})", ErrorKind::verification},
      {"keys without encryption", R"({"issuer":"https://ci.example","jwks_uri":"http://ci.example/keys"})",
       ErrorKind::denied},
      {"no document", "x", ErrorKind::verification},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    scene.app.fake.http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
      return ports::HttpResponse{200, {}, one.discovery};
    };
    const auto refused = scene.document(scene.token());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == one.kind);
  }
  scene.app.fake.http.handler = [](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    return ports::HttpResponse{500, {}, "down"};
  };
  CHECK(scene.document(scene.token()).error().kind == ErrorKind::failed);
}

TEST_CASE("keys that were frozen with the plan are asked of nobody") {
  Scene scene;
  scene.app.fake.files.bytes["/repo/keys/ci.json"] = scene.provider.jwks();
  scene.app.app.people = scene.plan.config.people;
  scene.app.app.people[0].environment.jwks = "keys/ci.json";
  scene.plan.config.people = must(actions::frozen_people(*scene.app.open()));
  CHECK(scene.plan.config.people[0].environment.jwks.starts_with("{\"keys\":["));
  scene.app.fake.files.bytes["/repo/keys/ci.json"] = Provider().jwks();  // changed later: believed by nothing
  CHECK(scene.document(scene.token()).has_value());
  CHECK(scene.asked == 0);
}

TEST_CASE("the token is read from where it is named, or GitHub Actions is asked for one") {
  Scene scene;
  const spec::People::Environment& environment = scene.plan.config.people[0].environment;
  CHECK(
      actions::find_environment_token(*scene.deck, environment, "").error().hint.find("audience 'tranche'") !=
      std::string::npos);
  scene.app.fake.environ.values["TRANCHE_ID_TOKEN"] = "a.b.c";
  CHECK(must(actions::find_environment_token(*scene.deck, environment, "env:TRANCHE_ID_TOKEN")).expose() ==
        "a.b.c");
  CHECK(actions::find_environment_token(*scene.deck, environment, "env:HOME").error().kind ==
        ErrorKind::denied);
  scene.app.fake.environ.values["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://actions.example/token?x=1";
  scene.app.fake.environ.values["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "bearer-secret";
  scene.app.fake.http.handler = [](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    CHECK(request.url == "https://actions.example/token?x=1&audience=tranche");
    REQUIRE(request.secret_headers.size() == 1);
    CHECK(request.secret_headers[0].second.expose() == "bearer bearer-secret");
    return ports::HttpResponse{200, {}, R"({"value":"d.e.f"})"};
  };
  CHECK(must(actions::find_environment_token(*scene.deck, environment, "")).expose() == "d.e.f");
}
