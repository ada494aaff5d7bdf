#include "base/window.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"

namespace tranche {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> weekdays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr int most_days = 400;

std::optional<unsigned> weekday_index(std::string_view text) {
  const auto found = std::ranges::find(weekdays, text);
  if (found == weekdays.end()) return std::nullopt;
  return static_cast<unsigned>(found - weekdays.begin());
}

std::optional<int> digits(std::string_view text, std::size_t count) {
  if (text.size() != count) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// "09:30" in minutes; 24:00 is the end of the day.
std::optional<int> time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = digits(text.substr(0, 2), 2), minute = digits(text.substr(3), 2);
  if (!hour || !minute || *minute > 59 || *hour > 24 || (*hour == 24 && *minute != 0)) return std::nullopt;
  return *hour * 60 + *minute;
}

// As in the IANA database: segments of letters, digits, _ + and -; never a path that leads elsewhere.
bool is_zone(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.starts_with('/') || name.ends_with('/')) return false;
  for (const std::string_view segment : split(name, '/'))
    if (segment.empty() || !std::ranges::all_of(segment, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                 c == '+' || c == '-';
        }))
      return false;
  return true;
}

std::optional<sys_days> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto y = digits(text.substr(0, 4), 4), m = digits(text.substr(5, 2), 2),
             d = digits(text.substr(8), 2);
  if (!y || !m || !d) return std::nullopt;
  const year_month_day day{year{*y}, month{static_cast<unsigned>(*m)},
                           std::chrono::day{static_cast<unsigned>(*d)}};
  if (!day.ok()) return std::nullopt;
  return sys_days{day};
}

// Instants whose fields are those of the zone's clocks.
Result<Instant> local_of(const Window& window, Instant at, const ZoneOffset& offset) {
  return at + TRY(offset(window.zone, at));
}
// Where clocks are put back, the first of the two; where they are put forward, the moment of the jump or an
// hour beside it.
Result<Instant> instant_of(const Window& window, Instant local, const ZoneOffset& offset) {
  const Duration before = TRY(offset(window.zone, local - hours(24)));
  const Instant guess = local - before;
  return local - TRY(offset(window.zone, guess));
}

bool is_open(const Window& window, const std::vector<Days>& closed, Instant local) {
  const sys_days today = floor<std::chrono::days>(local);
  for (const Days& frozen : closed)
    if (frozen.first <= today && today <= frozen.last) return false;
  const auto minute = static_cast<int>(duration_cast<minutes>(local - today).count());
  const auto opens_on = [&](sys_days day) {
    return ((window.days >> (weekday{day}.iso_encoding() - 1)) & 1U) != 0;
  };
  if (window.from < window.to) return opens_on(today) && minute >= window.from && minute < window.to;
  return (opens_on(today) && minute >= window.from) ||
         (opens_on(today - std::chrono::days(1)) && minute < window.to);
}

}  // namespace

Result<Window> parse_window(std::string_view text) {
  const auto bad = [&]() {
    return fail_hint(ErrorKind::invalid, "write days, hours and zone: \"Mon-Thu 09:00-16:00 Europe/Berlin\"",
                     "'{}' is not a window", printable(text, 64));
  };
  const auto parts = split(text, ' ');
  if (parts.size() != 3) return bad();
  const auto range = split(parts[0], '-');
  const auto hours = split(parts[1], '-');
  if (range.size() > 2 || hours.size() != 2 || !is_zone(parts[2])) return bad();
  const auto first = weekday_index(range.front()), last = weekday_index(range.back());
  const auto from = time_of_day(hours[0]), to = time_of_day(hours[1]);
  if (!first || !last || !from || !to || *from == 24 * 60 || *from == *to) return bad();
  Window window;
  window.days = 0;
  for (unsigned day = *first;; day = (day + 1) % 7) {
    window.days = static_cast<std::uint8_t>(window.days | (1U << day));
    if (day == *last) break;
  }
  window.from = *from;
  window.to = *to;
  window.zone = parts[2];
  return window;
}

Result<Days> parse_days(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto first = parse_day(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : parse_day(text.substr(dots + 2));
  if (!first || !last)
    return fail_hint(ErrorKind::invalid, "write 2026-12-24, or 2026-12-24..2027-01-02", "'{}' names no days",
                     printable(text, 64));
  if (*last < *first || *last - *first > std::chrono::days(most_days))
    return fail_hint(ErrorKind::invalid,
                     fmt::format("the first day comes first, and at most {} follow", most_days),
                     "'{}' is no range of days", printable(text, 64));
  return Days{*first, *last};
}

Result<Opening> opening(const Window& window, const std::vector<Days>& closed, Instant now,
                        const ZoneOffset& offset) {
  const Instant local = TRY(local_of(window, now, offset));
  Opening found{.open = is_open(window, closed, local), .until = now + std::chrono::days(most_days)};
  const sys_days today = floor<std::chrono::days>(local);
  // It changes at midnight, when it opens or when it closes.
  for (int ahead = 0; ahead <= most_days; ++ahead) {
    std::array<int, 3> marks{0, window.from, window.to};
    std::ranges::sort(marks);
    for (const int mark : marks) {
      const Instant then = TRY(instant_of(window, today + std::chrono::days(ahead) + minutes(mark), offset));
      if (then <= now) continue;
      if (is_open(window, closed, TRY(local_of(window, then, offset))) == found.open) continue;
      found.until = then;
      return found;
    }
  }
  return found;
}

}  // namespace tranche
