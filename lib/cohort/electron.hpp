// electron-updater's dice, read once and thrown for many ids. PURE. clients.hpp has the same for one id.
#pragma once

#include <optional>
#include <string_view>

namespace tranche::cohort {

// ECMAScript's parseInt(text, 10): blanks, a sign, decimal digits, anything after. nullopt: NaN. What does
// not fit a double is infinite.
std::optional<double> parse_int(std::string_view text);

class ElectronDice {
 public:
  // The text of stagingPercentage as JavaScript's String() gives it; nullopt: absent or null.
  explicit ElectronDice(std::optional<std::string_view> staging_percentage);
  // No UUID: only a feed for everyone. (The client replaces such an id by a new one of its own.)
  [[nodiscard]] bool admits(std::string_view user_id) const;
  // Of the 2^32 draws, 0..1: below 1 at 100, which leaves the draw ffffffff out.
  [[nodiscard]] double share() const;
  // No draw is made: the field is absent, or no number.
  [[nodiscard]] bool everyone() const { return everyone_; }

 private:
  bool everyone_ = false;
  double share_ = 0;  // the percentage / 100, in the client's arithmetic
};

}  // namespace tranche::cohort
