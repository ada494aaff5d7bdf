#include <doctest/doctest.h>

#include "attest/predicates.hpp"
#include "attest/provenance.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::attest;

namespace {

const std::string commit(40, 'c');

// git as a work tree of `remote` on main answers; `changes`: what status prints.
void answer_as_git(support::FakeWorld& fake, std::string remote, std::string changes) {
  fake.process.handler = [=](const ports::ProcessRequest& request) -> Result<ports::ProcessResult> {
    const std::string& verb = request.argv.at(1);
    if (verb == "rev-parse") return ports::ProcessResult{.out = commit + "\n"};
    if (verb == "symbolic-ref") return ports::ProcessResult{.out = "refs/heads/main\n"};
    if (verb == "config") return ports::ProcessResult{.out = remote + "\n"};
    if (verb == "status") return ports::ProcessResult{.out = changes};
    return ports::ProcessResult{.exit_code = 1};
  };
}

std::map<std::string, std::string> github() {
  return {{"GITHUB_ACTIONS", "true"},
          {"GITHUB_SERVER_URL", "https://github.com"},
          {"GITHUB_REPOSITORY", "acme/notes"},
          {"GITHUB_REPOSITORY_ID", "11"},
          {"GITHUB_REPOSITORY_OWNER_ID", "22"},
          {"GITHUB_REF", "refs/tags/v1.2.0"},
          {"GITHUB_SHA", commit},
          {"GITHUB_WORKFLOW_REF", "acme/notes/.github/workflows/release.yml@refs/tags/v1.2.0"},
          {"GITHUB_EVENT_NAME", "push"},
          {"GITHUB_RUN_ID", "900"},
          {"GITHUB_RUN_ATTEMPT", "2"},
          {"RUNNER_ENVIRONMENT", "github-hosted"},
          {"GITHUB_TOKEN", "s3cret"},
          {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "s3cret"}};
}

}  // namespace

TEST_CASE("provenance of a GitHub run says workflow, source and run, and no secret") {
  support::FakeWorld fake;
  fake.environ.values = github();
  answer_as_git(fake, "https://x-access-token:s3cret@github.com/acme/notes", "");
  ports::World world = fake.world();
  const auto made = gather_provenance(world, "/repo");
  REQUIRE(made.has_value());
  const doc::Value predicate = to_predicate(*made);
  CHECK(check_predicate(provenance_type, predicate, ErrorKind::invalid).has_value());
  const std::string text = doc::to_json(predicate);
  CHECK(
      text ==
      R"({"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1",)"
      R"("externalParameters":{"workflow":{"ref":"refs/tags/v1.2.0","repository":"https://github.com/acme/notes",)"
      R"("path":".github/workflows/release.yml"}},"internalParameters":{"github":{"event_name":"push",)"
      R"("repository_id":"11","repository_owner_id":"22","runner_environment":"github-hosted"},)"
      R"("workTree":{"dirty":false}},"resolvedDependencies":[{"uri":)"
      R"("git+https://github.com/acme/notes@refs/tags/v1.2.0","digest":{"gitCommit":")" +
          commit +
          R"("}}]},"runDetails":{"builder":{"id":)"
          R"("https://github.com/acme/notes/.github/workflows/release.yml@refs/tags/v1.2.0"},"metadata":)"
          R"({"invocationId":"https://github.com/acme/notes/actions/runs/900/attempts/2"}}})");
  CHECK(text.find("s3cret") == std::string::npos);
}

