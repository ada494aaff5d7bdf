#include "actions/github.hpp"

#include <map>

#include "actions/story.hpp"
#include "actions/web_testing.hpp"

namespace tranche::actions {
namespace {

using doc::Value;
using testing::has;
using testing::must;
using testing::ServiceWorld;

const std::string issue_step =
    R"({"repo": "acme/notes", "labels": ["rollback"], "assignees": ["ana", "agent[bot]"]})";

// GitHub's issues and deployments, as far as the steps use them.
class FakeGithub {
 public:
  explicit FakeGithub(ServiceWorld& w) : w_(w) {
    w.answer = [this](const ports::HttpRequest& request) { return answer(request); };
  }

  std::vector<Value> issues;  // newest first
  std::vector<Value> deployments;
  std::map<std::int64_t, std::vector<Value>> statuses;  // newest first
  std::string association = "NONE", type = "User", login = "machine";
  std::string we = "machine";   // of GET /user; empty: 403
  bool refuses_wishes = false;  // 422 for issues with labels or assignees
  bool drops_wishes = false;    // takes them, and does not set them
  bool loses_answers = false;   // does what is asked, and the answer is lost
  int fails = 0;                // so many POSTs get 500 first

  static ServiceWorld::Answer say(int status, const Value& value) {
    return {status, {}, doc::to_json(value)};
  }

 private:
  Result<ServiceWorld::Answer> answer(const ports::HttpRequest& request) {
    REQUIRE(request.url.starts_with("https://api.github.com"));
    const std::string target = request.url.substr(std::string_view("https://api.github.com").size());
    const std::string path = target.substr(0, target.find('?'));
    const auto page = target.find("&page=");
    const std::size_t first =
        page == std::string::npos ? 0 : (std::stoul(target.substr(page + 6)) - 1) * github::page_size;
    const auto list = [&](const std::vector<Value>& all) {
      Value out = Value::array();
      for (std::size_t i = first; i < std::min(all.size(), first + github::page_size); ++i) out.push(all[i]);
      return say(200, out);
    };
    if (request.method == "GET") {
      if (path == "/user")
        return we.empty() ? say(403, Value::object({{"message", "Resource not accessible by integration"}}))
                          : say(200, Value::object({{"login", we}}));
      if (path == "/repos/acme/notes/issues") return list(issues);
      if (path == "/repos/acme/notes/deployments") return list(deployments);
      if (path.ends_with("/statuses")) return list(statuses[std::stol(path.substr(path.find("ments/") + 6))]);
    }
    if (request.method == "POST" && fails-- > 0) return say(500, Value::object({{"message", "oops"}}));
    auto done = write(request, path);
    if (loses_answers) return fail(ErrorKind::failed, "'{}' did not answer within 10s", request.url);
    return done;
  }

  ServiceWorld::Answer write(const ports::HttpRequest& request, const std::string& path) {
    Value body = request.body.empty() ? Value::object() : ServiceWorld::json(request.body);
    if (request.method == "POST" && path == "/repos/acme/notes/issues") {
      const bool wishes = body.find("labels") != nullptr || body.find("assignees") != nullptr;
      if (refuses_wishes && wishes) return say(422, Value::object({{"message", "Validation Failed"}}));
      Value labels = Value::array();
      if (const Value* wanted = body.find("labels"); wanted != nullptr && !drops_wishes)
        for (const Value& one : wanted->as_array()) labels.push(Value::object({{"name", one}}));
      Value assignees = Value::array();
      if (const Value* wanted = body.find("assignees"); wanted != nullptr && !drops_wishes)
        for (const Value& one : wanted->as_array()) assignees.push(Value::object({{"login", one}}));
      body.set("labels", labels);
      body.set("assignees", assignees);
      body.set("number", static_cast<std::int64_t>(issues.size()) + 1);
      body.set("html_url", "https://github.example/acme/notes/issues/" + std::to_string(issues.size() + 1));
      body.set("created_at", to_text(w_.fake.clock.now()));
      body.set("author_association", association);
      body.set("user", Value::object({{"login", login}, {"type", type}}));
      issues.insert(issues.begin(), body);
      return say(201, body);
    }
    if (request.method == "POST" && path.ends_with("/assignees")) {
      for (const Value& one : body.find("assignees")->as_array())
        if (one.as_string() == "ana") issues.front().find("assignees")->push(Value::object({{"login", one}}));
      return say(201, issues.front());
    }
    if (request.method == "POST" && path.ends_with("/labels")) {
      for (const Value& one : body.find("labels")->as_array())
        issues.front().find("labels")->push(Value::object({{"name", one}}));
      return say(200, *issues.front().find("labels"));
    }
    if (request.method == "PATCH") {
      issues.front().set("state", *body.find("state"));
      return say(200, issues.front());
    }
    if (request.method == "POST" && path == "/repos/acme/notes/deployments") {
      body.set("id", static_cast<std::int64_t>(deployments.size()) + 1);
      deployments.insert(deployments.begin(), body);
      return say(201, body);
    }
    if (request.method == "POST" && path.ends_with("/statuses")) {
      auto& all = statuses[std::stol(path.substr(path.find("ments/") + 6))];
      all.insert(all.begin(), body);
      return say(201, body);
    }
    return say(404, Value::object({{"message", "Not Found"}}));
  }

