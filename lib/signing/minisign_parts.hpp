// What the readers of minisign's texts share. Not for other rooms.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::signing::minisign_parts {

inline constexpr std::string_view untrusted_prefix = "untrusted comment: ";
inline constexpr std::string_view trusted_prefix = "trusted comment: ";

// Exactly `wanted` lines, the first with its prefix; Tauri's base64 around them is taken off.
Result<std::vector<std::string>> read_lines(std::string_view text, std::string_view what, std::size_t wanted);
// The bytes behind one line of base64: exactly `wanted`.
Result<std::string> read_line_bytes(std::string_view line, std::string_view what, std::size_t wanted);

}  // namespace tranche::signing::minisign_parts
