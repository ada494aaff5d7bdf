// TOML 1.0 to Value (toml.cpp is the only file that sees toml++): Cargo, Poetry, uv and PDM write their
// lockfiles in it.
#pragma once

#include <string>
#include <string_view>

#include "doc/value.hpp"

namespace tranche::doc {

// Tables come sorted by key; dates and times, and numbers that are not finite, come as the text they are
// written as. Refuses what TOML refuses, and what exceeds `limits` or nests more than 32 values or 64 dotted
// names in a line. Errors are kind invalid, with mark and hint. Values carry their place; keys that of their
// value.
Result<Value> parse_toml(std::string_view text, std::string file, const Limits& limits = {});

}  // namespace tranche::doc
