// When exposure may grow: hours of weekdays in a time zone ("Mon-Thu 09:00-16:00 Europe/Berlin"), less some
// days ("2026-12-24..2027-01-02"). PURE: what the zone's clocks show is asked of the caller.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tranche {

struct Window {
  std::uint8_t days = 0x7F;    // bit 0: Monday; the day on which it opens
  int from = 0, to = 24 * 60;  // minutes of the day; to <= from: it closes on the day after
  std::string zone = "UTC";    // name in the IANA database
  bool operator==(const Window&) const = default;
};
// kind invalid. "Mon-Thu 09:00-16:00 Europe/Berlin", "Sun 00:00-24:00 UTC", "Fri-Mon 22:00-06:00 Asia/Tokyo".
Result<Window> parse_window(std::string_view text);

// Whole days of the zone's calendar, both ends included.
struct Days {
  std::chrono::sys_days first, last;
  bool operator==(const Days&) const = default;
};
// "2026-12-24", "2026-12-24..2027-01-02"; at most 400 days. kind invalid.
Result<Days> parse_days(std::string_view text);

// By how much the zone's clocks are ahead of UTC at an instant; an error: no such zone.
using ZoneOffset = std::function<Result<Duration>(std::string_view zone, Instant at)>;

struct Opening {
  bool open = false;
  Instant until{};  // when that changes; when it does not within 400 days: then
};
Result<Opening> opening(const Window& window, const std::vector<Days>& closed, Instant now,
                        const ZoneOffset& offset);

}  // namespace tranche
