// What must hold for every Value that a loader accepts. Shared by the YAML and the JSON target; a broken
// property ends the process.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::fuzz {

[[noreturn]] inline void broken(const char* property, const std::string& text) {
  std::fprintf(stderr, "property broken: %s\n%s\n", property, text.c_str());
  std::abort();
}

// Same content, where a whole double and the integer of the same value are one number: ECMAScript writes
// both alike.
inline bool same(const doc::Value& a, const doc::Value& b) {
  if (a.is_number() && b.is_number() && !(a.is_int() && b.is_int())) return a.as_double() == b.as_double();
  if (a.is_array() && b.is_array()) {
    if (a.as_array().size() != b.as_array().size()) return false;
    for (std::size_t i = 0; i < a.as_array().size(); ++i) {
      if (!same(a.as_array()[i], b.as_array()[i])) return false;
    }
    return true;
  }
  if (a.is_object() && b.is_object()) {
    if (a.as_object().size() != b.as_object().size()) return false;
    for (std::size_t i = 0; i < a.as_object().size(); ++i) {
      if (a.as_object()[i].key != b.as_object()[i].key) return false;
      if (!same(a.as_object()[i].value, b.as_object()[i].value)) return false;
    }
    return true;
  }
  return a == b;
}

// Canonical form writes doubles from 2^63 up to 1e21 in full digits, which no reader of ours takes back.
inline bool beyond_int64(const doc::Value& value) {
  if (value.is_array()) {
    for (const auto& item : value.as_array()) {
      if (beyond_int64(item)) return true;
    }
  } else if (value.is_object()) {
    for (const auto& member : value.as_object()) {
      if (beyond_int64(member.value)) return true;
    }
  }
  return value.is_number() && !value.is_int() && std::fabs(value.as_double()) >= 9223372036854775808.0 &&
         std::fabs(value.as_double()) < 1e21;
}

inline void check_places(const doc::Value& value, const std::string& text) {
  const Mark mark = doc::to_mark(value.place);
  if (mark.line < 1 || mark.column < 1 || mark.length < 1) broken("a value has a place", text);
  if (static_cast<std::size_t>(mark.column) > mark.excerpt.size() + 1) broken("a place is on its line", text);
  if (value.is_array()) {
    for (const auto& item : value.as_array()) check_places(item, text);
  } else if (value.is_object()) {
    for (const auto& member : value.as_object()) {
      if (member.key_place.line < 1) broken("a key has a place", text);
      check_places(member.value, text);
    }
  }
}

inline void check_error(const Error& error, const std::string& text) {
  if (error.kind != ErrorKind::invalid || error.message.empty() || error.hint.empty()) {
    broken("a refusal says what is wrong and what to do", text);
  }
  if (!error.mark || error.mark->line < 1 || error.mark->column < 1 || error.mark->length < 1) {
    broken("a refusal has a mark", text);
  }
  if (!is_valid_utf8(error.message)) broken("a message is UTF-8", text);
}

inline void check_value(const doc::Value& value, const std::string& text) {
  check_places(value, text);
  doc::Limits wide;  // escapes make texts longer
  wide.max_bytes = 64 << 20;
  for (const std::string& json : {doc::to_json(value), doc::to_json_pretty(value)}) {
    const auto again = doc::parse_json(json, "again", wide);
    if (!again) broken("what is written can be read", text + "\n" + again.error().message + "\n" + json);
    if (!same(value, *again)) broken("what is written reads back equal", text + "\n" + json);
  }
  const auto canonical = doc::canonical_json(value);
  if (!canonical) broken("what was read has a canonical form", text);
  if (beyond_int64(value)) return;
  const auto again = doc::parse_json(*canonical, "canonical", wide);
  if (!again) broken("canonical JSON can be read", *canonical);
  const auto twice = doc::canonical_json(*again);
  if (!twice || *twice != *canonical) broken("canonical JSON is a fixed point", *canonical);
}

}  // namespace tranche::fuzz
