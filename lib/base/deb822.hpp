// Debian's control files: stanzas of "Name: value" with continuation lines, parted by blank lines
// (deb822(5)). A package's control file is one stanza, an index of packages many, a repository's Release one.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche {

struct Deb822Field {
  std::string_view name;
  std::string_view
      value;  // without blanks at both ends; continuation lines stay as they are, newlines included
};

// Views into the text that was read.
struct Deb822Stanza {
  std::vector<Deb822Field> fields;  // in the order of the text
  std::string_view text;            // all its lines, the last newline left out
  // Field names know no case. nullopt: there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

struct Deb822Limits {
  std::size_t max_stanzas = 200'000;
  std::size_t max_fields = 256;  // of one stanza
  std::size_t max_stanza_bytes = 8 << 20;
};

// kind invalid, with the line: one that is neither a field nor a continuation, a field that stands twice, a
// NUL byte, more than the limits. A text without stanzas is an empty list.
Result<std::vector<Deb822Stanza>> parse_deb822(std::string_view text, const Deb822Limits& limits = {});

// The lines of a value, each without blanks at both ends, empty ones left out: "SHA256:\n a\n b" is {"a",
// "b"}.
std::vector<std::string_view> value_lines(std::string_view value);
// The words of a value, parted by blanks and newlines.
std::vector<std::string_view> value_words(std::string_view value);

}  // namespace tranche
