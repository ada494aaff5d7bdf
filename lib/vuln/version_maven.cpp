// Maven's order: the text is cut at dots, hyphens and changes between digits and letters; trailing parts that
// mean nothing (0, "final", "ga", "release") go, also before each hyphen; then part by part, the shorter one
// padded with nothing. ".qualifier" = "-qualifier" < "-number" < ".number".
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

struct Token {
  bool hyphen = false;  // what stood before it; a change between digits and letters counts as a hyphen
  bool number = false;
  std::string_view text;  // "0" for an empty part
};

std::vector<Token> cut(std::string_view text) {
  std::vector<Token> out;
  bool hyphen = false;
  while (true) {
    Token token{hyphen, true, "0"};
    const bool digit = !text.empty() && is_digit(text.front());
    const std::string_view part =
        digit ? take_digits(text)
              : take_while(text, [](char c) { return !is_digit(c) && c != '.' && c != '-'; });
    if (!part.empty()) {
      token.number = digit;
      token.text = part;
    }
    out.push_back(token);
    if (text.empty()) return out;
    hyphen = true;
    if (text.front() == '.' || text.front() == '-') {
      hyphen = text.front() == '-';
      text.remove_prefix(1);
    }
  }
}

// One letter stands for a word only before a number: "1-a1" is "1-alpha-1", "1-a" is not.
void expand_short_words(std::vector<Token>& tokens) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const Token& next = tokens[i + 1];
    // Directly followed: the two were cut by the change alone, so their texts touch.
    if (tokens[i].number || !next.number || tokens[i].text.data() + tokens[i].text.size() != next.text.data())
      continue;
    std::string_view& word = tokens[i].text;
    word = word == "a" ? "alpha" : word == "b" ? "beta" : word == "m" ? "milestone" : word;
  }
}

constexpr std::array<std::string_view, 7> ranked{"alpha", "beta", "milestone", "rc", "snapshot", "", "sp"};
constexpr std::size_t rank_of_nothing = 5;

std::string_view plain_word(std::string_view word) {
  if (word == "cr") return "rc";
  return word == "ga" || word == "final" || word == "release" ? "" : word;
}
std::size_t rank_of(std::string_view word) {
  const auto found = std::ranges::find(ranked, plain_word(word));
  return static_cast<std::size_t>(found - ranked.begin());
}

bool is_nothing(const Token& token) {
  return token.number ? compare_numbers(token.text, "0") == 0 : rank_of(token.text) == rank_of_nothing;
}

void trim_nothing(std::vector<Token>& tokens) {
  for (std::size_t end = tokens.size(); end > 0;) {
    // Parts that mean nothing just before `end`, then on to the next hyphen to the left.
    std::size_t start = end;
    while (start > 1 && is_nothing(tokens[start - 1])) --start;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(start),
                 tokens.begin() + static_cast<std::ptrdiff_t>(end));
    std::size_t next = start - 1;
    while (next > 0 && !tokens[next].hyphen) --next;
    end = next;
  }
}

// 0: a word, 1: a number behind a hyphen, 2: a number behind a dot.
int kind_of(const Token& token) { return !token.number ? 0 : token.hyphen ? 1 : 2; }

std::strong_ordering compare_tokens(const Token& a, const Token& b) {
  if (const auto order = kind_of(a) <=> kind_of(b); order != 0) return order;
  if (a.number) return compare_numbers(a.text, b.text);
  const std::size_t x = rank_of(a.text), y = rank_of(b.text);
  if (x != y) return x <=> y;
  return x < ranked.size() ? std::strong_ordering::equal : compare_bytes(a.text, b.text);
}

// What a version that has ended counts against a token of the other: 0 behind a dot, else the empty word.
Token padding_for(const Token& token) {
  if (token.number && !token.hyphen) return {false, true, "0"};
  return {token.hyphen, false, ""};
}

std::vector<Token> parse(std::string_view text) {
  std::vector<Token> tokens = cut(text);
  expand_short_words(tokens);
  trim_nothing(tokens);
  return tokens;
}

}  // namespace

std::optional<std::strong_ordering> compare_maven(std::string_view a, std::string_view b) {
  const auto is_version = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  };
  if (!is_version(a) || !is_version(b)) return std::nullopt;
  const std::string low_a = lower(a), low_b = lower(b);
  const std::vector<Token> x = parse(low_a), y = parse(low_b);
  for (std::size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
    const Token left = i < x.size() ? x[i] : padding_for(y[i]);
    const Token right = i < y.size() ? y[i] : padding_for(x[i]);
    if (const auto order = compare_tokens(left, right); order != 0) return order;
  }
  return std::strong_ordering::equal;
}

}  // namespace tranche::vuln
