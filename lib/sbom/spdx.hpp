// SPDX 2.3 JSON (spdx.github.io/spdx-spec/v2.3). The same catalog and time give the same bytes.
//
// Packages only, no files. What depends on what is a DEPENDS_ON relationship, what is optional or for
// building only an OPTIONAL_DEPENDENCY_OF or DEV_DEPENDENCY_OF. Licences that SPDX has no id for become
// LicenseRefs with their name as text. For a model card, for properties and for some kinds of component the
// format has no member: they are an annotation of the package, written by our_tool, whose comment is JSON in
// CycloneDX's words.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

inline constexpr std::string_view our_tool = "Tool: tranche";

// The namespace is an address under spdx.org/spdxdocs (which need not exist) with a UUID from the SHA-256 of
// the document without it. `created` is cut to whole seconds, as SPDX has it. Ends with a newline.
std::string to_spdx(const Catalog& catalog, Instant created, std::string_view tool_version);

}  // namespace tranche::sbom
