// Percent: a share of devices, exact. The unit is parts per million, because FEED.md defines membership as
// bucket < floor(p * 2^64 / 10^6) and floating point would let two runners disagree at the edge.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche {

struct Percent {
  std::uint32_t ppm = 0;  // 0 .. 1'000'000

  static constexpr std::uint32_t whole = 1'000'000;
  [[nodiscard]] constexpr bool everyone() const { return ppm == whole; }
  [[nodiscard]] double fraction() const { return static_cast<double>(ppm) / whole; }
  auto operator<=>(const Percent&) const = default;
};

// "5", "5%", "0.5%" (at most four decimals); refuses signs, spaces inside, NaN, more than 100.
Result<Percent> parse_percent(std::string_view text);
// "5%", "0.5%": the shortest exact form.
std::string to_text(Percent percent);

}  // namespace tranche