  ServiceWorld& w_;
};

}  // namespace

TEST_CASE("an issue is opened once a rollout, with its marker, its labels and its assignees") {
  ServiceWorld w;
  FakeGithub github(w);
  const Outcome first = must(w.perform("github.issue", issue_step));
  CHECK(has(first.text, "issue #1 of acme/notes is open"));
  CHECK_FALSE(has(first.text, "did not"));
  CHECK(must(first.facts.integer("number")) == 1);
  const Outcome second = must(w.perform("github.issue", issue_step));
  CHECK(has(second.text, "issue #1 of acme/notes speaks of it already"));
  REQUIRE(github.issues.size() == 1);
  const Value& issue = github.issues[0];
  CHECK(must(issue.text("title")) == "Release 1.2.0 of notes-agent was taken back");
  const std::string body = must(issue.text("body"));
  CHECK(body.ends_with("\n<!-- tranche:notes-agent/desktop/1.2.0/0 -->\n"));
  CHECK(has(body, "gate crashes failed"));
  CHECK(has(body, "Devices go back to `1.1.0`"));
  CHECK(has(body, "`tranche rollout history desktop`"));
  CHECK(has(body, "Entry 0 of the journal"));
  CHECK(w.secret_header(0, "Authorization") == "Bearer " + w.secret);
  CHECK(w.header(0, "X-GitHub-Api-Version") == "2022-11-28");
}

TEST_CASE("a try whose answer was lost finds the issue that it left") {
  ServiceWorld w;
  FakeGithub github(w);
  github.loses_answers = true;
  CHECK(must(w.ask("github.issue", issue_step)) == Asked::not_done);
  const auto lost = w.perform("github.issue", issue_step);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().kind == ErrorKind::failed);
  github.loses_answers = false;
  CHECK(must(w.ask("github.issue", issue_step)) == Asked::done);
  CHECK(must(must(w.perform("github.issue", issue_step)).facts.integer("number")) == 1);
  CHECK(github.issues.size() == 1);
}

TEST_CASE("a server that fails first is asked again, and one issue is opened") {
  ServiceWorld w;
  FakeGithub github(w);
  github.fails = 1;
  const auto first = w.perform("github.issue", issue_step);
  REQUIRE_FALSE(first);
  CHECK(first.error().kind == ErrorKind::failed);
  CHECK(has(first.error().message, "HTTP 500"));
  must(w.perform("github.issue", issue_step));
  CHECK(github.issues.size() == 1);
}

TEST_CASE("labels and assignees that are refused do not lose the issue, and are said") {
  ServiceWorld w;
  FakeGithub github(w);
  github.refuses_wishes = true;
  const Outcome outcome = must(w.perform("github.issue", issue_step));
  CHECK(github.issues.size() == 1);
  CHECK(has(outcome.text, "is open"));
  CHECK(has(outcome.text, "did not assign it to agent[bot]"));
  CHECK_FALSE(has(outcome.text, "labels"));  // taken one by one
}

TEST_CASE("labels and assignees that are dropped in silence are said") {
  ServiceWorld w;
  FakeGithub github(w);
  github.drops_wishes = true;
  const Outcome outcome = must(w.perform("github.issue", issue_step));
  CHECK(has(outcome.text, "did not take the labels rollback"));
  CHECK(has(outcome.text, "did not assign it to ana, agent[bot]"));
}

TEST_CASE("a marker counts only from those who may write there, from apps, and from us") {
  struct Row {
    const char* association;
    const char* type;
    const char* login;
    const char* we;
    bool counts;
  };
  for (const Row row :
       {Row{"OWNER", "User", "bo", "", true}, Row{"MEMBER", "User", "bo", "", true},
        Row{"COLLABORATOR", "User", "bo", "", true}, Row{"NONE", "Bot", "app[bot]", "", true},
        Row{"NONE", "User", "machine", "machine", true}, Row{"NONE", "User", "mallory", "machine", false},
        Row{"CONTRIBUTOR", "User", "mallory", "", false}}) {
    ServiceWorld w;
    FakeGithub github(w);
    github.association = row.association;
    github.type = row.type;
    github.login = row.login;
    github.we = row.we;
    must(w.perform("github.issue", issue_step));
    CAPTURE(row.association);
    CAPTURE(row.login);
    CHECK(must(w.ask("github.issue", issue_step)) == (row.counts ? Asked::done : Asked::not_done));
  }
}

