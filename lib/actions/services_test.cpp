// LaunchDarkly, GitLab, PagerDuty, Slack, revocations and signed requests: what they are sent, and what their
// answers mean.
#include "actions/story.hpp"
#include "actions/web.hpp"
#include "actions/web_testing.hpp"
#include "base/encoding.hpp"
#include "crypto/hmac.hpp"

namespace tranche::actions {
namespace {

using doc::Value;
using testing::has;
using testing::must;
using testing::ServiceWorld;

const std::string switch_off = R"({"project": "p r", "environment": "prod", "flag": "f/1", "value": false})";

// One flag in one environment.
void keep_flag(ServiceWorld& w, bool& on, bool& loses_answers) {
  w.answer = [&w, &on, &loses_answers](const ports::HttpRequest& request) -> Result<ServiceWorld::Answer> {
    CHECK(request.url.starts_with("https://app.launchdarkly.com/api/v2/flags/p%20r/f%2F1"));
    if (request.method == "PATCH") {
      on = must(w.json(request.body).array_at("instructions"))->as_array()[0] ==
           Value::object({{"kind", "turnFlagOn"}});
      if (loses_answers) return fail(ErrorKind::failed, "no answer");
    }
    return ServiceWorld::Answer{
        200, {}, fmt::format(R"({{"key": "f/1", "environments": {{"prod": {{"on": {}}}}}}})", on)};
  };
}

}  // namespace

TEST_CASE("launchdarkly.set turns a flag, asks first, and knows how it stood before") {
  ServiceWorld w;
  bool on = true;
  bool loses = false;
  keep_flag(w, on, loses);
  CHECK(must(w.ask("launchdarkly.set", switch_off)) == Asked::not_done);
  w.requests().clear();
  Call call = w.call("launchdarkly.set", switch_off);
  const Outcome outcome = must(w.perform(call));
  CHECK_FALSE(on);
  REQUIRE(w.requests().size() == 3);  // looked, turned, looked
  CHECK(w.requests()[0].url.ends_with("?env=prod"));
  CHECK(w.requests()[1].method == "PATCH");
  CHECK(w.header(1, "Content-Type") == "application/json; domain-model=launchdarkly.semanticpatch");
  CHECK(w.secret_header(1, "Authorization") == w.secret);
  CHECK(must(w.body(1).text("environmentKey")) == "prod");
  CHECK(must(w.ask("launchdarkly.set", switch_off)) == Asked::done);
  must(w.perform(call));
  CHECK(w.requests().size() == 5);  // one look for the question, one for the repeat
  call.facts = outcome.facts;
  must(find_action("launchdarkly.set")->undo(*w.deck, call));
  CHECK(on);
}

TEST_CASE("launchdarkly.set repeats a try that was lost without taking its own work for the state before") {
  ServiceWorld w;
  bool on = true;
  bool loses = true;
  keep_flag(w, on, loses);
  CHECK_FALSE(w.perform("launchdarkly.set", switch_off));
  CHECK_FALSE(on);
  loses = false;
  Call call = w.call("launchdarkly.set", switch_off);
  call.facts = Value::object({{"was", true}});
  CHECK(must(must(w.perform(call)).facts.boolean("was")));
}

TEST_CASE("launchdarkly.set believes the flag, not the answer to the change") {
  ServiceWorld w;
  bool on = true;
  w.answer = [&](const ports::HttpRequest&) {
    return ServiceWorld::Answer{200, {}, fmt::format(R"({{"environments": {{"prod": {{"on": {}}}}}}})", on)};
  };
  const auto outcome = w.perform("launchdarkly.set", switch_off);
  REQUIRE_FALSE(outcome);
  CHECK(has(outcome.error().message, "was set, and is on again"));
  for (const char* body : {"{}", "[]", "", R"({"environments": {"prod": {"on": "no"}}})",
                           R"({"environments": {"test": {"on": false}}})"}) {
    w.answer = [&](const auto&) { return ServiceWorld::Answer{200, {}, body}; };
    CHECK_FALSE(w.ask("launchdarkly.set", switch_off));
    CHECK_FALSE(w.perform("launchdarkly.set", switch_off));
  }
}

TEST_CASE("gitlab.issue opens one issue a rollout, with what GitLab takes of its wishes") {
  ServiceWorld w;
  Value issues = Value::array();
  bool loses = false;
  bool refuses = false;
  w.answer = [&](const ports::HttpRequest& request) -> Result<ServiceWorld::Answer> {
    CHECK(request.url.starts_with("https://gitlab.com/api/v4/"));
    if (has(request.url, "/users?username=ana"))
      return ServiceWorld::Answer{200, {}, R"([{"id": 5, "username": "ana"}])"};
    if (has(request.url, "/users?")) return ServiceWorld::Answer{200, {}, "[]"};
    CHECK(has(request.url, "/projects/acme%2Fapps%2Fnotes/issues"));
    if (request.method == "GET") {
      CHECK(has(request.url, "scope=created_by_me&state=all&order_by=created_at&sort=desc"));
      return ServiceWorld::Answer{200, {}, doc::to_json(issues)};
    }
    Value issue = w.json(request.body);
    if (refuses && issue.find("assignee_ids") != nullptr)
      return ServiceWorld::Answer{400, {}, R"({"message": {"assignee": ["no"]}})"};
    issue.set("iid", 9);
    issue.set("web_url", "https://gitlab.example/acme/apps/notes/-/issues/9");
    issue.set("assignees", Value::array());
    issues.push(issue);
    if (loses) return fail(ErrorKind::failed, "no answer");
    return ServiceWorld::Answer{201, {}, doc::to_json(issue)};
  };
  const std::string step =
      R"({"project": "acme/apps/notes", "labels": ["rollback", "notes"], "assignees": ["ana", "nobody"]})";
  refuses = true;
  loses = true;
  CHECK(must(w.ask("gitlab.issue", step)) == Asked::not_done);
  CHECK_FALSE(w.perform("gitlab.issue", step));
  loses = false;
  CHECK(must(w.ask("gitlab.issue", step)) == Asked::done);
  CHECK(has(must(w.perform("gitlab.issue", step)).text, "issue #9 of acme/apps/notes speaks of it already"));
  REQUIRE(issues.as_array().size() == 1);
  const Value& issue = issues.as_array()[0];
  CHECK(must(issue.text("labels")) == "rollback,notes");
  CHECK(must(issue.text("description")).ends_with("\n<!-- tranche:notes-agent/desktop/1.2.0/0 -->\n"));
  issues = Value::array();
  const Outcome outcome = must(w.perform("gitlab.issue", step));
  CHECK(has(outcome.text, "GitLab does not know nobody"));
  CHECK(has(outcome.text, "assigned it to 0 of 1"));
  CHECK(w.secret_header(0, "PRIVATE-TOKEN") == w.secret);
}

TEST_CASE("gitlab.issue cannot be made to act by lines that begin with a slash") {
  ServiceWorld w;
  std::string description;
  w.answer = [&](const ports::HttpRequest& request) {
    if (request.method == "GET") return ServiceWorld::Answer{200, {}, "[]"};
    description = must(w.json(request.body).text("description"));
    return ServiceWorld::Answer{201, {}, R"({"iid": 1})"};
  };
  must(w.perform(w.call("gitlab.issue", R"({"project": "7"})", "/close\n/assign @mallory")));
  must(w.perform(
      w.call("gitlab.issue", R"({"project": "7", "body": "$reason"})", "/close\n/assign @mallory")));
  CHECK(description.starts_with("\\/close\\\\x0a\\/assign \\@"));
}

TEST_CASE("one incident a rollout: the same key for trigger and resolve, short enough for PagerDuty") {
  ServiceWorld w;
  w.answer = [](const auto&) {
    return ServiceWorld::Answer{202, {}, R"({"status": "success", "dedup_key": "x"})"};
  };
  const std::string step =
      R"({"routing-key": "env:TRANCHE_PAGER", "details": {"runbook": "https://wiki.example/$release"}, "severity": "error"})";
  must(w.perform("pagerduty.trigger", step));
  must(w.perform("pagerduty.resolve", R"({"routing-key": "env:TRANCHE_PAGER"})"));
  REQUIRE(w.requests().size() == 2);
  CHECK(w.requests()[0].url == "https://events.pagerduty.com/v2/enqueue");
  const Value trigger = w.body(0);
  CHECK(must(trigger.text("event_action")) == "trigger");
  CHECK(must(trigger.text("routing_key")) == w.secret);
  CHECK(must(trigger.text("dedup_key")) == "tranche/notes-agent/desktop/1.2.0/0");
  const Value payload = *must(trigger.object_at("payload"));
  CHECK(must(payload.text("severity")) == "error");
  CHECK(must(payload.text("component")) == "notes-agent");
  CHECK(
      has(must(payload.text("summary")), "Release 1.2.0 of notes-agent was taken back: gate crashes failed"));
  const Value details = *must(payload.object_at("custom_details"));
  CHECK(must(details.text("runbook")) == "https://wiki.example/1.2.0");
  CHECK(must(must(details.object_at("tranche"))->text("release")) == "1.2.0");
  CHECK(must(w.body(1).text("event_action")) == "resolve");
  CHECK(must(w.body(1).text("dedup_key")) == must(trigger.text("dedup_key")));
  w.rollout_id = std::string(400, 'r') + "/1";
  must(w.perform(w.call("pagerduty.trigger", step, std::string(5'000, 'y'))));
  CHECK(must(w.body(2).text("dedup_key")).size() <= 255);
  CHECK(must(must(w.body(2).object_at("payload"))->text("summary")).size() <= 1'024);
  // The undo of an incident is its end.
  must(find_action("pagerduty.trigger")->undo(*w.deck, w.call("pagerduty.trigger", step)));
  CHECK(must(w.body(3).text("event_action")) == "resolve");
}

TEST_CASE("slack.post escapes what it is given, sends to the secret address, and is unknown when cut off") {
  ServiceWorld w;
  w.answer = [](const auto&) { return ServiceWorld::Answer{200, {}, "ok"}; };
  must(w.perform(w.call("slack.post", R"({"webhook": "env:TRANCHE_WEBHOOK"})", "p99 < 2 & <!channel> > x")));
  must(w.perform(w.call("slack.post",
                        R"({"webhook": "env:TRANCHE_WEBHOOK", "text": "<!here> $release: $reason"})",
                        "<@U1> & co")));
  REQUIRE(w.requests().size() == 2);
  CHECK(w.requests()[0].url == "https://hooks.slack.example/services/" + w.secret);
  CHECK(must(w.body(0).text("text"))
            .starts_with("Release 1.2.0 of notes-agent was taken back: p99 &lt; 2 &amp; &lt;!channel&gt; "
                         "&gt; x (stage '5%'"));
  CHECK(must(w.body(1).text("text")) == "<!here> 1.2.0: &lt;@U1&gt; &amp; co");
  CHECK(must(w.ask("slack.post", R"({"webhook": "env:TRANCHE_WEBHOOK"})")) == Asked::unknown);
  w.fake.environ.values["TRANCHE_WEBHOOK"] = "hooks.slack.example/services/x";
  const auto none = w.perform("slack.post", R"({"webhook": "env:TRANCHE_WEBHOOK"})");
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::invalid);
  CHECK_FALSE(has(ServiceWorld::all_words(none.error()), "services/x"));
}

TEST_CASE("token.revoke sends what each kind wants") {
  struct Row {
    const char* with;
    const char* method;
    const char* url;
    std::string body;
    const char* header;
    std::string value;
  };
  const std::string form = "token=hush%2Fhush%2B1234";
  const std::string basic = "Basic " + to_base64("a%3Ab:hush%2Fhush%2B1234");
  for (
      const Row& row : std::vector<Row>{
          {R"({"kind": "oauth", "url": "https://id.example/revoke", "token": "env:TRANCHE_TOKEN"})", "POST",
           "https://id.example/revoke", form, "Authorization", ""},
          {R"({"kind": "oauth", "url": "https://id.example/revoke", "token": "env:TRANCHE_TOKEN", "client-id": "a:b"})",
           "POST", "https://id.example/revoke", form + "&client_id=a%3Ab", "Authorization", ""},
          {R"({"kind": "oauth", "url": "https://id.example/revoke", "token": "env:TRANCHE_TOKEN", "client-id": "a:b", "client-secret": "env:TRANCHE_PAGER"})",
           "POST", "https://id.example/revoke", form, "Authorization", basic},
          {R"({"kind": "vault-lease", "url": "https://v.example/", "token": "env:TRANCHE_TOKEN", "lease": "aws/creds/x/1"})",
           "POST", "https://v.example/v1/sys/leases/revoke", R"({"lease_id":"aws/creds/x/1","sync":true})",
           "X-Vault-Token", "hush/hush+1234"},
          {R"({"kind": "vault-token", "url": "https://v.example", "token": "env:TRANCHE_TOKEN"})", "POST",
           "https://v.example/v1/auth/token/revoke-self", "", "X-Vault-Token", "hush/hush+1234"},
          {R"({"kind": "vault-token", "url": "https://v.example", "token": "env:TRANCHE_TOKEN", "namespace": "team/$app"})",
           "POST", "https://v.example/v1/auth/token/revoke-self", "", "X-Vault-Token", "hush/hush+1234"},
          {R"({"kind": "github-installation", "token": "env:TRANCHE_TOKEN"})", "DELETE",
           "https://api.github.com/installation/token", "", "Authorization", "Bearer hush/hush+1234"}}) {
    ServiceWorld w;
    w.answer = [](const auto&) { return ServiceWorld::Answer{204, {}, ""}; };
    CAPTURE(row.with);
    CHECK(has(must(w.perform("token.revoke", row.with)).text, "is revoked"));
    REQUIRE(w.requests().size() == 1);
    CHECK(w.requests()[0].method == row.method);
    CHECK(w.requests()[0].url == row.url);
    CHECK(w.requests()[0].body == row.body);
    CHECK(w.secret_header(0, row.header) == row.value);
    const bool parted = std::string_view(row.with).find("namespace") != std::string_view::npos;
    CHECK(w.header(0, "X-Vault-Namespace") == (parted ? "team/notes-agent" : ""));
    CHECK(must(w.ask("token.revoke", row.with)) == Asked::not_done);  // revoking twice is revoking once
  }
}

TEST_CASE("a credential that is worthless already is revoked, when the service itself says so") {
  struct Row {
    const char* kind;
    int status;
    const char* body;
    bool done;
  };
  for (const Row row :
       {Row{"vault-token", 403,
            R"({"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]})", true},
        Row{"vault-token", 403, R"({"errors": ["permission denied"]})", false},
        Row{"vault-token", 403, "<html>forbidden</html>", false},
        Row{"vault-lease", 403, R"({"errors": ["permission denied", "invalid token"]})", false},
        Row{"github-installation", 401, R"({"message": "Bad credentials"})", true},
        Row{"github-installation", 401, "", false},
        Row{"oauth", 401, R"({"error": "invalid_client"})", false},
        Row{"oauth", 400, R"({"error": "unsupported_token_type"})", false}}) {
    ServiceWorld w;
    w.answer = [&](const auto&) { return ServiceWorld::Answer{row.status, {}, row.body}; };
    CAPTURE(row.kind);
    CAPTURE(row.body);
    const auto outcome = w.perform(
        "token.revoke",
        fmt::format(
            R"({{"kind": "{}", "url": "https://v.example", "token": "env:TRANCHE_TOKEN", "lease": "l"}})",
            row.kind));
    CHECK(outcome.has_value() == row.done);
    if (!outcome) CHECK(outcome.error().kind == ErrorKind::denied);
  }
}

TEST_CASE("token.revoke that lacks something is refused before the rollout starts") {
  ServiceWorld w;
  for (
      const char* with :
      {R"({"kind": "oauth", "token": "env:TRANCHE_TOKEN"})",
       R"({"kind": "vault-token", "token": "env:TRANCHE_TOKEN"})",
       R"({"kind": "vault-lease", "url": "https://v.example", "token": "env:TRANCHE_TOKEN"})",
       R"({"kind": "vault-token", "url": "https://v.example", "token": "env:TRANCHE_TOKEN", "namespace": "a\r\nX-Evil: b"})",
       R"({"kind": "oauth", "url": "https://v.example", "token": "env:TRANCHE_TOKEN", "client-secret": "env:TRANCHE_PAGER"})"}) {
    const Call call = w.call("token.revoke", with);
    const auto needs = find_action("token.revoke")->needs(*w.deck, call);
    REQUIRE_FALSE(needs);
    CHECK(needs.error().kind == ErrorKind::invalid);
    CHECK_FALSE(needs.error().hint.empty());
    CHECK_FALSE(w.perform(call));
  }
  CHECK(w.requests().empty());
}

TEST_CASE("http.request signs its body as GitHub's webhooks do") {
  ServiceWorld w;
  w.answer = [](const auto&) { return ServiceWorld::Answer{204, {}, ""}; };
  // The example of docs.github.com, "Validating webhook deliveries".
  w.fake.environ.values["TRANCHE_SIGN"] = "It's a Secret to Everybody";
  must(w.perform(
      "http.request",
      R"({"url": "https://hooks.example/x", "body": "Hello, World!", "sign": {"secret": "env:TRANCHE_SIGN", "header": "X-Hub-Signature-256"}})"));
  CHECK(w.header(0, "X-Hub-Signature-256") ==
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  // What is signed is what is sent: variables filled in, maps as JSON.
  must(w.perform(
      "http.request",
      R"({"url": "https://hooks.example/x", "body": {"text": "$release: $reason"}, "sign": {"secret": "env:TRANCHE_SIGN"}})"));
  CHECK(w.requests()[1].body == R"({"text":"1.2.0: gate crashes failed"})");
  CHECK(w.header(1, "X-Signature-256") ==
        "sha256=" + crypto::to_hex(crypto::hmac_sha256("It's a Secret to Everybody", w.requests()[1].body)));
  CHECK(w.header(1, "Idempotency-Key") == "desktop/1.2.0/0/playbook/1-http.request");
  CHECK(w.header(1, "Content-Type") == "application/json");
}

TEST_CASE("what stands in an address's query is not shown") {
  ServiceWorld w;
  w.answer = [](const auto&) { return ServiceWorld::Answer{200, {}, ""}; };
  const std::string step = R"({"method": "GET", "url": "https://hooks.example/x?token=abc#t"})";
  const Call call = w.call("http.request", step);
  const Outcome outcome = must(w.perform(call));
  CHECK(outcome.text == "GET https://hooks.example/x answered 200");
  CHECK_FALSE(has(must(find_action("http.request")->changes(*w.deck, call)), "abc"));
  CHECK(w.requests()[0].url == "https://hooks.example/x?token=abc#t");
  w.answer = [](const auto&) { return ServiceWorld::Answer{500, {}, ""}; };
  CHECK_FALSE(has(ServiceWorld::all_words(w.perform(call).error()), "abc"));
}

TEST_CASE("a text that is too long is cut between characters") {
  CHECK(cut_text("abc", 3) == "abc");
  CHECK(cut_text("abc", 2) == "ab");
  CHECK(cut_text("a\u00e9b", 2) == "a");
  CHECK(cut_text("a\u00e9b", 3) == "a\u00e9");
  CHECK(cut_text("\u2026", 2).empty());
  for (std::size_t most = 0; most < 12; ++most)
    CHECK(is_valid_utf8(cut_text("\u00e9\u2026\U0001f680x\u00e9", most)));
}

}  // namespace tranche::actions
