// Gem::Version: runs of digits and of letters; a word makes it a pre-release, below any number in its place.
// "-" is read as ".pre.". Zeros at the end, and before the first word, count for nothing.
#include <algorithm>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "vuln/version_order.hpp"
#include "vuln/version_text.hpp"

namespace tranche::vuln {
namespace {

using namespace detail;

// [0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?
bool is_version(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return false;
  bool dashed = false, first = true, empty = true;
  for (const char c : text) {
    if (c == '.') {
      if (empty) return false;
      empty = true, first = false;
    } else if (c == '-') {
      if (empty && !dashed) return false;
      empty = !dashed;  // the first one begins a part, later ones belong to it
      dashed = true;
    } else if (is_digit(c) || (is_letter(c) && (!first || dashed))) {
      empty = false;
    } else {
      return false;
    }
  }
  return !empty;
}

void drop_zeros(std::vector<std::string_view>& parts, std::size_t from, std::size_t to) {
  std::size_t end = to;
  while (end > from && all_digits(parts[end - 1]) && compare_numbers(parts[end - 1], "0") == 0) --end;
  parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(end),
              parts.begin() + static_cast<std::ptrdiff_t>(to));
}

std::vector<std::string_view> segments_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    if (is_digit(text.front()))
      out.push_back(take_digits(text));
    else if (is_letter(text.front()))
      out.push_back(take_while(text, is_letter));
    else
      text.remove_prefix(1);
  }
  const auto word = std::ranges::find_if(out, [](std::string_view part) { return is_letter(part.front()); });
  const auto numbers = static_cast<std::size_t>(word - out.begin());
  drop_zeros(out, numbers, out.size());
  drop_zeros(out, 0, numbers);
  return out;
}

}  // namespace

std::optional<std::strong_ordering> compare_rubygems(std::string_view a, std::string_view b) {
  a = trim(a), b = trim(b);
  if (!is_version(a) || !is_version(b)) return std::nullopt;
  const std::string full_a = replace_all(std::string(a), "-", ".pre.");
  const std::string full_b = replace_all(std::string(b), "-", ".pre.");
  const auto x = segments_of(full_a), y = segments_of(full_b);
  for (std::size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
    const std::string_view left = i < x.size() ? x[i] : "0", right = i < y.size() ? y[i] : "0";
    const bool left_word = is_letter(left.front()), right_word = is_letter(right.front());
    if (left_word != right_word) return right_word <=> left_word;
    if (const auto order = left_word ? compare_bytes(left, right) : compare_numbers(left, right); order != 0)
      return order;
  }
  return std::strong_ordering::equal;
}

}  // namespace tranche::vuln
