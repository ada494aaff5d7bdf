// Composer's versions: one to four numbers, then a stability with an optional number ("1.0-beta2", "1.0RC1",
// "1.0-p1"), then "-dev". Branches ("dev-main", "1.x-dev") have no order.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "vuln/version_order.hpp"
#include "vuln/version_text.hpp"

namespace tranche::vuln {
namespace {

using namespace detail;

constexpr int stable = 3;

struct Version {
  std::array<std::string_view, 4> numbers{"0", "0", "0", "0"};
  int stability = stable;                 // 0 alpha, 1 beta, 2 RC, 3 stable, 4 patch
  std::vector<std::string_view> counter;  // of the stability: "beta2.1" has two
  bool dev = false;
};

struct Word {
  std::string_view text;
  int stability;
};
constexpr std::array<Word, 9> words{{{"stable", 3},
                                     {"alpha", 0},
                                     {"beta", 1},
                                     {"patch", 4},
                                     {"rc", 2},
                                     {"pl", 4},
                                     {"a", 0},
                                     {"b", 1},
                                     {"p", 4}}};

// `text` is in lower case.
std::optional<Version> parse(std::string_view text) {
  Version out;
  if (const std::size_t plus = text.find('+'); plus != text.npos) text = text.substr(0, plus);
  if (text.starts_with('v')) text.remove_prefix(1);
  for (std::size_t i = 0; i < out.numbers.size(); ++i) {
    std::string_view rest = text;
    if (i > 0) {
      if (!rest.starts_with('.')) break;
      rest.remove_prefix(1);
    }
    const std::string_view number = take_digits(rest);
    if (number.empty()) {
      if (i == 0) return std::nullopt;
      break;
    }
    out.numbers[i] = number;
    text = rest;
  }
  const auto is_separator = [](char c) { return c == '.' || c == '-' || c == '_'; };
  const auto skip_separator = [&](std::string_view rest) {
    if (!rest.empty() && is_separator(rest.front())) rest.remove_prefix(1);
    return rest;
  };
  std::string_view rest = skip_separator(text);
  const auto word = std::ranges::find_if(words, [&](const Word& w) { return rest.starts_with(w.text); });
  if (word != words.end()) {
    rest.remove_prefix(word->text.size());
    out.stability = word->stability;
    while (true) {
      std::string_view after =
          !rest.empty() && (rest.front() == '.' || rest.front() == '-') ? rest.substr(1) : rest;
      const std::string_view number = take_digits(after);
      if (number.empty()) break;
      out.counter.push_back(number);
      rest = after;
    }
    text = rest;
  }
  rest = skip_separator(text);
  if (rest.starts_with("dev")) {
    out.dev = true;
    text = rest.substr(3);
  }
  return text.empty() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

std::optional<std::strong_ordering> compare_packagist(std::string_view a, std::string_view b) {
  const std::string low_a = lower(a), low_b = lower(b);
  const auto x = parse(low_a), y = parse(low_b);
  if (!x || !y) return std::nullopt;
  for (std::size_t i = 0; i < x->numbers.size(); ++i)
    if (const auto order = compare_numbers(x->numbers[i], y->numbers[i]); order != 0) return order;
  // "1.0-dev" is below "1.0-alpha"; "1.0-beta2-dev" is just below "1.0-beta2".
  const int left = x->dev && x->stability == stable ? -1 : x->stability;
  const int right = y->dev && y->stability == stable ? -1 : y->stability;
  if (left != right) return left <=> right;
  for (std::size_t i = 0; i < std::max(x->counter.size(), y->counter.size()); ++i) {
    const std::string_view m = i < x->counter.size() ? x->counter[i] : "",
                           n = i < y->counter.size() ? y->counter[i] : "";
    if (m.empty() != n.empty()) return n.empty() <=> m.empty();
    if (const auto order = compare_numbers(m, n); order != 0) return order;
  }
  return y->dev <=> x->dev;
}

}  // namespace tranche::vuln
