// CycloneDX 1.5 and 1.6 JSON (cyclonedx.org/docs/1.6/json). The same catalog and time give the same bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

// `spec_version`: "1.5" or "1.6". `created`: SOURCE_DATE_EPOCH, or the time of the release. The serial number
// is a UUID (version 8) from the SHA-256 of the document without it. Ends with a newline.
std::string to_cyclonedx(const Catalog& catalog, Instant created, std::string_view tool_version,
                         std::string_view spec_version = "1.6");

// One entry of "components".
doc::Value to_cyclonedx_component(const Component& component);

}  // namespace tranche::sbom
