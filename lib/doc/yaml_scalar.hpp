// What a plain (unquoted) YAML scalar means: the core schema of YAML 1.2.2 section 10.3.2, less what
// surprises people. Private to this room; pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "doc/value.hpp"

namespace tranche::doc::detail {

struct Surprise {  // why a scalar is refused, and what to write instead
  std::string message;
  std::string hint;
};

// null ~ true false, decimal integers, 0x and 0o integers, decimal floats; everything else is a string
// (yes, no, on, off, 1_000, 12:30 and dates too). Refused: 010 and 01.5 (YAML 1.1 reads octal), integers
// beyond int64, floats beyond double, .inf and .nan.
std::variant<Value, Surprise> resolve_plain(std::string_view text);

}  // namespace tranche::doc::detail
