#include "channel/squirrel_version.hpp"

#include <limits>

#include "base/text.hpp"

namespace tranche::channel {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int sign(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

std::optional<std::int32_t> int32_of(std::string_view digits) {
  const auto value = parse_u64(digits);
  if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()))
    return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

// ([a-z]+)([0-9]+)$
struct Numbered {
  std::string_view letters;
  std::int32_t number = 0;
};
std::optional<Numbered> numbered(std::string_view word) {
  std::size_t digits = word.size();
  while (digits > 0 && is_digit(word[digits - 1])) --digits;
  std::size_t letters = digits;
  while (letters > 0 && is_letter(word[letters - 1])) --letters;
  if (letters == digits || digits == word.size()) return std::nullopt;
  const auto number = int32_of(word.substr(digits));
  if (!number) return std::nullopt;
  return Numbered{word.substr(letters, digits - letters), *number};
}

}  // namespace

std::optional<SquirrelVersion> parse_squirrel_version(std::string_view text) {
  text = trim(text);
  SquirrelVersion out;
  out.text = text;
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    out.word = text.substr(dash + 1);
    if (out.word.empty() || !is_letter(out.word.front())) return std::nullopt;
    for (const char c : out.word)
      if (!is_digit(c) && !is_letter(c) && c != '-') return std::nullopt;
  }
  const auto numbers = split(text.substr(0, dash), '.');
  // System.Version wants two numbers at least.
  if (numbers.size() < 2 || numbers.size() > 4) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = int32_of(numbers[i]);
    if (!number) return std::nullopt;
    out.numbers[i] = *number;
  }
  return out;
}

std::optional<SquirrelVersion> squirrel_version_of(std::string_view file_name) {
  const std::string small = lower(file_name);
  for (const std::string_view suffix : {"-full.nupkg", "-delta.nupkg", ".nupkg"}) {
    if (!small.ends_with(suffix)) continue;
    file_name.remove_suffix(suffix.size());
    break;
  }
  // The leftmost place from which numbers and a word reach the end: \d+(\.\d+){0,3}(-[A-Za-z][0-9A-Za-z-]*)?$
  for (std::size_t at = 0; at < file_name.size(); ++at) {
    if (!is_digit(file_name[at])) continue;
    std::size_t end = at, numbers = 0;
    while (end < file_name.size() && is_digit(file_name[end]) && numbers < 4) {
      while (end < file_name.size() && is_digit(file_name[end])) ++end;
      ++numbers;
      if (numbers < 4 && end + 1 < file_name.size() && file_name[end] == '.' && is_digit(file_name[end + 1]))
        ++end;
      else
        break;
    }
    const std::string_view rest = file_name.substr(end);
    const bool is_word =
        rest.size() > 1 && rest[0] == '-' && is_letter(rest[1]) &&
        rest.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") ==
            std::string_view::npos;
    if (rest.empty() || is_word) return parse_squirrel_version(file_name.substr(at));
  }
  return std::nullopt;
}

int compare_squirrel_versions(const SquirrelVersion& a, const SquirrelVersion& b) {
  if (a.numbers != b.numbers) return a.numbers < b.numbers ? -1 : 1;
  if (a.word.empty() || b.word.empty()) return a.word.empty() && b.word.empty() ? 0 : a.word.empty() ? 1 : -1;
  const auto x = numbered(a.word), y = numbered(b.word);
  if (x && y && lower(x->letters) == lower(y->letters))
    return x->number < y->number ? -1 : x->number > y->number ? 1 : 0;
  return sign(lower(a.word).compare(lower(b.word)));
}

}  // namespace tranche::channel
