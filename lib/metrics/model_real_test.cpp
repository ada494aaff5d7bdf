// The judge by model against @copilotkit/aimock, which speaks both APIs as their makers do. The models behind
// it have the manners that tests/clients/model_mock.mjs gives them.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/text.hpp"
#include "metrics/model.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/git_http_server.hpp"

using namespace tranche;
using namespace tranche::metrics;

namespace {

class ModelMock {
 public:
  ModelMock() {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::string node = "node", script;
    std::error_code none;
    script = std::filesystem::canonical(support::support_file("../clients/model_mock.mjs"), none).string();
    char* argv[] = {node.data(), script.data(), nullptr};
    if (posix_spawnp(&pid_, "node", &actions, nullptr, argv, environ) != 0) pid_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    to_child_ = in[1];
    char c = 0;
    while (read(out[0], &c, 1) == 1 && c != '\n') url.push_back(c);
    close(out[0]);
  }
  ModelMock(const ModelMock&) = delete;
  ModelMock& operator=(const ModelMock&) = delete;
  ~ModelMock() {
    if (to_child_ >= 0) close(to_child_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::string url;  // empty: it did not start

 private:
  pid_t pid_ = 0;
  int to_child_ = -1;
};

constexpr std::string_view calm = "12:00:01 INFO sync done\n12:00:02 INFO sync done\n12:00:03 INFO idle\n";
const std::string bad = std::string(calm) + "12:00:04 ERROR crash in sync\n12:00:05 FATAL process aborted\n";

struct Asked {
  gate::Opinion opinion;
  gate::Verdict verdict;
};

}  // namespace

TEST_CASE("both APIs of a real server: answers, nonsense, refusals, outages, limits") {
  const ModelMock mock;
  if (mock.url.empty()) {
    const char* required = std::getenv("TRANCHE_REQUIRE_PEERS");
    if (required != nullptr && std::string_view(required) == "1")
      FAIL("@copilotkit/aimock is missing (npm ci in tests/clients)");
    fmt::print("skipped: @copilotkit/aimock is missing (npm ci in tests/clients)\n");
    return;
  }
  const auto http = os::make_http();
  const auto ask = [&](spec::Model::Protocol protocol, std::string_view model, const std::string& canary,
                       spec::Model::OnWorse on_worse, Duration timeout) {
    support::FakeWorld fake;  // its clock makes pauses short; the network is real
    ports::World world{fake.clock, *http, fake.files, fake.process, fake.random, fake.environ, fake.console};
    fake.files.bytes["/repo/canary.log"] = canary;
    fake.files.bytes["/repo/control.log"] = calm;
    spec::Gate gate;
    gate.kind = spec::Gate::Kind::model;
    gate.model.protocol = protocol;
    gate.model.url = mock.url + (protocol == spec::Model::Protocol::openai ? "/v1" : "");
    gate.model.model = std::string(model);
    gate.model.canary.file = "$arm.log";
    gate.model.control.file = "$arm.log";
    gate.model.on_worse = on_worse;
    gate.model.timeout = timeout;
    gate::OpinionMemory memory;
    const auto opinion = ask_model(world, "/repo", gate, {"a", "stable", "1.2.0", "1.2.0", "1.1.0", {}},
                                   {Secret("k"), {}, {}}, memory);
    REQUIRE(opinion.has_value());
    return Asked{*opinion, gate::judge(*opinion, opinion_config(gate)).verdict};
  };
  struct Case {
    std::string_view model;
    std::string canary;
    gate::Verdict holds, fails;
    std::string_view problem;  // part of it
  };
  using enum gate::Verdict;
  const std::vector<Case> table{
      {"judge", std::string(calm), pass, pass, ""},
      {"judge", bad, suspect, fail, ""},
      {"fenced", bad, suspect, fail, ""},
      {"thinking", bad, suspect, fail, ""},
      {"limited", bad, suspect, fail, ""},
      {"strict", std::string(calm), pass, pass, ""},
      {"obedient", bad, inconclusive, inconclusive, ""},
      {"obedient", std::string(calm), inconclusive, inconclusive, ""},
      {"alarmist", std::string(calm), suspect, suspect, ""},
      {"unsure", bad, inconclusive, inconclusive, ""},
      {"empty", std::string(calm), inconclusive, inconclusive, "empty"},
      {"garbled", std::string(calm), inconclusive, inconclusive, "one JSON object"},
      {"chatty", std::string(calm), inconclusive, inconclusive, "one JSON object"},
      {"promoter", std::string(calm), inconclusive, inconclusive, "nonce"},
      {"tool", std::string(calm), inconclusive, inconclusive, "tool"},
      {"cut", std::string(calm), inconclusive, inconclusive, "cut"},
      {"huge", std::string(calm), inconclusive, inconclusive, "larger than"},
      {"broken", std::string(calm), inconclusive, inconclusive, "HTTP 500"},
      {"forbidden", std::string(calm), inconclusive, inconclusive, "HTTP 401"},
      {"slow", std::string(calm), inconclusive, inconclusive, "did not answer within"},
  };
  for (const auto protocol : {spec::Model::Protocol::anthropic, spec::Model::Protocol::openai})
    for (const Case& each : table) {
      CAPTURE(static_cast<int>(protocol));
      CAPTURE(each.model);
      const Duration timeout{each.model == "slow" ? 200 : 60'000};
      const Asked holds = ask(protocol, each.model, each.canary, spec::Model::OnWorse::hold, timeout);
      CAPTURE(holds.opinion.problem);
      CHECK(holds.verdict == each.holds);
      CHECK(ask(protocol, each.model, each.canary, spec::Model::OnWorse::fail, timeout).verdict ==
            each.fails);
      CHECK(holds.opinion.problem.empty() == each.problem.empty());
      CHECK(holds.opinion.problem.find(each.problem) != std::string::npos);
    }
  const Asked refused = ask(spec::Model::Protocol::openai, "refusing", bad, spec::Model::OnWorse::fail,
                            std::chrono::minutes(1));
  CHECK(refused.verdict == inconclusive);
  CHECK(refused.opinion.problem.find("refused") != std::string::npos);
}
