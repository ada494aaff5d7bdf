#include "base/version.hpp"

#include <cstddef>

namespace tranche {

namespace {

constexpr std::size_t longest_version = 128;
constexpr int most_parts = 4;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_identifier(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}
bool all_digits(std::string_view text) {
  for (const char c : text)
    if (!is_digit(c)) return false;
  return !text.empty();
}
int sign(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

// Without leading zeros the longer number is the larger, so numbers of any length compare.
int compare_numbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return sign(a.compare(b));
}

// Cuts the text before the first `separator` off `rest`; `rest` is empty afterwards when there was none.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return part;
}

bool valid_identifiers(std::string_view text, bool leading_zeros) {
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = text.find('.', start);
    const std::string_view part =
        text.substr(start, end == std::string_view::npos ? std::string_view::npos : end - start);
    if (part.empty()) return false;
    for (const char c : part)
      if (!is_identifier(c)) return false;
    if (!leading_zeros && part.size() > 1 && part.front() == '0' && all_digits(part)) return false;
    if (end == std::string_view::npos) return true;
    start = end + 1;
  }
}

struct Parts {
  bool valid = false;
  std::string_view numbers[most_parts] = {"0", "0", "0", "0"};
  std::string_view prerelease;
};

Parts parse(std::string_view text) {
  Parts out;
  if (text.empty() || text.size() > longest_version) return out;
  if (const std::size_t plus = text.find('+'); plus != std::string_view::npos) {
    if (!valid_identifiers(text.substr(plus + 1), true)) return out;
    text = text.substr(0, plus);
  }
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    out.prerelease = text.substr(dash + 1);
    if (!valid_identifiers(out.prerelease, false)) return out;
    text = text.substr(0, dash);
  }
  std::size_t start = 0;
  for (int i = 0; i < most_parts; ++i) {
    std::size_t end = start;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end == start || (end - start > 1 && text[start] == '0')) return out;
    out.numbers[i] = text.substr(start, end - start);
    if (end == text.size()) {
      out.valid = true;
      return out;
    }
    if (text[end] != '.') return out;
    start = end + 1;
  }
  return out;
}

// Numeric identifiers are below others, a shorter list of equal ones is below the longer.
int compare_prereleases(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.empty() ? (b.empty() ? 0 : 1) : -1;
  while (!a.empty() && !b.empty()) {
    const std::string_view x = take(a, '.'), y = take(b, '.');
    const bool x_number = all_digits(x), y_number = all_digits(y);
    if (x_number != y_number) return x_number ? -1 : 1;
    const int order = x_number ? compare_numbers(x, y) : sign(x.compare(y));
    if (order != 0) return order;
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

}  // namespace

bool valid_version(std::string_view text) { return parse(text).valid; }

int compare_versions(std::string_view a, std::string_view b) {
  const Parts x = parse(a), y = parse(b);
  if (!x.valid || !y.valid) {
    if (x.valid != y.valid) return x.valid ? 1 : -1;
    return sign(a.compare(b));
  }
  for (int i = 0; i < most_parts; ++i)
    if (const int order = compare_numbers(x.numbers[i], y.numbers[i]); order != 0) return order;
  return compare_prereleases(x.prerelease, y.prerelease);
}

}  // namespace tranche
