// NuGet: one to four numbers, leading zeros and missing parts are fine ("1.01" is "1.1.0"), pre-release
// labels without case, build metadata ignored.
#include <array>

#include "base/text.hpp"
#include "vuln/version_order.hpp"
#include "vuln/version_text.hpp"

namespace tranche::vuln {
namespace {

using namespace detail;

struct Version {
  std::array<std::string_view, 4> numbers{"0", "0", "0", "0"};
  std::vector<std::string_view> labels;
};

bool is_label(std::string_view text) {
  for (const char c : text)
    if (!is_digit(c) && !is_letter(c) && c != '-') return false;
  return !text.empty();
}

std::optional<Version> parse(std::string_view text) {
  Version out;
  if (text.starts_with('v') || text.starts_with('V')) text.remove_prefix(1);
  if (const std::size_t plus = text.find('+'); plus != text.npos) {
    for (const std::string_view part : split(text.substr(plus + 1), '.'))
      if (!is_label(part)) return std::nullopt;
    text = text.substr(0, plus);
  }
  if (const std::size_t dash = text.find('-'); dash != text.npos) {
    out.labels = split(text.substr(dash + 1), '.');
    for (const std::string_view part : out.labels)
      if (!is_label(part)) return std::nullopt;
    text = text.substr(0, dash);
  }
  const auto numbers = split(text, '.');
  if (numbers.size() > out.numbers.size()) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!all_digits(numbers[i])) return std::nullopt;
    out.numbers[i] = numbers[i];
  }
  return out;
}

}  // namespace

std::optional<std::strong_ordering> compare_nuget(std::string_view a, std::string_view b) {
  const auto x = parse(a), y = parse(b);
  if (!x || !y) return std::nullopt;
  for (std::size_t i = 0; i < x->numbers.size(); ++i)
    if (const auto order = compare_numbers(x->numbers[i], y->numbers[i]); order != 0) return order;
  if (x->labels.empty() != y->labels.empty()) return x->labels.empty() <=> y->labels.empty();
  for (std::size_t i = 0; i < x->labels.size() && i < y->labels.size(); ++i) {
    const std::string_view left = x->labels[i], right = y->labels[i];
    const bool number = all_digits(left);
    if (number != all_digits(right))
      return number ? std::strong_ordering::less : std::strong_ordering::greater;
    if (const auto order = number ? compare_numbers(left, right) : compare_folded(left, right); order != 0)
      return order;
  }
  return x->labels.size() <=> y->labels.size();
}

}  // namespace tranche::vuln
