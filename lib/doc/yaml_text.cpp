#include "doc/yaml_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace tranche::doc::detail {

// YAML 1.2.2 section 5.1 allows no control characters but tab and line breaks; yaml.cpp says what yaml-cpp
// makes of some of them.
std::optional<Error> check_yaml_characters(const Located& where, const Limits& limits) {
  const std::string_view text = where.text();
  std::size_t openers = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '[' || c == '{') {
      if (++openers > limits.max_nodes) return too_many_nodes(where.at(i), limits.max_nodes);
    }
    if (c == '\r' && (i + 1 >= text.size() || text[i + 1] != '\n')) {
      return refusal(where.at(i), "a carriage return without a line feed",
                     "save the file with Unix line ends");
    }
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      return refusal(where.at(i), fmt::format("control character 0x{:02x}", c),
                     "remove it, or write it as an escape in double quotes");
    }
  }
  return std::nullopt;
}

// %YAML and %TAG lines may only come before the first content. A directive could turn `yes` into a boolean,
// and yaml-cpp skips unknown ones.
std::optional<Error> check_yaml_directives(const Located& where) {
  const std::string_view text = where.text();
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t end = std::min(text.find('\n', line), text.size());
    if (text[line] == '%') {
      return refusal(where.at(line, end - line), "directives (%...) are not supported",
                     "remove the line; the file is read as YAML 1.2");
    }
    const std::string_view content = trim(text.substr(line, end - line));
    if (!content.empty() && content[0] != '#') return std::nullopt;
    line = end + 1;
  }
  return std::nullopt;
}

std::size_t quoted_length(std::string_view text) {
  const char quote = text[0];
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (quote == '"' || !text.substr(at).starts_with("''")) return at + 1;
      ++at;
    }
  }
  return 0;
}

}  // namespace tranche::doc::detail
