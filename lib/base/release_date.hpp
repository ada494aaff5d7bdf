// "Sat, 21 Nov 2026 17:32:04 UTC": the dates in an APT repository's Release (RFC 1123's, in UTC).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace tranche {

std::string to_release_date(Instant when);
std::optional<Instant> parse_release_date(std::string_view text);  // nullopt when it is none

}  // namespace tranche
