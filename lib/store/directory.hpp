// What the stores that are directories share.
#pragma once

#include "store/store.hpp"

namespace tranche::store {

inline constexpr std::string_view directory_lock = ".tranche-lock";
inline constexpr auto directory_lock_wait =
    std::chrono::seconds(30);  // a publish of large artifacts copies for seconds

// Without slashes at its end; "." for none.
std::string directory_name(std::string directory);
// As open_directory(), for a caller who holds the lock at `directory_lock` himself while he writes.
std::unique_ptr<Store> open_locked_directory(ports::Files& files, std::string directory);

}  // namespace tranche::store
