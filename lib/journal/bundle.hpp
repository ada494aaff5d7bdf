// Entry bundles (c2sp.org/tlog-tiles): up to 256 entries one after another, each behind its length in two
// bytes, big-endian.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::journal {

inline constexpr std::size_t max_bundle_bytes = 256 * (2 + 65'535);

// `entry` is at most 65,535 bytes.
void add_to_bundle(std::string& bundle, std::string_view entry);
// Views into `bundle`, at most 256; nothing may be left over. kind verification.
Result<std::vector<std::string_view>> split_bundle(std::string_view bundle);

}  // namespace tranche::journal
