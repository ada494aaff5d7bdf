// The actions on services over real HTTP, against services that judge what they are sent: GitHub's requests
// by GitHub's own description of its API, the others' by schemas (tests/clients/notify_services.mjs).
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/web_testing.hpp"
#include "os/world.hpp"
#include "support/npm_peer.hpp"

namespace tranche::actions {
namespace {

using doc::Value;
using testing::has;
using testing::must;
using testing::ServiceWorld;

// The script as a child: takes a line, answers with a line.
class StrictServices {
 public:
  explicit StrictServices(std::string script) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::string node = "node";
    char* argv[] = {node.data(), script.data(), nullptr};
    if (posix_spawnp(&pid_, "node", &actions, nullptr, argv, environ) != 0) pid_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    to_child_ = in[1];
    from_child_ = out[0];
    base = line();
  }
  StrictServices(const StrictServices&) = delete;
  StrictServices& operator=(const StrictServices&) = delete;
  ~StrictServices() {
    close(to_child_);
    close(from_child_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  // From here on they behave like this; answers with what they have seen until now.
  Value behave(const std::string& manners) {
    const std::string text = manners + "\n";
    REQUIRE(write(to_child_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return must(doc::parse_json(line()));
  }
  std::string base;  // empty: they did not start

 private:
  std::string line() {
    std::string out;
    char c = 0;
    while (read(from_child_, &c, 1) == 1 && c != '\n') out.push_back(c);
    return out;
  }
  pid_t pid_ = 0;
  int to_child_ = -1, from_child_ = -1;
};

struct RealScene {
  std::unique_ptr<ports::Http> http = os::make_http();
  ServiceWorld w{http.get()};
  std::string base;

  explicit RealScene(const std::string& address) : base(address) {
    // As notify_services.mjs has them.
    for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
             {"GITHUB_TOKEN", "ghs_FIRSTSECRETFIRSTSECRET"},
             {"GITLAB_TOKEN", "glpat-SECONDSECRET"},
             {"LAUNCHDARKLY_TOKEN", "api-THIRD/SECRET"},
             {"PAGER", "R0FOURTHSECRETFOURTHSECRET000000"},
             {"OAUTH", "FIFTH+SECRET/="},
             {"OAUTH_CLIENT", "SIXTH:SECRET"},
             {"VAULT", "hvs.SEVENTHSECRET"},
             {"SIGN", "EIGHTHSECRET"},
             {"HEADER", "NINTHSECRET"},
             {"SLACK", base + "/slack/services/T0/B0/TENTHSECRET"}})
      w.fake.environ.values["TRANCHE_" + name] = value;
  }
  // `with` may hold BASE. Tried until it is done, as a playbook would, at most so often; answers how often.
  int until_done(const std::string& uses, const std::string& with, int most = 4) {
    Call call = w.call(uses, replace_all(with, "BASE", base));
    call.deadline = Instant{};
    for (int tries = 1; tries <= most; ++tries) {
      const auto outcome = w.perform(call);
      if (outcome && !outcome->not_before) return tries;
      if (outcome) {
        call.facts = outcome->facts;
        w.fake.clock.set(*outcome->not_before);
      } else {
        INFO(outcome.error().message);
        REQUIRE(outcome.error().kind == ErrorKind::failed);
      }
    }
    FAIL(uses << " is never done");
    return 0;
  }
};

const std::vector<std::pair<std::string, std::string>>& strict_steps() {
  static const std::vector<std::pair<std::string, std::string>> steps{
      {"launchdarkly.set",
       R"({"project": "notes", "environment": "production", "flag": "agent", "value": false, "api": "BASE/ld"})"},
      {"github.issue",
       R"({"repo": "acme/notes", "api": "BASE/github", "labels": ["rollback"], "assignees": ["nobody", "agent"]})"},
      {"github.deployment-status", R"({"repo": "acme/notes", "api": "BASE/github"})"},
      {"gitlab.issue",
       R"({"project": "acme/notes", "api": "BASE/gitlab", "labels": ["rollback"], "assignees": ["ana", "bo"]})"},
      {"pagerduty.trigger",
       R"({"routing-key": "env:TRANCHE_PAGER", "api": "BASE/pagerduty", "details": {"runbook": "$release"}})"},
      {"slack.post", R"({"webhook": "env:TRANCHE_SLACK"})"},
      {"http.request",
       R"({"url": "BASE/hook", "headers": {"X-Key": "env:TRANCHE_HEADER"}, "body": {"text": "$reason"}, "sign": {"secret": "env:TRANCHE_SIGN", "header": "X-Hub-Signature-256"}})"},
      {"token.revoke",
       R"({"kind": "oauth", "url": "BASE/oauth/revoke", "token": "env:TRANCHE_OAUTH", "client-id": "tranche", "client-secret": "env:TRANCHE_OAUTH_CLIENT"})"},
      {"token.revoke",
       R"({"kind": "vault-lease", "url": "BASE/vault", "token": "env:TRANCHE_VAULT", "lease": "aws/creds/notes/1"})"},
      {"token.revoke", R"({"kind": "vault-token", "url": "BASE/vault", "token": "env:TRANCHE_VAULT"})"},
      {"pagerduty.resolve", R"({"routing-key": "env:TRANCHE_PAGER", "api": "BASE/pagerduty"})"},
      {"token.revoke",
       R"({"kind": "github-installation", "url": "BASE/github", "token": "env:TRANCHE_GITHUB_TOKEN"})"}};
  return steps;
}

std::size_t size_of(const Value& seen, std::string_view list) {
  return must(seen.array_at(list))->as_array().size();
}

}  // namespace

TEST_CASE(
    "services that judge what they are sent find nothing wrong, and have each thing once, whatever they do") {
  if (!support::find_client_file("node_modules/openapi-backend"))
    return support::skip_peer("openapi-backend", "npm ci in tests/clients");
  StrictServices services(*support::find_client_file("notify_services.mjs"));
  if (services.base.empty())
    return support::skip_peer("node >= 20", "apt-get install nodejs, or a newer one");
  // Manners, and how many steps need another try because of them.
  const std::vector<std::pair<std::string, int>> scenes{
      {R"({})", 0},
      {R"({"assignees": true})", 0},
      {R"({"drop": "/acme/notes/issues"})", 1},
      {R"({"drop": "/deployments"})", 1},
      {R"({"drop": "/statuses"})", 1},
      {R"({"drop": "acme%2Fnotes/issues"})", 1},
      {R"({"drop": "/enqueue"})", 1},
      {R"({"drop": "/flags/notes/agent"})", 1},
      {R"({"drop": "/revoke"})", 1},
      {R"({"drop": "/revoke-self"})", 1},
      {R"({"say": [500, {"message": "oops"}], "to": "/acme/notes/issues"})", 1},
      {R"({"say": [403, {"message": "slow down"}, {"retry-after": "2"}], "to": "/acme/notes/issues"})", 1},
      {R"({"say": [429, "", {"retry-after": "1"}], "to": "/enqueue"})", 1}};
  for (const auto& [manners, more] : scenes) {
    CAPTURE(manners);
    Value line = must(doc::parse_json(manners));
    services.behave(R"({"anew": true})");
    services.behave(manners);
    RealScene scene(services.base);
    int tries = 0;
    for (const auto& [uses, with] : strict_steps()) {
      tries += scene.until_done(uses, with);
      const Call call = scene.w.call(uses, replace_all(with, "BASE", scene.base));
      const Asked asked = must(find_action(uses)->ask(*scene.w.deck, call));
      const bool can_tell =
          uses.starts_with("github.") || uses == "gitlab.issue" || uses == "launchdarkly.set";
      if (can_tell) CHECK(asked == Asked::done);
    }
    CHECK(tries == static_cast<int>(strict_steps().size()) + more);
    const Value seen = services.behave("{}");
    CHECK(doc::to_json(*must(seen.array_at("wrong"))) == "[]");
    for (const char* list : {"issues", "gitlab", "deployments", "statuses", "messages", "hooks"}) {
      CAPTURE(list);
      CHECK(size_of(seen, list) == 1);
    }
    CHECK(doc::to_json(*must(seen.object_at("incidents"))) ==
          R"({"tranche/notes-agent/desktop/1.2.0/0":"closed"})");
    CHECK_FALSE(must(seen.boolean("flag")));
    CHECK(size_of(seen, "revoked") >= 4);
  }
}

}  // namespace tranche::actions
