// What the user's git configuration says about a remote.
#pragma once

#include <string>

#include "base/error.hpp"

namespace tranche::store {

// The address behind a remote's name in the checkout at `repository`, as `git remote get-url` says it: with
// insteadOf rules applied, and a relative path resolved against the working tree. kind invalid when there is
// none. A separate push address is not used: state is written where it is read.
Result<std::string> look_up_remote(const std::string& repository, const std::string& name);

}  // namespace tranche::store