TEST_CASE("issues of other rollouts, pull requests and quoted markers are not ours") {
  ServiceWorld w;
  FakeGithub github(w);
  github.association = "OWNER";
  must(w.perform("github.issue", issue_step));
  Value issue = github.issues.front();
  const auto with_body = [&](const std::string& body) {
    github.issues = {issue};
    github.issues[0].set("body", body);
    return must(w.ask("github.issue", issue_step));
  };
  const std::string marker = "<!-- tranche:notes-agent/desktop/1.2.0/0 -->";
  CHECK(with_body("text\r\n" + marker + "\r\nmore") == Asked::done);
  CHECK(with_body("<!-- tranche:notes-agent/desktop/1.2.0/01 -->") == Asked::not_done);
  CHECK(with_body("<!-- tranche:other/desktop/1.2.0/0 -->") == Asked::not_done);
  CHECK(with_body("it says " + marker) == Asked::not_done);
  issue.set("pull_request", Value::object());
  CHECK(with_body(marker) == Asked::not_done);
}

TEST_CASE("the issue is found behind hundreds of others, and a search that did not see all says so") {
  ServiceWorld w;
  FakeGithub github(w);
  github.association = "OWNER";
  must(w.perform("github.issue", issue_step));
  Value other = github.issues.front();
  other.set("body", "another");
  const auto bury = [&](std::size_t under) { github.issues.insert(github.issues.begin(), under, other); };
  bury(120);
  CHECK(must(w.ask("github.issue", issue_step)) == Asked::done);
  bury(static_cast<std::size_t>(github::most_pages) * github::page_size);
  w.requests().clear();
  CHECK(must(w.ask("github.issue", issue_step)) == Asked::unknown);
  CHECK(w.requests().size() == github::most_pages);
  // What is older than the rollout cannot be ours: nothing beyond it is read.
  other.set("created_at", "2025-01-01T00:00:00Z");
  bury(1);
  w.requests().clear();
  CHECK(must(w.ask("github.issue", issue_step)) == Asked::not_done);
  CHECK(w.requests().size() == 1);
}

TEST_CASE("undo closes the issue, by its number or by its marker") {
  for (const bool knows : {true, false}) {
    ServiceWorld w;
    FakeGithub github(w);
    github.association = "OWNER";
    Call call = w.call("github.issue", issue_step);
    const Outcome outcome = must(w.perform(call));
    if (knows) call.facts = outcome.facts;
    CHECK(has(must(find_action("github.issue")->undo(*w.deck, call)).text, "#1"));
    CHECK(must(github.issues[0].text("state")) == "closed");
  }
}

TEST_CASE("what a gate or a person wrote cannot format, mention, close or hide anything") {
  ServiceWorld w;
  FakeGithub github(w);
  const std::string hostile =
      "@acme/everyone fixes #7 ``` </details> <!-- tranche:x --> [x](http://e) **b** ![i](u)";
  must(w.perform(w.call("github.issue", R"({"repo": "acme/notes"})", hostile + "\n# Title\n/close")));
  const std::string body = must(github.issues[0].text("body"));
  // Inside a fence that is longer than any in the text, on one line.
  CHECK(has(body, "### Why\n````text\n@acme/everyone fixes #7 ``` </details> < !-- tranche:x"));
  CHECK(has(body, "\\x0a# Title\\x0a/close\n````\n"));
  github.issues.clear();
  must(w.perform(w.call(
      "github.issue",
      R"({"repo": "acme/notes", "title": "T $release: $reason", "body": "**It** failed: $reason\n\nSee $rollout."})",
      hostile)));
  const std::string written = must(github.issues[0].text("body"));
  CHECK(written.starts_with("**It** failed: \\@\u2060acme\\/everyone fixes \\#\u20607 \\`\\`\\`"));
  CHECK_FALSE(has(written, "<!-- tranche:x"));
  CHECK_FALSE(has(written, "<\\!-- "));
  CHECK(has(written, "\n\nSee desktop.\n\n<!-- tranche:notes-agent/desktop/1.2.0/0 -->\n"));
  CHECK(must(github.issues[0].text("title")).starts_with("T 1.2.0: @acme"));
}

