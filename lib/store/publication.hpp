// What every store checks before it writes, and how it says that somebody else was first.
#pragma once

#include "store/store.hpp"

namespace tranche::store {

// Names are good, each file has one content, digests are digests, and no file is the pointer.
Result<> check_publication(const Publication& publication);
Result<> check_prefix(std::string_view prefix);  // "" or a name with '/' at its end
Version version_of(std::string_view bytes);      // SHA-256, hex
// A file whose content does not have the digest that the caller named; kind verification.
Error other_bytes(const File& file, std::string_view sha256);
Error moved(const Pointer& pointer, const std::string& store);  // kind conflict

}  // namespace tranche::store
