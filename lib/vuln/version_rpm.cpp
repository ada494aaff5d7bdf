// rpmvercmp: runs of digits and of letters in turn, anything else separates; '~' sorts below the end of the
// text
// ("1.0~rc1" < "1.0"), '^' above it but below what goes on ("1.0" < "1.0^git1" < "1.0.1").
#include <algorithm>

#include "vuln/version_order.hpp"
#include "vuln/version_text.hpp"

namespace tranche::vuln {
namespace {

using namespace detail;

bool is_sign(char c) { return is_digit(c) || is_letter(c) || c == '~' || c == '^'; }

std::strong_ordering compare_segments(std::string_view a, std::string_view b) {
  using Order = std::strong_ordering;
  if (a == b) return Order::equal;
  while (!a.empty() || !b.empty()) {
    take_while(a, [](char c) { return !is_sign(c); });
    take_while(b, [](char c) { return !is_sign(c); });
    const bool tilde_a = a.starts_with('~'), tilde_b = b.starts_with('~');
    if (tilde_a != tilde_b) return tilde_a ? Order::less : Order::greater;
    const bool caret_a = a.starts_with('^'), caret_b = b.starts_with('^');
    if (caret_a != caret_b) {
      if (a.empty()) return Order::less;
      if (b.empty()) return Order::greater;
      return caret_a ? Order::less : Order::greater;
    }
    if (tilde_a || caret_a) {
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    if (a.empty() || b.empty()) break;
    const bool number = is_digit(a.front());
    const std::string_view x = number ? take_digits(a) : take_while(a, is_letter);
    const std::string_view y = number ? take_digits(b) : take_while(b, is_letter);
    if (y.empty()) return number ? Order::greater : Order::less;
    if (const auto order = number ? compare_numbers(x, y) : compare_bytes(x, y); order != 0) return order;
  }
  return a.empty() == b.empty() ? Order::equal : a.empty() ? Order::less : Order::greater;
}

struct Parts {
  std::string_view epoch = "0", version, release;
  bool has_release = false;
};

std::optional<Parts> parse(std::string_view text) {
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; })) return std::nullopt;
  Parts out;
  if (const std::size_t colon = text.find(':'); colon != text.npos) {
    out.epoch = text.substr(0, colon);
    if (!all_digits(out.epoch)) return std::nullopt;
    text.remove_prefix(colon + 1);
  }
  if (const std::size_t dash = text.rfind('-'); dash != text.npos) {
    out.release = text.substr(dash + 1);
    out.has_release = true;
    text = text.substr(0, dash);
  }
  out.version = text;
  if (!std::ranges::any_of(text, is_sign)) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::strong_ordering> compare_rpm(std::string_view a, std::string_view b) {
  const auto x = parse(a), y = parse(b);
  if (!x || !y) return std::nullopt;
  if (const auto order = compare_numbers(x->epoch, y->epoch); order != 0) return order;
  if (const auto order = compare_segments(x->version, y->version); order != 0) return order;
  if (x->has_release != y->has_release) return x->has_release <=> y->has_release;
  return compare_segments(x->release, y->release);
}

}  // namespace tranche::vuln
