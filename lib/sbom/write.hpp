// The formats that a catalog is written in, by name.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

inline constexpr std::array<std::string_view, 3> bom_formats{"cyclonedx-1.6", "cyclonedx-1.5", "spdx-2.3"};

// The document, the same bytes for the same catalog, time and tool. kind invalid: no such format.
Result<std::string> write_bom(const Catalog& catalog, std::string_view format, Instant created,
                              std::string_view tool_version);

// What a document of that format is called beside a release: "sbom.cdx.json", "sbom.cdx-1.5.json",
// "sbom.spdx.json"; of a format that is read and not written: "sbom.json".
std::string bom_file_name(std::string_view format);

// RFC 9562 section 5.8: 122 bits of the SHA-256 of `text`, version 8, variant 10. Names a document after what
// it says.
std::string document_uuid(std::string_view text);

}  // namespace tranche::sbom