TEST_CASE("provenance of a GitLab job says project, job and runner") {
  support::FakeWorld fake;
  fake.environ.values = {{"GITLAB_CI", "true"},
                         {"CI_PROJECT_URL", "https://gitlab.example/acme/notes"},
                         {"CI_COMMIT_SHA", commit},
                         {"CI_COMMIT_REF_NAME", "main"},
                         {"CI_JOB_NAME", "build"},
                         {"CI_JOB_ID", "7"},
                         {"CI_JOB_URL", "https://gitlab.example/acme/notes/-/jobs/7"},
                         {"CI_JOB_STARTED_AT", "2026-01-02T03:04:05Z"},
                         {"CI_RUNNER_ID", "13"},
                         {"CI_JOB_TOKEN", "s3cret"}};
  answer_as_git(fake, "https://gitlab-ci-token:s3cret@gitlab.example/acme/notes.git", " M a.c\n");
  ports::World world = fake.world();
  const auto made = gather_provenance(world, "/repo");
  REQUIRE(made.has_value());
  const std::string text = doc::to_json(to_predicate(*made));
  CHECK(made->builder == "https://gitlab.example/acme/notes/-/runners/13");
  CHECK(made->source == "git+https://gitlab.example/acme/notes@refs/heads/main");
  CHECK(text.find(R"("entryPoint":"build")") != std::string::npos);
  CHECK(text.find(R"("dirty":true)") != std::string::npos);
  CHECK(text.find(R"("startedOn":"2026-01-02T03:04:05Z")") != std::string::npos);
  CHECK(text.find("s3cret") == std::string::npos);
}

TEST_CASE("a CI variable that is missing, too long or no commit stops it") {
  for (const auto& [name, value] :
       {std::pair("GITHUB_SHA", std::string("main")), std::pair("GITHUB_SHA", std::string()),
        std::pair("GITHUB_REPOSITORY", std::string()), std::pair("GITHUB_REF", std::string(2000, 'r')),
        std::pair("GITHUB_RUN_ID", std::string("1\n2"))}) {
    support::FakeWorld fake;
    fake.environ.values = github();
    fake.environ.values[name] = value;
    ports::World world = fake.world();
    const auto made = gather_provenance(world, "/repo");
    CAPTURE(name);
    REQUIRE(!made.has_value());
    CHECK(made.error().kind == ErrorKind::invalid);
    CHECK(made.error().message.find(name) != std::string::npos);
  }
}

TEST_CASE("on a machine of one's own the builder says that nobody vouches for it") {
  support::FakeWorld fake;
  answer_as_git(fake, "git@example.org:acme/notes.git", " M a.c\n");
  ports::World world = fake.world();
  const auto made = gather_provenance(world, "/repo");
  REQUIRE(made.has_value());
  CHECK(made->builder == local_builder);
  CHECK(doc::to_json(to_predicate(*made)) ==
        R"({"buildDefinition":{"buildType":"urn:tranche:local-build:v1","externalParameters":{"source":)"
        R"({"repository":"ssh://example.org/acme/notes.git","ref":"refs/heads/main"}},"internalParameters":)"
        R"({"workTree":{"dirty":true}},"resolvedDependencies":[{"uri":)"
        R"("git+ssh://example.org/acme/notes.git@refs/heads/main","digest":{"gitCommit":")" +
            commit + R"("}}]},"runDetails":{"builder":{"id":"urn:tranche:builder:local-unverified"}}})");
}

TEST_CASE("without git there is provenance of less, and it is still whole") {
  support::FakeWorld fake;
  ports::World world = fake.world();
  const auto made = gather_provenance(world, "/repo");
  REQUIRE(made.has_value());
  CHECK(made->commit.empty());
  CHECK(check_predicate(provenance_type, to_predicate(*made), ErrorKind::invalid).has_value());
}

TEST_CASE("a remote is shown without who may read it") {
  for (const auto& [remote, shown] : {
           std::pair("https://github.com/acme/notes.git", "https://github.com/acme/notes.git"),
           std::pair("https://user:pass@host/x/", "https://host/x"),
           std::pair("https://host/x?private_token=abc", "https://host/x"),
           std::pair("https://a@b:c@host:8443/x", "https://host:8443/x"),
           std::pair("git@host:acme/notes.git", "ssh://host/acme/notes.git"),
           std::pair("host:/acme/notes.git", "ssh://host/acme/notes.git"),
           std::pair("ssh://git@host/acme", "ssh://host/acme"),
           std::pair("/home/ana/notes.git", ""),
           std::pair("../notes.git", ""),
           std::pair("file:///home/ana/notes", ""),
           std::pair("https://user:pass@", ""),
           std::pair("", ""),
       }) {
    CAPTURE(remote);
    CHECK(public_remote(remote) == shown);
  }
}
