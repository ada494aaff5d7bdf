// PEP 440: epoch, release, pre-release, post-release, development release and local label, each with
// spellings that mean the same ("1.0-alpha_1" is "1.0a1").
#include <array>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "vuln/version_order.hpp"
#include "vuln/version_text.hpp"

namespace tranche::vuln {
namespace {

using namespace detail;

struct Version {
  std::string_view epoch;
  std::vector<std::string_view> release;
  std::optional<std::pair<int, std::string_view>> pre;  // 0 a, 1 b, 2 rc; number
  std::optional<std::string_view> post, dev;            // number, "" for 0
  std::vector<std::string_view> local;
};

bool is_separator(char c) { return c == '.' || c == '-' || c == '_'; }

// [-_.]?WORD[-_.]?NUMBER? at the front, for the first of `words` that fits; leaves `rest` alone when none
// does.
template <std::size_t N>
std::optional<std::pair<std::size_t, std::string_view>> take_word(
    std::string_view& rest, const std::array<std::string_view, N>& words) {
  std::string_view after = rest;
  if (!after.empty() && is_separator(after.front())) after.remove_prefix(1);
  for (std::size_t i = 0; i < N; ++i) {
    if (!after.starts_with(words[i])) continue;
    after.remove_prefix(words[i].size());
    std::string_view number = after;
    if (!number.empty() && is_separator(number.front())) number.remove_prefix(1);
    const std::string_view digits = take_digits(number);
    rest = digits.empty() ? after : number;
    return std::pair(i, digits);
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 8> pre_words{"alpha", "a", "beta", "b", "preview", "pre", "rc", "c"};
constexpr std::array<int, 8> pre_ranks{0, 0, 1, 1, 2, 2, 2, 2};
constexpr std::array<std::string_view, 3> post_words{"post", "rev", "r"};
constexpr std::array<std::string_view, 1> dev_words{"dev"};

// `text` is in lower case, without blanks around it.
std::optional<Version> parse(std::string_view text) {
  Version out;
  if (text.starts_with('v')) text.remove_prefix(1);
  std::string_view first = take_digits(text);
  if (first.empty()) return std::nullopt;
  if (text.starts_with('!')) {
    text.remove_prefix(1);
    out.epoch = first;
    first = take_digits(text);
    if (first.empty()) return std::nullopt;
  }
  out.release.push_back(first);
  while (text.size() > 1 && text[0] == '.' && is_digit(text[1])) {
    text.remove_prefix(1);
    out.release.push_back(take_digits(text));
  }
  if (const auto pre = take_word(text, pre_words)) out.pre = {pre_ranks[pre->first], pre->second};
  if (text.size() > 1 && text[0] == '-' && is_digit(text[1])) {
    text.remove_prefix(1);
    out.post = take_digits(text);
  } else if (const auto post = take_word(text, post_words)) {
    out.post = post->second;
  }
  if (const auto dev = take_word(text, dev_words)) out.dev = dev->second;
  if (text.starts_with('+')) {
    do {
      text.remove_prefix(1);
      out.local.push_back(take_while(text, [](char c) { return is_digit(c) || is_letter(c); }));
      if (out.local.back().empty()) return std::nullopt;
    } while (!text.empty() && is_separator(text.front()));
  }
  if (!text.empty()) return std::nullopt;
  while (!out.release.empty() && compare_numbers(out.release.back(), "0") == 0) out.release.pop_back();
  return out;
}

// A development release of a version without a pre-release is below its pre-releases; a final one above them.
int pre_rank(const Version& v) {
  if (v.pre) return v.pre->first;
  return !v.post && v.dev ? -1 : 3;
}

std::strong_ordering compare_locals(const std::vector<std::string_view>& a,
                                    const std::vector<std::string_view>& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const bool x = all_digits(a[i]), y = all_digits(b[i]);
    if (x != y) return x <=> y;  // numbers are above words
    if (const auto order = x ? compare_numbers(a[i], b[i]) : compare_bytes(a[i], b[i]); order != 0)
      return order;
  }
  return a.size() <=> b.size();
}

std::strong_ordering compare(const Version& a, const Version& b) {
  if (const auto order = compare_numbers(a.epoch, b.epoch); order != 0) return order;
  for (std::size_t i = 0; i < a.release.size() && i < b.release.size(); ++i)
    if (const auto order = compare_numbers(a.release[i], b.release[i]); order != 0) return order;
  if (a.release.size() != b.release.size()) return a.release.size() <=> b.release.size();
  if (const auto order = pre_rank(a) <=> pre_rank(b); order != 0) return order;
  if (a.pre && b.pre)
    if (const auto order = compare_numbers(a.pre->second, b.pre->second); order != 0) return order;
  if (a.post.has_value() != b.post.has_value()) return a.post.has_value() <=> b.post.has_value();
  if (a.post)
    if (const auto order = compare_numbers(*a.post, *b.post); order != 0) return order;
  if (a.dev.has_value() != b.dev.has_value()) return b.dev.has_value() <=> a.dev.has_value();
  if (a.dev)
    if (const auto order = compare_numbers(*a.dev, *b.dev); order != 0) return order;
  return compare_locals(a.local, b.local);
}

}  // namespace

std::optional<std::strong_ordering> compare_pypi(std::string_view a, std::string_view b) {
  const std::string low_a = lower(trim(a)), low_b = lower(trim(b));
  const auto x = parse(low_a), y = parse(low_b);
  if (!x || !y) return std::nullopt;
  return compare(*x, *y);
}

}  // namespace tranche::vuln
