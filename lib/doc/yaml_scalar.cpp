#include "doc/yaml_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"

namespace tranche::doc::detail {
namespace {

constexpr std::string_view decimal = "0123456789";

bool is_one_of(std::string_view text, std::string_view a, std::string_view b, std::string_view c) {
  return text == a || text == b || text == c;
}

// Cuts the leading run of `set` off `text` and returns it.
std::string_view take_run(std::string_view& text, std::string_view set) {
  const std::string_view run = text.substr(0, std::min(text.find_first_not_of(set), text.size()));
  text.remove_prefix(run.size());
  return run;
}

struct Number {
  std::string_view whole;  // digits before the point
  bool floating = false;
};

// [-+]? ( [0-9]+ ( . [0-9]* )? | . [0-9]+ ) ( [eE] [-+]? [0-9]+ )?
std::optional<Number> read_decimal(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  Number number;
  number.whole = take_run(text, decimal);
  std::string_view fraction;
  if (text.starts_with('.')) {
    number.floating = true;
    text.remove_prefix(1);
    fraction = take_run(text, decimal);
  }
  if (number.whole.empty() && fraction.empty()) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    number.floating = true;
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (take_run(text, decimal).empty()) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return number;
}

std::variant<Value, Surprise> read_integer(std::string_view text, std::string_view digits, int base) {
  std::int64_t value = 0;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (end.ec != std::errc{}) {
    return Surprise{fmt::format("integer '{}' is beyond 64 bits", printable(text, 40)),
                    "quote it if it is a text"};
  }
  return Value(value);
}

std::variant<Value, Surprise> read_float(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end.ec != std::errc{} || end.ptr != digits.data() + digits.size()) {
    return Surprise{fmt::format("number '{}' is out of the range of a double", printable(text, 40)),
                    "quote it if it is a text"};
  }
  return Value(value);
}

}  // namespace

std::variant<Value, Surprise> resolve_plain(std::string_view text) {
  if (text.empty() || text == "~" || is_one_of(text, "null", "Null", "NULL")) return Value();
  if (is_one_of(text, "true", "True", "TRUE")) return Value(true);
  if (is_one_of(text, "false", "False", "FALSE")) return Value(false);
  const char first = text.front();
  if (decimal.find(first) == std::string_view::npos && first != '-' && first != '+' && first != '.') {
    return Value(text);
  }
  std::string_view unsigned_text = text;
  if (first == '-' || first == '+') unsigned_text.remove_prefix(1);
  if (is_one_of(unsigned_text, ".inf", ".Inf", ".INF") || is_one_of(text, ".nan", ".NaN", ".NAN")) {
    return Surprise{fmt::format("'{}' is not a number that can be used here", text),
                    "write a finite number, or quote it if it is a text"};
  }
  const auto all_of = [](std::string_view part, std::string_view set) {
    return !part.empty() && part.find_first_not_of(set) == std::string_view::npos;
  };
  if (text.starts_with("0x") && all_of(text.substr(2), "0123456789abcdefABCDEF")) {
    return read_integer(text, text.substr(2), 16);
  }
  if (text.starts_with("0o") && all_of(text.substr(2), "01234567")) {
    return read_integer(text, text.substr(2), 8);
  }
  const auto number = read_decimal(text);
  if (!number) return Value(text);
  if (number->whole.size() > 1 && number->whole.front() == '0') {
    std::string_view stripped = unsigned_text;
    while (stripped.size() > 1 && stripped[0] == '0' && decimal.find(stripped[1]) != std::string_view::npos) {
      stripped.remove_prefix(1);
    }
    return Surprise{
        fmt::format("number '{}' begins with a zero: some readers take it as octal", printable(text, 40)),
        fmt::format("write {}{}, or quote it", first == '-' ? "-" : "", printable(stripped, 40))};
  }
  return number->floating ? read_float(text) : read_integer(text, text, 10);
}

}  // namespace tranche::doc::detail
