// What every store checks before it writes, and how it says that somebody else was first.
#pragma once

#include "store/store.hpp"

namespace tranche::store {

// Names are good, each file has bytes or a path and not both, and no file is the pointer.
Result<> check_publication(const Publication& publication);
Result<> check_prefix(std::string_view prefix);                 // "" or a name with '/' at its end
Version version_of(std::string_view bytes);                     // SHA-256, hex
Error moved(const Pointer& pointer, const std::string& store);  // kind conflict

}  // namespace tranche::store
