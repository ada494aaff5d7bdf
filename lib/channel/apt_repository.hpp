// An APT repository as values: the packages that a release brings, and the texts of one suite that name them.
// PURE. Formats: Debian's RepositoryFormat and deb822(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/debian_package.hpp"
#include "base/deb822.hpp"
#include "base/error.hpp"
#include "base/time.hpp"

namespace tranche::channel::debian {

inline constexpr std::string_view facts_schema = "tranche/apt-facts/v1";
inline constexpr std::string_view sequence_field = "Tranche-Sequence";  // of a Release that tranche wrote
inline constexpr std::string_view release_field =
    "Tranche-Release";  // of a stanza: the release it belongs to

// One .deb of a release.
struct Package {
  std::string file;  // the artifact's name in the manifest
  std::string path;  // its name in the store; empty: where artifacts of the release lie
  std::uint64_t size = 0;
  std::string sha256;               // hex
  artifact::DebianPackage control;  // its stanza without the fields that belong to an index
};

// Facts: {"schema", "packages": [{"name", "path" (optional), "size", "sha256", "control"}]}, RFC 8785 JSON.
// kind invalid.
Result<std::string> to_facts(const std::vector<Package>& packages);
Result<std::vector<Package>> parse_facts(std::string_view json);

// The stanza without Filename, Size, digests, Phased-Update-Percentage and whatever else only an index says.
std::string without_index_fields(const Deb822Stanza& stanza);

// A package in the index of a suite.
struct Listed {
  std::string release;  // version of the release
  Package package;
  std::string filename;       // below the repository's root
  std::optional<int> phased;  // Phased-Update-Percentage
};

struct Suite {
  std::string app, name, component;
  std::uint64_t sequence = 0;
  Instant issued{}, expires{};
  std::vector<std::string> architectures;  // sorted; what is "all" stands in each
  std::vector<Listed> packages;            // any order
};
// The architectures of the packages; "all" only when there is no other.
std::vector<std::string> architectures_of(const std::vector<Listed>& packages);

struct IndexFile {
  std::string name;  // below dists/<suite>: "main/binary-amd64/Packages.gz"
  std::string bytes;
};
// Packages and Packages.gz of each architecture. Stanzas by name, then highest version first.
std::vector<IndexFile> index_files(const Suite& suite);
// "main/binary-amd64/by-hash/SHA256/<digest>" for one of them.
std::string by_hash_name(const IndexFile& index);
std::string release_text(const Suite& suite, const std::vector<IndexFile>& indices);

// What apt reads out of a Phased-Update-Percentage (pkgTagSection::FindI: strtol, cut to 32 bits; a value
// that is not 0..100 counts as 100, which is as if there were none).
int read_percentage(std::string_view value);

// A name for a release that another tool published: the upstream part of a Debian version, "~" written as
// SemVer writes a pre-release; the Debian version itself when that is no SemVer.
std::string release_name(std::string_view debian_version);

}  // namespace tranche::channel::debian
