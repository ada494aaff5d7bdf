#include "actions/web.hpp"

#include "actions/web_testing.hpp"

namespace tranche::actions {
namespace {

using testing::has;
using testing::must;
using testing::ServiceWorld;

// Every action on a service, with what it needs.
const std::vector<std::pair<std::string, std::string>>& service_steps() {
  static const std::vector<std::pair<std::string, std::string>> steps{
      {"launchdarkly.set", R"({"project": "p", "environment": "prod", "flag": "f", "value": false})"},
      {"github.issue", R"({"repo": "acme/notes"})"},
      {"github.deployment-status", R"({"repo": "acme/notes"})"},
      {"gitlab.issue", R"({"project": "acme/notes"})"},
      {"pagerduty.trigger", R"({"routing-key": "env:TRANCHE_PAGER"})"},
      {"pagerduty.resolve", R"({"routing-key": "env:TRANCHE_PAGER"})"},
      {"slack.post", R"({"webhook": "env:TRANCHE_WEBHOOK"})"},
      {"token.revoke",
       R"({"kind": "oauth", "url": "https://id.example/revoke", "token": "env:TRANCHE_TOKEN"})"},
      {"token.revoke",
       R"({"kind": "vault-token", "url": "https://vault.example", "token": "env:TRANCHE_TOKEN"})"},
      {"token.revoke",
       R"({"kind": "vault-lease", "url": "https://vault.example", "token": "env:TRANCHE_TOKEN", "lease": "aws/creds/x"})"},
      {"token.revoke", R"({"kind": "github-installation", "token": "env:TRANCHE_TOKEN"})"},
      {"http.request",
       R"({"url": "https://hooks.example/x?key=1", "headers": {"X-Key": "env:TRANCHE_TOKEN"}, "sign": {"secret": "env:TRANCHE_PAGER"}})"}};
  return steps;
}

}  // namespace

TEST_CASE("what may pass is retried, what will not pass is refused, by every action on a service") {
  struct Row {
    int status;
    ErrorKind kind;
  };
  for (const Row row :
       {Row{408, ErrorKind::failed}, Row{429, ErrorKind::failed}, Row{500, ErrorKind::failed},
        Row{503, ErrorKind::failed}, Row{301, ErrorKind::denied}, Row{400, ErrorKind::denied},
        Row{401, ErrorKind::denied}, Row{403, ErrorKind::denied}, Row{404, ErrorKind::denied}})
    for (const auto& [uses, with] : service_steps()) {
      ServiceWorld w;
      w.answer = [&](const auto&) { return ServiceWorld::Answer{row.status, {}, "no"}; };
      const auto outcome = w.perform(uses, with);
      CAPTURE(uses);
      CAPTURE(row.status);
      REQUIRE_FALSE(outcome);
      CHECK(outcome.error().kind == row.kind);
      CHECK_FALSE(outcome.error().hint.empty());
      CHECK(has(outcome.error().message, fmt::format("HTTP {}", row.status)));
    }
}

TEST_CASE("a network that is broken is a failure that may pass, by every action on a service") {
  for (const auto& [uses, with] : service_steps()) {
    ServiceWorld w;
    CAPTURE(uses);
    const auto outcome = w.perform(uses, with);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().kind == ErrorKind::failed);
  }
}

TEST_CASE("no secret stands in any message, whatever the server repeats and whatever curl names") {
  for (const auto& [uses, with] : service_steps())
    for (const int status : {200, 400, 401, 500, 0}) {
      ServiceWorld w;
      w.answer = [&](const ports::HttpRequest& request) -> Result<ServiceWorld::Answer> {
        std::string echo = request.url + " " + request.body;
        for (const auto& [name, value] : request.secret_headers) echo += " " + std::string(value.expose());
        if (status == 0)
          return fail(ErrorKind::failed, "cannot {} '{}': {}", request.method, request.url, echo);
        return ServiceWorld::Answer{status, {}, doc::to_json(doc::Value::object({{"message", echo}}))};
      };
      const Call call = w.call(uses, with);
      const Action* action = find_action(uses);
      CAPTURE(uses);
      CAPTURE(status);
      std::string said;
      for (const auto& outcome : {action->perform(*w.deck, call), action->undo(*w.deck, call)})
        said +=
            outcome ? outcome->text + doc::to_json(outcome->facts) : ServiceWorld::all_words(outcome.error());
      if (const auto asked = action->ask(*w.deck, call); !asked)
        said += ServiceWorld::all_words(asked.error());
      said += must(action->changes(*w.deck, call));
      for (const Need& need : must(action->needs(*w.deck, call))) said += need.what;
      CHECK_FALSE(has(said, w.secret));
      CHECK_FALSE(has(said, "hush%2Fhush"));
      CHECK_FALSE(has(said, "hush\\/hush"));
    }
}

TEST_CASE("an issue's address that repeats the token is not passed on") {
  ServiceWorld w;
  w.answer = [&](const ports::HttpRequest& request) {
    const std::string issue = fmt::format(
        R"({{"number": 1, "iid": 1, "html_url": "https://x/{0}", "web_url": "https://x/{0}"}})", w.secret);
    return ServiceWorld::Answer{
        request.method == "GET" ? 200 : 201, {}, request.method == "GET" ? "[]" : issue};
  };
  for (const auto& [uses, with] : {std::pair("github.issue", R"({"repo": "acme/notes"})"),
                                   std::pair("gitlab.issue", R"({"project": "acme/notes"})")}) {
    const Outcome outcome = must(w.perform(uses, with));
    CHECK(has(outcome.text, "https://x/***"));
    CHECK_FALSE(has(outcome.text + doc::to_json(outcome.facts), w.secret));
  }
}

TEST_CASE("secrets travel in secret headers and bodies alone, never in addresses or plain headers") {
  for (const auto& [uses, with] : service_steps()) {
    if (uses == "slack.post") continue;  // its address is the secret
    ServiceWorld w;
    CAPTURE(uses);
    CHECK_FALSE(w.perform(uses, with));
    REQUIRE_FALSE(w.requests().empty());
    for (const ports::HttpRequest& request : w.requests()) {
      CHECK_FALSE(has(request.url, w.secret));
      for (const auto& [name, value] : request.headers) CHECK_FALSE(has(value, w.secret));
      CHECK(request.max_redirects == 0);
    }
  }
}

TEST_CASE("a service that asks for patience is waited for, within bounds") {
  struct Row {
    int status;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::optional<Duration> wait;
  };
  ServiceWorld clock;
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(clock.fake.clock.now().time_since_epoch()).count();
  const std::vector<Row> rows{
      {429, {{"retry-after", "30"}}, "", std::chrono::seconds(30)},
      {503, {{"retry-after", "5"}}, "", std::chrono::seconds(5)},
      {403, {{"retry-after", "60"}}, "", std::chrono::seconds(60)},
      {403,
       {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", fmt::format("{}", now + 90)}},
       "",
       std::chrono::seconds(90)},
      {429, {{"x-ratelimit-reset", fmt::format("{}", (now + 7) * 1'000)}}, "", std::chrono::seconds(7)},
      {429, {{"ratelimit-reset", fmt::format("{}", now - 7)}}, "", std::chrono::seconds(1)},
      {403, {}, R"({"message": "You have exceeded a secondary rate limit."})", std::chrono::minutes(1)},
      {403, {{"x-ratelimit-remaining", "7"}}, R"({"message": "Must have admin rights"})", std::nullopt},
      {500, {{"retry-after", "30"}}, "", std::nullopt},
      {429,
       {{"retry-after", "7201"}},
       "",
       std::nullopt},  // longer than anybody waits in the middle of a rollback
      {429, {{"retry-after", "Thu, 01 Jan 2026 00:01:00 GMT"}}, "", std::chrono::seconds(60)},
      {503, {{"retry-after", "Thu, 01 Jan 2015 00:01:00 GMT"}}, "", std::chrono::seconds(1)},
      {429, {{"retry-after", "Thu, 32 Jan 2026 00:01:00 GMT"}}, "", std::nullopt},
      {429, {{"retry-after", "-1"}}, "", std::nullopt},
      {429, {{"x-ratelimit-reset", "99999999999999999999"}}, "", std::nullopt}};
  for (const Row& row : rows) {
    ServiceWorld w;
    w.answer = [&](const auto&) { return ServiceWorld::Answer{row.status, row.headers, row.body}; };
    const auto outcome = w.perform("github.issue", R"({"repo": "acme/notes"})");
    CAPTURE(row.status);
    CAPTURE(row.body);
    if (!row.headers.empty()) CAPTURE(row.headers.front().second);
    if (row.wait) {
      REQUIRE(outcome);
      REQUIRE(outcome->not_before);
      CHECK(*outcome->not_before == w.fake.clock.now() + *row.wait);
      CHECK(must(outcome->facts.integer("waits")) == 1);
    } else {
      CHECK_FALSE(outcome);
    }
  }
}

TEST_CASE("patience ends: after five waits the step fails") {
  ServiceWorld w;
  w.answer = [](const auto&) { return ServiceWorld::Answer{429, {{"retry-after", "1"}}, ""}; };
  Call call = w.call("pagerduty.trigger", R"({"routing-key": "env:TRANCHE_PAGER"})");
  for (int i = 1; i <= web::most_waits; ++i) {
    const Outcome outcome = must(w.perform(call));
    REQUIRE(outcome.not_before);
    call.facts = outcome.facts;
  }
  const auto last = w.perform(call);
  REQUIRE_FALSE(last);
  CHECK(last.error().kind == ErrorKind::failed);
}

TEST_CASE("an attempt's requests share its time") {
  ServiceWorld w;
  Call call = w.call("github.issue", R"({"repo": "acme/notes"})");
  call.deadline = w.fake.clock.now() + std::chrono::seconds(10);
  w.answer = [&](const ports::HttpRequest& request) {
    w.fake.clock.advance(std::chrono::seconds(7));
    return ServiceWorld::Answer{200, {}, request.method == "GET" ? "[]" : "{}"};
  };
  CHECK_FALSE(w.perform(call));
  REQUIRE(w.requests().size() == 2);
  CHECK(w.requests()[0].timeout == std::chrono::seconds(10));
  CHECK(w.requests()[1].timeout == std::chrono::seconds(3));
  w.requests().clear();
  const auto late = w.perform(call);
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == ErrorKind::failed);
  CHECK(has(late.error().message, "time was over"));
  CHECK(w.requests().empty());
}

TEST_CASE("a secret that cannot be read fails before anything is sent") {
  for (const auto& [uses, with] : service_steps()) {
    ServiceWorld w;
    for (const char* name :
         {"GITHUB_TOKEN", "GITLAB_TOKEN", "LAUNCHDARKLY_TOKEN", "PAGER", "TOKEN", "WEBHOOK"})
      w.fake.environ.values.erase(std::string("TRANCHE_") + name);
    CAPTURE(uses);
    const auto outcome = w.perform(uses, with);
    REQUIRE_FALSE(outcome);
    CHECK_FALSE(outcome.error().hint.empty());
    CHECK(w.requests().empty());
  }
}

TEST_CASE("needs name the references and the addresses of every action on a service") {
  for (const auto& [uses, with] : service_steps()) {
    ServiceWorld w;
    CAPTURE(uses);
    const Call call = w.call(uses, with);
    const auto needs = must(find_action(uses)->needs(*w.deck, call));
    CHECK(std::any_of(needs.begin(), needs.end(), [](const Need& need) {
      return need.kind == Need::Kind::secret && need.what.starts_with("env:TRANCHE_");
    }));
    CHECK_FALSE(must(find_action(uses)->changes(*w.deck, call)).empty());
    CHECK(w.requests().empty());
  }
}

}  // namespace tranche::actions
