// A server of tests/support written in Python, as a child of the test: it prints its port, takes commands on
// its stdin, one a line, answers each with one line, and ends when its stdin closes.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tranche::support {

class ScriptServer {
 public:
  ScriptServer(const std::string& script, std::vector<std::string> arguments);
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;
  ~ScriptServer();
  [[nodiscard]] const std::string& port() const { return port_; }
  std::string command(const std::string& line);  // its answer
  void stop();                                   // the port refuses connections afterwards

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
