// Value: the one tree that YAML and JSON become, with marks kept so that an error can point at the user's
// line.
//
// Objects keep the order of the file and never hold a key twice (the loaders refuse that). Numbers are int64
// or double; an integer that does not fit int64 is refused by the loaders. Strings are valid UTF-8.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace tranche::doc {

// The text a value came from; shared by all its values.
struct Source {
  std::string file;
  std::string text;
};

// Compact mark: resolved to a base Mark with excerpt only when an error is made.
struct Place {
  std::shared_ptr<const Source> source;
  int line = 0;  // from 1; 0 = made by a program
  int column = 0;
  int length = 1;
};
Mark to_mark(const Place& place);

class Value;
struct Member;
using Array = std::vector<Value>;
using Object = std::vector<Member>;

class Value {
 public:
  Value();                        // null
  Value(std::nullptr_t);          // NOLINT(google-explicit-constructor)
  Value(bool value);              // NOLINT
  Value(int value);               // NOLINT
  Value(std::int64_t value);      // NOLINT
  Value(std::uint64_t value);     // NOLINT  must fit int64
  Value(double value);            // NOLINT
  Value(std::string value);       // NOLINT
  Value(std::string_view value);  // NOLINT
  Value(const char* value);       // NOLINT
  Value(Array value);             // NOLINT
  Value(Object value);            // NOLINT
  static Value array();
  static Value object();
  static Value object(std::initializer_list<std::pair<std::string, Value>> members);

  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_bool() const;
  [[nodiscard]] bool is_int() const;
  [[nodiscard]] bool is_number() const;  // int or double
  [[nodiscard]] bool is_string() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] bool is_object() const;
  // "null", "a boolean", "a number", "a string", "a list", "a map": for messages
  [[nodiscard]] std::string_view kind_name() const;

  // Unchecked access: the caller has asked is_*() before (asserts in debug builds).
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_int() const;
  [[nodiscard]] double as_double() const;  // ints convert
  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] const Array& as_array() const;
  [[nodiscard]] Array& as_array();
  [[nodiscard]] const Object& as_object() const;
  [[nodiscard]] Object& as_object();

  // Object access; null pointer when this is no object or has no such key.
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] Value* find(std::string_view key);
  void set(std::string key, Value value);  // replaces or appends; this must be an object
  bool erase(std::string_view key);
  void push(Value value);  // this must be an array

  // Checked access for documents made by machines: error kind `kind` says which member is missing or of wrong
  // type.
  [[nodiscard]] Result<std::string> text(std::string_view key, ErrorKind kind = ErrorKind::invalid) const;
  [[nodiscard]] Result<std::int64_t> integer(std::string_view key, ErrorKind kind = ErrorKind::invalid) const;
  [[nodiscard]] Result<double> number(std::string_view key, ErrorKind kind = ErrorKind::invalid) const;
  [[nodiscard]] Result<bool> boolean(std::string_view key, ErrorKind kind = ErrorKind::invalid) const;
  [[nodiscard]] Result<const Value*> object_at(std::string_view key,
                                               ErrorKind kind = ErrorKind::invalid) const;
  [[nodiscard]] Result<const Value*> array_at(std::string_view key,
                                              ErrorKind kind = ErrorKind::invalid) const;
  // Optional ones: the fallback when absent or null (wrong type is still an error).
  [[nodiscard]] Result<std::string> text_or(std::string_view key, std::string_view fallback,
                                            ErrorKind kind = ErrorKind::invalid) const;
  [[nodiscard]] Result<std::int64_t> integer_or(std::string_view key, std::int64_t fallback,
                                                ErrorKind kind = ErrorKind::invalid) const;

  Place place;  // of the value
  // Deep equality of content; places do not count; 1 and 1.0 differ.
  bool operator==(const Value& other) const;

 private:
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Member {
  std::string key;
  Value value;
  Place key_place;
};

// Hostile input is bounded before it is walked.
struct Limits {
  std::size_t max_bytes = 1 << 20;
  std::size_t max_depth = 64;
  std::size_t max_nodes = 200'000;
};

// Strict YAML 1.2 core subset (yaml.cpp): refuses duplicate keys, tabs as indentation, octal-looking numbers
// (010), .inf and .nan, merge keys (<<), tags, directives, several documents, keys that are no text, anchors
// in a cycle, and anything beyond `limits` (aliases count what they stand for). An alias is expanded; the
// copy carries the place of the use, what is inside it the places where it was written. Plain scalars: null ~
// true false, ints, floats, else strings (yes and no too). Keys are the text as written. A byte order mark is
// skipped. Never crashes on any bytes; errors are kind invalid, with mark and hint. max_depth is at most
// 1000.
Result<Value> parse_yaml(std::string_view text, std::string file, const Limits& limits = {});

// Strict RFC 8259 (json.cpp): refuses duplicate keys, trailing bytes, invalid UTF-8, ints beyond int64,
// beyond `limits`. `file` names it in errors (kind invalid, mark with line and column).
Result<Value> parse_json(std::string_view text, std::string file = "<json>", const Limits& limits = {});

// Text out. Object order as it stands. Control characters escaped, UTF-8 as it is (bytes that are not become
// U+FFFD), doubles in the shortest form that reads back equal (ECMAScript form; 1.0 is written 1 and reads
// back as the integer, whole doubles outside int64 take an exponent). Non-finite doubles become null.
std::string to_json(const Value& value);         // one line, no blanks
std::string to_json_pretty(const Value& value);  // two-space indent, ends with a newline

// RFC 8785 canonical JSON: members sorted by UTF-16 code units, doubles in ECMAScript form, integers exact
// (also beyond 2^53); kind bug on a non-finite double and on a string that is not UTF-8.
Result<std::string> canonical_json(const Value& value);

}  // namespace tranche::doc
