// Loose objects of a repository, read by us instead of by libgit2.
//
// libgit2 1.5 never ends on a loose object whose end is missing (libgit2 issue 7342), as a disk that was full
// or lost its power leaves it, and writes past its buffer when one is longer than its header says (issue
// 7177). A repository that holds state is on somebody's disk, so its loose objects are inflated here, within
// bounds; that the bytes have the object's digest is checked by libgit2 as ever.
#pragma once

#include "base/error.hpp"
#include "store/git2.hpp"

namespace tranche::store {

// From now on `repository` reads its loose objects this way. Once a repository.
Result<> read_loose_safely(git_repository* repository);

}  // namespace tranche::store
