// The digest of a file of any size, and its first bytes, in one pass.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

struct Digested {
  std::string head;
  std::uint64_t size = 0;
  Hash hash;  // SHA-256
};
Result<Digested> digest_file(ports::Files& files, const std::string& path, std::size_t max_head);

}  // namespace tranche::sbom
