#include "base/debian_version.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "base/text.hpp"

namespace tranche {

namespace {

constexpr std::size_t longest_version = 256;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct Parts {
  std::string_view epoch, upstream, revision;
};

Parts parse(std::string_view text) {
  Parts out;
  if (const std::size_t colon = text.find(':'); colon != text.npos) {
    out.epoch = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (const std::size_t dash = text.rfind('-'); dash != text.npos) {
    out.revision = text.substr(dash + 1);
    text = text.substr(0, dash);
  }
  out.upstream = text;
  return out;
}

// What the sign at the front counts in a part without digits: '~' is below the end, the end below letters,
// letters below the rest.
int weight(std::string_view rest) {
  if (rest.empty() || is_digit(rest.front())) return 0;
  if (rest.front() == '~') return -1;
  const int byte = static_cast<unsigned char>(rest.front());
  return is_letter(rest.front()) ? byte : byte + 256;
}

// Cuts the digits off the front; leading zeros count for nothing.
std::string_view take_number(std::string_view& rest) {
  std::size_t end = 0;
  while (end < rest.size() && is_digit(rest[end])) ++end;
  std::string_view number = rest.substr(0, end);
  rest.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

// Signs and numbers in turn, as deb-version(7) says.
int compare_parts(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    while ((!a.empty() && !is_digit(a.front())) || (!b.empty() && !is_digit(b.front()))) {
      if (const int order = weight(a) - weight(b); order != 0) return order;
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
    const std::string_view x = take_number(a), y = take_number(b);
    if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
    if (const int order = x.compare(y); order != 0) return order;
  }
  return 0;
}

}  // namespace

bool valid_debian_version(std::string_view text) {
  if (text.empty() || text.size() > longest_version) return false;
  const Parts parts = parse(text);
  const bool has_epoch = text.find(':') != text.npos;
  if (has_epoch) {
    const auto epoch = parse_u64(parts.epoch);
    if (!epoch || *epoch > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) return false;
  }
  if (parts.upstream.empty() || !is_digit(parts.upstream.front())) return false;
  if (text.back() == '-') return false;
  const auto plain = [](char c) { return is_digit(c) || is_letter(c) || c == '.' || c == '+' || c == '~'; };
  return std::ranges::all_of(parts.upstream,
                             [&](char c) { return plain(c) || c == '-' || (c == ':' && has_epoch); }) &&
         std::ranges::all_of(parts.revision, plain);
}

int compare_debian_versions(std::string_view a, std::string_view b) {
  const Parts x = parse(a), y = parse(b);
  if (const int order = compare_parts(x.epoch, y.epoch); order != 0) return order;
  if (const int order = compare_parts(x.upstream, y.upstream); order != 0) return order;
  return compare_parts(x.revision, y.revision);
}

}  // namespace tranche
