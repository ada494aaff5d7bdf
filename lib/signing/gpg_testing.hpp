// Keys that gpg makes for a test, in a home of the test's own.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "ports/ports.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

namespace tranche::signing::testing {

// False after having said so, when gpg is missing.
inline bool have_gpg(ports::World& world) {
  if (support::have_program(world.process, "gpg")) return true;
  MESSAGE("skipped: gpg is missing (apt-get install gnupg)");
  CHECK(std::getenv("TRANCHE_REQUIRE_PEERS") == nullptr);
  return false;
}

class GpgHome {
 public:
  explicit GpgHome(ports::World& world) : world_(world) {
    REQUIRE(world_.files.write(directory_ / "gpg-agent.conf", "s2k-count 65536\n").has_value());
  }
  GpgHome(const GpgHome&) = delete;
  GpgHome& operator=(const GpgHome&) = delete;
  ~GpgHome() { run("gpgconf", {"--kill", "gpg-agent"}); }

  void generate(const std::string& user, const std::string& algorithm, const std::string& password = "") {
    gpg({"--passphrase", password, "--quick-generate-key", user, algorithm, "sign", "never"});
  }
  std::string secret(const std::string& user, const std::string& password = "") {
    return gpg({"--passphrase", password, "--armor", "--export-secret-keys", user});
  }
  std::string exported(const std::string& user) { return gpg({"--armor", "--export", user}); }
  std::string gpg(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(),
                 {"--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback", "--s2k-count", "65536"});
    return run("gpg", std::move(words), input);
  }

 private:
  std::string run(const std::string& program, std::vector<std::string> words, const std::string& input = "") {
    ports::ProcessRequest request;
    request.argv = {program, "--homedir", directory_.path()};
    request.argv.insert(request.argv.end(), words.begin(), words.end());
    request.input = input;
    const auto result = world_.process.run(request);
    REQUIRE(result.has_value());
    REQUIRE_MESSAGE(result->exit_code == 0, result->err);
    return result->out;
  }
  ports::World& world_;
  support::TempDirectory directory_;
};

}  // namespace tranche::signing::testing
