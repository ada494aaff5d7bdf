// The part of a store below a prefix, as a store of its own: several logs share a branch, a bucket or a
// directory.
#pragma once

#include <memory>
#include <string>

#include "store/store.hpp"

namespace tranche::store {

// `prefix`: a name, without '/' at its end. kind invalid otherwise.
Result<std::unique_ptr<Store>> below(std::unique_ptr<Store> base, std::string prefix);

}  // namespace tranche::store
