// The lock file of a ref, left by a process that was killed while it wrote the ref.
//
// git and libgit2 write `REF.lock` and rename it over `REF`. Killed in between, the file stays, and git asks
// a person to remove it. Nobody is there when cron runs again, so it is told from a live one by waiting: a
// git holds it for milliseconds, as no hook runs meanwhile (git_local.cpp refuses repositories with such
// hooks).
#pragma once

#include <string>

#include "base/time.hpp"
#include "ports/ports.hpp"
#include "store/git2.hpp"

namespace tranche::store {

// Removes the lock of `ref` when it is the same file for all of `patience`; afterwards the ref can be tried
// again. Call it with tranche's own lock on the repository held.
Result<> clear_stale_lock(ports::Files& files, git_repository* repository, const std::string& ref,
                          Duration patience);

}  // namespace tranche::store
