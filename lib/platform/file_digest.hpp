// A file read once, in constant memory.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::platform {

struct FileDigest {
  std::uint64_t size = 0;
  std::string sha256;  // hex
};
Result<FileDigest> digest_of(ports::Files& files, const std::string& path);

}  // namespace tranche::platform
