#include "base/percent.hpp"

#include "base/text.hpp"

namespace tranche {

Result<Percent> parse_percent(std::string_view text) {
  std::string_view digits = trim(text);
  if (digits.ends_with('%')) digits = trim(digits.substr(0, digits.size() - 1));
  const auto bad = [&] {
    return fail_hint(ErrorKind::invalid, "write 5, 5% or 0.5%; 0 to 100, at most four decimals",
                     "'{}' is not a percentage", text);
  };
  const auto dot = digits.find('.');
  const std::string_view whole = digits.substr(0, dot);
  const std::string_view decimals = dot == std::string_view::npos ? "" : digits.substr(dot + 1);
  if (whole.empty() || whole.size() > 3 || decimals.size() > 4) return bad();
  if (dot != std::string_view::npos && decimals.empty()) return bad();
  std::uint32_t ppm = 0;
  for (char c : whole) {
    if (c < '0' || c > '9') return bad();
    ppm = ppm * 10 + static_cast<std::uint32_t>(c - '0');
  }
  ppm *= 10'000;
  std::uint32_t unit = 1'000;
  for (char c : decimals) {
    if (c < '0' || c > '9') return bad();
    ppm += static_cast<std::uint32_t>(c - '0') * unit;
    unit /= 10;
  }
  if (ppm > Percent::whole)
    return fail_hint(ErrorKind::invalid, "a stage reaches at most 100% of the devices",
                     "{} is more than 100%", text);
  return Percent{ppm};
}

std::string to_text(Percent percent) {
  std::string out = std::to_string(percent.ppm / 10'000);
  if (const std::uint32_t rest = percent.ppm % 10'000; rest != 0) {
    std::string decimals = fmt::format("{:04}", rest);
    while (decimals.ends_with('0')) decimals.pop_back();
    out += "." + decimals;
  }
  return out + "%";
}

}  // namespace tranche
