#include "base/release_date.hpp"

#include <algorithm>
#include <array>

#include "base/deb822.hpp"
#include "base/text.hpp"

namespace tranche {
namespace {

constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string to_release_date(Instant when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(when - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} UTC", days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

std::optional<Instant> parse_release_date(std::string_view text) {
  // "[Sat, ]21 Nov 2026 17:32:04 UTC"; apt takes GMT, Z and +0000 for UTC too, and no other zone.
  auto words = value_words(text);
  if (!words.empty() && words.front().ends_with(',')) words.erase(words.begin());
  if (words.size() != 5) return std::nullopt;
  const auto day = parse_u64(words[0]), year = parse_u64(words[2]);
  const auto month = std::ranges::find(months, words[1]);
  const auto clock = split(words[3], ':');
  if (!day || !year || *day > 31 || *year > 9999 || month == months.end() || clock.size() != 3)
    return std::nullopt;
  const std::array<std::string_view, 4> zones{"UTC", "GMT", "Z", "+0000"};
  if (std::ranges::find(zones, words[4]) == zones.end()) return std::nullopt;
  std::array<std::uint64_t, 3> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = parse_u64(clock[i]);
    if (!part || *part > (i == 0 ? 23U : 60U)) return std::nullopt;
    parts[i] = *part;
  }
  const std::chrono::year_month_day date(
      std::chrono::year(static_cast<int>(*year)),
      std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return Instant(std::chrono::sys_days(date)) +
         std::chrono::seconds(parts[0] * 3600 + parts[1] * 60 + parts[2]);
}

}  // namespace tranche
