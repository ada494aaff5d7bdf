// tests/support/git_http_server.py as a child of the test: a real `git http-backend` with a token.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace tranche::support {

class GitHttpServer {
 public:
  // Serves the bare repositories below `root`.
  GitHttpServer(const std::string& root, const std::string& token);
  GitHttpServer(const GitHttpServer&) = delete;
  GitHttpServer& operator=(const GitHttpServer&) = delete;
  ~GitHttpServer();
  [[nodiscard]] std::string url(const std::string& repository) const;
  void command(const std::string& line);  // see the script
  void stop();                            // the port refuses connections afterwards

 private:
  std::string read_line();
  pid_t pid_ = 0;
  int to_child_ = -1;
  int from_child_ = -1;
  std::string port_;
};

// A file of tests/support by its path on this machine: found through the build directory, beside the test.
std::string support_file(const std::string& name);

}  // namespace tranche::support
