// What is asked of the text of a YAML file itself, where yaml-cpp does not look or looks wrongly. Private to
// this room; pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "doc/loader.hpp"

namespace tranche::doc::detail {

// Refuses control characters, lone carriage returns, and more opening brackets than limits.max_nodes.
std::optional<Error> check_yaml_characters(const Located& where, const Limits& limits);
// Refuses a %YAML or %TAG line before the first content.
std::optional<Error> check_yaml_directives(const Located& where);
// `text` begins with ' or ": bytes up to and with the closing quote, over several lines too; 0 when it never
// closes, which yaml-cpp accepts at the end of a file.
std::size_t quoted_length(std::string_view text);

}  // namespace tranche::doc::detail
