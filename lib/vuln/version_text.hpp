// What the version orders share: numbers of any length, and cutting a text into its parts. Private to this
// room.
#pragma once

#include <compare>
#include <cstddef>
#include <string_view>

namespace tranche::vuln::detail {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline bool all_digits(std::string_view text) {
  for (const char c : text)
    if (!is_digit(c)) return false;
  return !text.empty();
}

// Digits of any length as a number; leading zeros count for nothing, no digits are 0.
inline std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  while (!a.empty() && a.front() == '0') a.remove_prefix(1);
  while (!b.empty() && b.front() == '0') b.remove_prefix(1);
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

inline std::strong_ordering compare_bytes(std::string_view a, std::string_view b) {
  return a.compare(b) <=> 0;
}

// Without regard to the case of ASCII letters.
inline std::strong_ordering compare_folded(std::string_view a, std::string_view b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    if (const auto order =
            static_cast<unsigned char>(to_lower(a[i])) <=> static_cast<unsigned char>(to_lower(b[i]));
        order != 0)
      return order;
  return a.size() <=> b.size();
}

// Cuts what `belongs` accepts off the front.
template <class Belongs>
std::string_view take_while(std::string_view& rest, Belongs belongs) {
  std::size_t end = 0;
  while (end < rest.size() && belongs(rest[end])) ++end;
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end);
  return part;
}
inline std::string_view take_digits(std::string_view& rest) { return take_while(rest, is_digit); }

}  // namespace tranche::vuln::detail
