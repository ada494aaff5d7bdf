// Small text helpers that the standard library of GCC 12 lacks. Bytes are std::string / std::string_view
// throughout.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranche {

std::string_view trim(std::string_view text);  // ASCII blanks and newlines at both ends
std::vector<std::string_view> split(std::string_view text, char separator);  // keeps empty parts
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string replace_all(std::string text, std::string_view from,
                        std::string_view to);  // from must not be empty
std::string lower(std::string_view text);      // ASCII only

// Whole text is a decimal number in range, no sign, no blanks, no leading '+'.
std::optional<std::uint64_t> parse_u64(std::string_view text);

// The candidate nearest to `word` by edit distance, when it is near enough to be a likely typo (distance <=
// 1/3 of the word, at least 1); empty when none is. For did-you-mean hints.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

// Shell-style glob over a path or name: * (not '/'), ? (not '/'), [a-z]; ** crosses '/'. Linear, no
// backtracking blow-up.
bool glob_match(std::string_view pattern, std::string_view text);

// For messages: control characters and invalid UTF-8 bytes become \xNN, long text is cut at `limit` bytes
// with "…".
std::string printable(std::string_view text, std::size_t limit = 200);

bool is_valid_utf8(std::string_view text);

}  // namespace tranche
