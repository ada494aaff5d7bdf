#include "base/sparkle_version.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace tranche {

namespace {

enum class Kind { number, word, separator, dash };

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Foundation's punctuation is Unicode's: $ + < = > ^ ` | ~ are symbols, so they count as letters.
Kind kind_of(char c) {
  constexpr std::string_view separators = ".\t\n\v\f\r !\"#%&'()*,/:;?@[\\]_{}";
  if (c == '-') return Kind::dash;
  if (is_digit(c)) return Kind::number;
  return separators.find(c) != std::string_view::npos ? Kind::separator : Kind::word;
}

struct Part {
  Kind kind;
  std::string_view text;
};

// Runs of digits and of letters; every separator for itself; cut before the first dash that is not at the
// start.
std::vector<Part> split_parts(std::string_view version) {
  std::vector<Part> parts;
  for (std::size_t at = 0; at < version.size();) {
    const Kind kind = kind_of(version[at]);
    if (kind == Kind::dash && at > 0) break;
    std::size_t end = at + 1;
    while (kind != Kind::separator && kind != Kind::dash && end < version.size() &&
           kind_of(version[end]) == kind)
      ++end;
    parts.push_back({kind, version.substr(at, end - at)});
    at = end;
  }
  return parts;
}

bool is_numeric(const Part& part) { return part.kind == Kind::number || part.text == "."; }

std::size_t numeric_prefix(const std::vector<Part>& parts) {
  return static_cast<std::size_t>(std::find_if_not(parts.begin(), parts.end(), is_numeric) - parts.begin());
}

// "1.1" beside "1.0.0" becomes "1.1.0".
void balance(std::vector<Part>& shorter, const std::vector<Part>& longer) {
  const std::size_t have = numeric_prefix(shorter), want = numeric_prefix(longer);
  for (std::size_t i = have; i < want; ++i)
    shorter.insert(shorter.begin() + static_cast<std::ptrdiff_t>(i),
                   longer[i].kind == Kind::number ? Part{Kind::number, "0"} : longer[i]);
}

// As longLongValue: what does not fit is the largest.
std::int64_t value_of(std::string_view digits) {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  std::int64_t value = 0;
  for (const char c : digits) {
    const int digit = c - '0';
    if (value > (largest - digit) / 10) return largest;
    value = value * 10 + digit;
  }
  return value;
}

int compare_parts(const Part& a, const Part& b) {
  if (a.kind == b.kind) {
    if (a.kind == Kind::number) {
      const std::int64_t x = value_of(a.text), y = value_of(b.text);
      return x < y ? -1 : x > y ? 1 : 0;
    }
    return a.kind == Kind::word ? a.text.compare(b.text) : 0;
  }
  if (b.kind == Kind::word) return 1;
  if (a.kind == Kind::word) return -1;
  return a.kind == Kind::number ? 1 : -1;
}

}  // namespace

int compare_sparkle_versions(std::string_view a, std::string_view b) {
  std::vector<Part> left = split_parts(a), right = split_parts(b);
  balance(left, right);
  balance(right, left);
  const std::size_t common = std::min(left.size(), right.size());
  for (std::size_t i = 0; i < common; ++i)
    if (const int order = compare_parts(left[i], right[i]); order != 0) return order < 0 ? -1 : 1;
  if (left.size() == right.size()) return 0;
  const bool left_longer = left.size() > right.size();
  const bool word = (left_longer ? left : right)[common].kind == Kind::word;
  return left_longer != word ? 1 : -1;
}

}  // namespace tranche
