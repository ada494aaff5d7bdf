// Regular expressions as Go's regexp writes them, as far as names and short texts need: literals, . [a-z]
// [^a]
// \d \w \s \. groups | * + ? {2,5} ^ $. Matched in time linear in the text (Thompson's simulation), because
// patterns and texts are hostile. Bytes, not characters. Refused: flags, \b, \p, back references, classes of
// characters beyond ASCII.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::gate {

class Pattern {
 public:
  // Errors: kind invalid, with what is wrong and a hint. At most 1000 bytes and 4000 states.
  static Result<Pattern> compile(std::string_view text);
  // Somewhere in `text`, as Go's regexp.MatchString: unanchored.
  [[nodiscard]] bool matches(std::string_view text) const;
  // States: a match takes at most size() steps a byte.
  [[nodiscard]] std::size_t size() const { return states_.size(); }

 private:
  friend class PatternParser;
  enum class Kind : std::uint8_t { bytes, split, jump, begin, end, match };
  struct State {
    Kind kind = Kind::match;
    std::uint32_t to = 0, other = 0;  // split: both; jump: to
    std::bitset<256> bytes;
  };
  std::vector<State> states_;
};

}  // namespace tranche::gate
