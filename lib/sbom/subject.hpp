// A bill of materials that was made elsewhere may be of something else: of another build, of last month's
// release.
#pragma once

#include <span>
#include <string>

#include "base/error.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

struct ShippedFile {
  std::string name;    // without directories
  std::string sha256;  // hex, lower case
};

// Refuses a catalog that names a shipped file with another digest: its main component, by the file's name in
// any directory, or a component that is called exactly so. A digest is a SHA-256 hash, or the version
// "sha256:HEX" that scanners of single files write. kind verification with both digests. A catalog that names
// none of the files says nothing about them and is taken.
Result<> check_subject(const Catalog& catalog, std::span<const ShippedFile> files);

}  // namespace tranche::sbom
