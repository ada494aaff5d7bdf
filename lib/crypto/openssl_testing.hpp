// The openssl command line in a directory of its own: the independent reader and writer of this room's tests.
#pragma once

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_directory.hpp"

extern char** environ;

namespace tranche::crypto {

struct Peer {
  support::TempDirectory directory;

  // The exit code of a program; -1 when it did not run. What it prints is dropped.
  int run(std::vector<std::string> argv) const {
    std::vector<char*> pointers;
    for (std::string& word : argv) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
    pid_t child = 0;
    const int failed = posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    if (failed != 0 || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // openssl WORDS, where words that begin with @ are files of the directory.
  int openssl(std::vector<std::string> words) const {
    words.insert(words.begin(), "openssl");
    for (std::string& word : words)
      if (word.starts_with('@')) word = path(word.substr(1));
    return run(std::move(words));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return directory / name; }
  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

}  // namespace tranche::crypto