TEST_CASE("texts of any length fit into an issue") {
  ServiceWorld w;
  FakeGithub github(w);
  must(w.perform(
      w.call("github.issue", R"({"repo": "acme/notes", "title": "$reason"})", std::string(100'000, 'x'))));
  CHECK(must(github.issues[0].text("title")).size() <= 256);
  CHECK(must(github.issues[0].text("body")).size() < 65'536);
}

TEST_CASE("a repository that has no issues, moved or is none is refused with what to do") {
  for (const auto& [status, word] :
       {std::pair(410, "switched off"), std::pair(301, "leads to"), std::pair(404, "names")}) {
    ServiceWorld w;
    w.answer = [&, status = status](const ports::HttpRequest& request) {
      return ServiceWorld::Answer{request.method == "GET" ? 200 : status, {}, "[]"};
    };
    const auto refused = w.perform("github.issue", R"({"repo": "acme/notes"})");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::denied);
    CHECK(has(refused.error().hint, word));
  }
  for (const char* repo : {"acme", "acme/notes/x", "../x", "acme/..", "a b/c", "acme/no?tes", "/x", ""}) {
    ServiceWorld w;
    const Call call = w.call("github.issue", fmt::format(R"({{"repo": "{}"}})", repo));
    const auto needs = find_action("github.issue")->needs(*w.deck, call);
    REQUIRE_FALSE(needs);
    CHECK(needs.error().kind == ErrorKind::invalid);
    CHECK_FALSE(w.perform(call));
    CHECK(w.requests().empty());
  }
}

TEST_CASE("answers that are no answers are failures, never a done") {
  for (const char* body :
       {"", "{}", "null", "[", "\"ok\"", R"({"number": "7"})", R"({"number": -1})", "<html>"}) {
    ServiceWorld w;
    w.answer = [&](const ports::HttpRequest& request) {
      return ServiceWorld::Answer{
          request.method == "GET" ? 200 : 201, {}, request.method == "GET" ? "[]" : body};
    };
    CAPTURE(body);
    for (const char* uses : {"github.issue", "github.deployment-status"}) {
      const auto outcome = w.perform(uses, R"({"repo": "acme/notes"})");
      REQUIRE_FALSE(outcome);
      CHECK(outcome.error().kind == ErrorKind::failed);
    }
    w.answer = [&](const auto&) { return ServiceWorld::Answer{200, {}, body}; };
    CHECK_FALSE(w.ask("github.issue", R"({"repo": "acme/notes"})"));
  }
}

TEST_CASE("a deployment is made once, and its state said once") {
  ServiceWorld w;
  FakeGithub github(w);
  // Another tool's deployment of the same ref: not ours.
  github.deployments.push_back(Value::object({{"id", 77}, {"payload", "{\"tranche\": \"other\"}"}}));
  const std::string step = R"({"repo": "acme/notes"})";
  CHECK(must(w.ask("github.deployment-status", step)) == Asked::not_done);
  must(w.perform("github.deployment-status", step));
  must(w.perform("github.deployment-status", step));
  CHECK(must(w.ask("github.deployment-status", step)) == Asked::done);
  REQUIRE(github.deployments.size() == 2);
  const Value& made = github.deployments.front();
  CHECK(must(made.text("ref")) == "v1.2.0");
  CHECK(must(made.text("environment")) == "stable");
  CHECK_FALSE(must(made.boolean("auto_merge")));
  CHECK(must(made.array_at("required_contexts"))->as_array().empty());
  REQUIRE(github.statuses[2].size() == 1);
  CHECK(must(github.statuses[2][0].text("state")) == "failure");
  CHECK(must(github.statuses[2][0].text("description")) == "gate crashes failed");
  // Another state of the same deployment is another status; the payload may come back as a text.
  github.deployments.front().set("payload", doc::to_json(*made.find("payload")));
  must(w.perform("github.deployment-status", R"({"repo": "acme/notes", "state": "inactive"})"));
  CHECK(github.deployments.size() == 2);
  CHECK(github.statuses[2].size() == 2);
}

TEST_CASE("a status whose answer was lost is there when it is looked for") {
  ServiceWorld w;
  FakeGithub github(w);
  const std::string step =
      R"({"repo": "acme/notes", "ref": "main", "environment": "prod", "state": "error"})";
  github.loses_answers = true;
  CHECK_FALSE(w.perform("github.deployment-status", step));  // the deployment is made
  CHECK_FALSE(w.perform("github.deployment-status", step));  // its status is posted
  github.loses_answers = false;
  CHECK(must(w.ask("github.deployment-status", step)) == Asked::done);
  must(w.perform("github.deployment-status", step));
  CHECK(github.deployments.size() == 1);
  CHECK(github.statuses[1].size() == 1);
}

}  // namespace tranche::actions
