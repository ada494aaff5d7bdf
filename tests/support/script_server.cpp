#include "support/script_server.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace tranche::support {

std::string support_file(const std::string& name) {
  const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return (beside / "rooms" / "tests" / "support" / name).string();
}

ScriptServer::ScriptServer(const std::string& script, std::vector<std::string> arguments) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipes");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  arguments.insert(arguments.begin(), {"python3", support_file(script)});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int code = posix_spawnp(&pid_, "python3", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  to_child_ = in[1];
  from_child_ = out[0];
  if (code != 0) throw std::runtime_error("cannot start python3");
  port_ = read_line();
  if (port_.empty()) throw std::runtime_error(script + " did not start");
}

ScriptServer::~ScriptServer() { stop(); }

void ScriptServer::stop() {
  if (to_child_ >= 0) close(to_child_);
  if (from_child_ >= 0) close(from_child_);
  to_child_ = from_child_ = -1;
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string ScriptServer::read_line() {
  std::string line;
  char c = 0;
  while (read(from_child_, &c, 1) == 1 && c != '\n') line.push_back(c);
  return line;
}

std::string ScriptServer::command(const std::string& line) {
  const std::string text = line + "\n";
  if (write(to_child_, text.data(), text.size()) < 0) throw std::runtime_error("the server has gone");
  return read_line();
}

}  // namespace tranche::support
