// A TCP stream with a deadline for libgit2.
//
// libgit2 1.5 has no time limits of its own: a server that accepts and then says nothing holds the process
// for ever. It lets the socket be replaced, though, and lays its TLS over ours.
#pragma once

#include <chrono>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tranche::store {

Result<> register_git_stream();  // once, while libgit2 is opened

// While one lives, connections of this thread end at its time. They fail at once where none lives.
class GitDeadline {
 public:
  explicit GitDeadline(Duration from_now);
  GitDeadline(const GitDeadline&) = delete;
  GitDeadline& operator=(const GitDeadline&) = delete;
  ~GitDeadline();
  [[nodiscard]] bool passed() const;

 private:
  std::chrono::steady_clock::time_point before_;
};

}  // namespace tranche::store
