#include "base/text.hpp"
#include "store/store.hpp"

namespace tranche::store {
namespace {

constexpr std::size_t max_name_bytes = 512;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._~+@=-").find(c) != std::string_view::npos;
}

// Names that the stores keep for themselves, or that git refuses in a tree.
bool is_reserved(std::string_view segment) {
  return segment == "." || segment == ".." || segment.starts_with(".tranche-") || lower(segment) == ".git";
}

}  // namespace

Result<> check_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    return fail_hint(ErrorKind::invalid,
                     "names are segments of letters, digits and ._~+@=- separated by single slashes",
                     "'{}' is no name for a store: {}", printable(name), why);
  };
  if (name.empty()) return refuse("it is empty");
  if (name.size() > max_name_bytes) return refuse("it is longer than 512 bytes");
  for (const auto segment : split(name, '/')) {
    if (segment.empty()) return refuse("it has an empty segment");
    if (is_reserved(segment)) return refuse("'" + std::string(segment) + "' is reserved");
    for (const char c : segment)
      if (!is_name_character(c)) return refuse("it has other characters");
  }
  return {};
}

}  // namespace tranche::store
