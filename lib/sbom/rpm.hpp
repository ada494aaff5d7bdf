// .rpm files: the lead, the signature header and the header, which says what the package is. The bytes are
// hostile: counts and offsets are checked before they are used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

inline constexpr std::size_t max_rpm_head_bytes = 64 << 20;

bool is_rpm(std::string_view bytes);
// The package that a .rpm is, from its first bytes (lead and headers; the payload may be missing). kind
// invalid with the offset when it is none, or cut off within the headers. `file` names it in messages.
Result<Component> read_rpm(std::string_view head, const std::string& file);

}  // namespace tranche::sbom
