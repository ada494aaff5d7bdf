// The dpkg database: which installed package owns a file, and what version it has.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::sbom {

struct DebianPackage {
  std::string name;
  std::string architecture;
  std::string version;
  std::string source;  // "openssl" or "gcc-12 (12.2.0-14)", as dpkg has it; empty: its own name and version
  auto operator<=>(const DebianPackage&) const = default;
};

// ID and VERSION_ID of os-release: {"debian", "12"}; empty when there is none.
struct Distribution {
  std::string id;
  std::string version;
};
Result<Distribution> read_distribution(ports::Files& files, const std::string& root);

// path → the package that owns it, for those of `paths` that one does. Paths are absolute inside `root`; /lib
// and /usr/lib count as the same (Debian's merged /usr). One pass over the lists, at most 20,000 of 16 MiB
// each.
Result<std::map<std::string, DebianPackage>> find_owners(ports::Files& files, const std::string& root,
                                                         const std::set<std::string>& paths);

}  // namespace tranche::sbom
