// A server of somebody else for the time of a test: started by its command line, asked until it answers,
// killed by its pid.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "ports/ports.hpp"

namespace tranche::support {

class RealServer {
 public:
  // `argv[0]` is looked up in PATH; what it says goes to `log`.
  RealServer(std::vector<std::string> argv, const std::string& log) {
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    const int code = posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    REQUIRE(code == 0);
  }
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;
  ~RealServer() { stop(); }

  // Waits until `url` answers with a status below 300, a minute at most.
  bool ready(ports::Http& http, const std::string& url) {
    ports::HttpRequest request;
    request.url = url;
    for (int i = 0; i < 600; ++i) {
      if (const auto response = http.send(request); response && response->status < 300) return true;
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = 0;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));  // an event of another process
    }
    return false;
  }
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

// The program answers --version or -version.
inline bool have_program(ports::Process& process, const std::string& program,
                         const std::string& flag = "--version") {
  ports::ProcessRequest request;
  request.argv = {program, flag};
  const auto result = process.run(request);
  return result && result->exit_code == 0;
}

}  // namespace tranche::support
