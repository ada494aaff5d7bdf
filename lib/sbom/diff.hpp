// What changed from one bill of materials to another, of whatever formats.
//
// A component is the same one when its package URL is, but for the version (of the qualifiers only arch, os,
// type and classifier count), or, where it has none, its group and name. A package that is there in several
// versions is compared version by version: what both have is the same, the rest is paired in order of the
// text.
#pragma once

#include <string>
#include <vector>

#include "sbom/sbom.hpp"

namespace tranche::sbom {

enum class ChangeKind {
  added,
  removed,
  version,  // before and after are versions
  license,  // of the same version: before and after are licences, joined by ", "
  digest,   // the same version has other bytes: before and after are "SHA-256:hex"
};
std::string_view to_text(ChangeKind kind);  // "added", "removed", "version", "license", "digest"

struct Change {
  ChangeKind kind = ChangeKind::added;
  std::string name;     // "@scope/name"
  std::string version;  // of the new one; of a removed one, its own
  std::string purl;     // the same; may be empty
  std::string before;
  std::string after;
  bool operator==(const Change&) const = default;
};

// Sorted by kind, then by name and version.
std::vector<Change> compare_catalogs(const Catalog& before, const Catalog& after);

}  // namespace tranche::sbom
