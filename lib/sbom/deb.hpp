// .deb files: what a package says of itself, and its licences in SPDX's words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/deb822.hpp"
#include "base/error.hpp"
#include "sbom/dpkg.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

// The control file stands before the data: this many bytes of a .deb hold it.
inline constexpr std::size_t max_deb_head_bytes = 16 << 20;

bool is_deb(std::string_view bytes);
struct DebPackage {
  Component component;
  std::vector<std::string> depends;  // names in Pre-Depends and Depends, alternatives too
};
// The package that a .deb is, from its first bytes. kind invalid when it is none, or its control file is not
// in them or names no package. `file` names it in messages.
Result<DebPackage> read_deb(std::string_view head, const std::string& file);

// A package as its stanza in dpkg's status or in a control file describes it. The distribution is what the
// machine is; a .deb does not say for which it was built.
Component debian_component(const Deb822Stanza& stanza, const Distribution& distribution = {});
// "libc6:any (>= 2.36)" → "libc6"
std::string_view relation_name(std::string_view text);

// The licences of a debian/copyright file in the machine-readable form (debian.org/doc/packaging-manuals/
// copyright-format/1.0), as SPDX expressions where Debian's names have one, else as they stand; sorted, each
// once, at most 100. Other forms have none.
std::vector<std::string> read_debian_copyright(std::string_view text);

}  // namespace tranche::sbom
