// Instants and durations. An Instant is wall time in UTC with millisecond resolution; a Duration is
// milliseconds. The grammar of durations is PRODUCT.md's: 500ms 30s 5m 6h 2d, and ranges 6h..24h.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche {

using Duration = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Duration>;

struct DurationRange {
  Duration min{};
  Duration max{};
  bool operator==(const DurationRange&) const = default;
};

Result<Duration> parse_duration(std::string_view text);  // "1h30m" too; refuses signs and zero-length text
Result<DurationRange> parse_duration_range(std::string_view text);  // "6h..24h" or "48h" (min = max)
std::string to_text(Duration duration);  // "1h30m", "250ms", "0s": the shortest exact form
std::string to_text(const DurationRange& range);

Result<Instant> parse_instant(std::string_view rfc3339);  // "2026-11-21T10:45:00[.123]Z" or with an offset
std::string to_text(Instant instant);  // always UTC with Z; milliseconds only when not zero

}  // namespace tranche
