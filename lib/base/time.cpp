#include "base/time.hpp"

#include <array>
#include <cstdint>

#include "base/text.hpp"

namespace tranche {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<Unit, 5> units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t longest_ms =
    3'660LL * 86'400'000;  // ten years: nobody bakes longer, sums cannot overflow

bool read_number(std::string_view text, std::size_t at, std::size_t length, int& out) {
  if (at + length > text.size()) return false;
  const auto value = parse_u64(text.substr(at, length));
  if (!value) return false;
  out = static_cast<int>(*value);
  return true;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const std::string_view whole = trim(text);
  const auto bad = [&] {
    return fail_hint(ErrorKind::invalid, "write 30s, 5m, 6h, 2d or 1h30m", "'{}' is not a duration", text);
  };
  std::int64_t total = 0;
  std::size_t at = 0;
  std::int64_t previous_unit = longest_ms + 1;
  if (whole == "0") return Duration{0};
  if (whole.empty()) return bad();
  while (at < whole.size()) {
    std::size_t digits = at;
    while (digits < whole.size() && whole[digits] >= '0' && whole[digits] <= '9') ++digits;
    std::size_t letters = digits;
    while (letters < whole.size() && whole[letters] >= 'a' && whole[letters] <= 'z') ++letters;
    const auto count = parse_u64(whole.substr(at, digits - at));
    const std::string_view name = whole.substr(digits, letters - digits);
    const Unit* unit = nullptr;
    for (const Unit& u : units)
      if (u.name == name) unit = &u;
    if (!count || unit == nullptr || unit->ms >= previous_unit) return bad();
    if (*count > static_cast<std::uint64_t>(longest_ms / unit->ms)) return bad();
    total += static_cast<std::int64_t>(*count) * unit->ms;
    if (total > longest_ms) return bad();
    previous_unit = unit->ms;
    at = letters;
  }
  return Duration{total};
}

Result<DurationRange> parse_duration_range(std::string_view text) {
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) {
    const Duration both = TRY(parse_duration(text));
    return DurationRange{both, both};
  }
  DurationRange range;
  range.min = TRY(parse_duration(text.substr(0, dots)));
  range.max = TRY(parse_duration(text.substr(dots + 2)));
  if (range.max < range.min)
    return fail_hint(ErrorKind::invalid, "write the shorter one first: 6h..24h",
                     "the range '{}' ends before it begins", text);
  return range;
}

std::string to_text(Duration duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string out = rest < 0 ? "-" : "";
  if (rest < 0) rest = -rest;
  for (const Unit& unit : units) {
    if (rest >= unit.ms) {
      out += fmt::format("{}{}", rest / unit.ms, unit.name);
      rest %= unit.ms;
    }
  }
  return out;
}

std::string to_text(const DurationRange& range) {
  return range.min == range.max ? to_text(range.min) : to_text(range.min) + ".." + to_text(range.max);
}

Result<Instant> parse_instant(std::string_view text) {
  const auto bad = [&] {
    return fail_hint(ErrorKind::invalid, "write RFC 3339, for example 2026-11-21T10:45:00Z",
                     "'{}' is not a time", printable(text));
  };
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const bool shape = text.size() >= 20 && text[4] == '-' && text[7] == '-' &&
                     (text[10] == 'T' || text[10] == 't') && text[13] == ':' && text[16] == ':' &&
                     read_number(text, 0, 4, year) && read_number(text, 5, 2, month) &&
                     read_number(text, 8, 2, day) && read_number(text, 11, 2, hour) &&
                     read_number(text, 14, 2, minute) && read_number(text, 17, 2, second);
  if (!shape || hour > 23 || minute > 59 || second > 59) return bad();
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return bad();
  std::size_t at = 19;
  std::int64_t ms = 0;
  if (text[at] == '.') {
    std::size_t digits = 0;
    std::int64_t unit = 100;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      ms += (text[at] - '0') * unit;
      unit /= 10;
    }
    if (digits == 0 || digits > 9) return bad();
  }
  std::int64_t offset_minutes = 0;
  if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    if (at + 1 != text.size()) return bad();
  } else {
    int offset_hour = 0;
    int offset_minute = 0;
    if (at + 6 != text.size() || (text[at] != '+' && text[at] != '-') || text[at + 3] != ':' ||
        !read_number(text, at + 1, 2, offset_hour) || !read_number(text, at + 4, 2, offset_minute) ||
        offset_hour > 23 || offset_minute > 59)
      return bad();
    offset_minutes = (offset_hour * 60 + offset_minute) * (text[at] == '-' ? -1 : 1);
  }
  return Instant{std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{hour} +
                 std::chrono::minutes{minute - offset_minutes} + std::chrono::seconds{second} + Duration{ms}};
}

std::string to_text(Instant instant) {
  const auto days = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date{days};
  const std::int64_t ms = (instant - days).count();
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                ms / 3'600'000, ms / 60'000 % 60, ms / 1'000 % 60);
  if (ms % 1'000 != 0) out += fmt::format(".{:03}", ms % 1'000);
  return out + "Z";
}

}  // namespace tranche
