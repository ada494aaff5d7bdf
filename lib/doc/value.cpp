#include "doc/value.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include <fmt/format.h>

#include "base/text.hpp"

namespace tranche::doc {

Mark to_mark(const Place& place) {
  Mark mark;
  mark.line = place.line;
  mark.column = place.column;
  mark.length = std::max(1, place.length);
  if (!place.source) return mark;
  mark.file = place.source->file;
  if (place.line < 1) return mark;
  std::string_view text = place.source->text;
  for (int line = 1; line < place.line; ++line) {
    const std::size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return mark;
    text.remove_prefix(newline + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  mark.excerpt = std::string(text);
  return mark;
}

Value::Value() : data_(nullptr) {}
Value::Value(std::nullptr_t) : data_(nullptr) {}
Value::Value(bool value) : data_(value) {}
Value::Value(int value) : data_(static_cast<std::int64_t>(value)) {}
Value::Value(std::int64_t value) : data_(value) {}
Value::Value(std::uint64_t value)
    : data_(static_cast<std::int64_t>(
          std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()))) {
  assert(value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}
Value::Value(double value) : data_(value) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(std::string_view value) : data_(std::string(value)) {}
Value::Value(const char* value) : data_(std::string(value)) {}
Value::Value(Array value) : data_(std::move(value)) {}
Value::Value(Object value) : data_(std::move(value)) {}

Value Value::array() { return Value(Array{}); }
Value Value::object() { return Value(Object{}); }
Value Value::object(std::initializer_list<std::pair<std::string, Value>> members) {
  Value value{Object{}};
  for (const auto& [key, member] : members) value.set(key, member);
  return value;
}

bool Value::is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
bool Value::is_bool() const { return std::holds_alternative<bool>(data_); }
bool Value::is_int() const { return std::holds_alternative<std::int64_t>(data_); }
bool Value::is_number() const { return is_int() || std::holds_alternative<double>(data_); }
bool Value::is_string() const { return std::holds_alternative<std::string>(data_); }
bool Value::is_array() const { return std::holds_alternative<Array>(data_); }
bool Value::is_object() const { return std::holds_alternative<Object>(data_); }

std::string_view Value::kind_name() const {
  if (is_null()) return "null";
  if (is_bool()) return "a boolean";
  if (is_number()) return "a number";
  if (is_string()) return "a string";
  return is_array() ? "a list" : "a map";
}

// A wrong guess ends the process in release builds too (std::get throws): reading another type's bytes is
// worse.
bool Value::as_bool() const {
  assert(is_bool());
  return std::get<bool>(data_);
}
std::int64_t Value::as_int() const {
  assert(is_int());
  return std::get<std::int64_t>(data_);
}
double Value::as_double() const {
  assert(is_number());
  return is_int() ? static_cast<double>(std::get<std::int64_t>(data_)) : std::get<double>(data_);
}
const std::string& Value::as_string() const {
  assert(is_string());
  return std::get<std::string>(data_);
}
const Array& Value::as_array() const {
  assert(is_array());
  return std::get<Array>(data_);
}
Array& Value::as_array() {
  assert(is_array());
  return std::get<Array>(data_);
}
const Object& Value::as_object() const {
  assert(is_object());
  return std::get<Object>(data_);
}
Object& Value::as_object() {
  assert(is_object());
  return std::get<Object>(data_);
}

const Value* Value::find(std::string_view key) const {
  const auto* object = std::get_if<Object>(&data_);
  if (object == nullptr) return nullptr;
  for (const Member& member : *object) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}
Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

void Value::set(std::string key, Value value) {
  if (Value* old = find(key)) {
    *old = std::move(value);
    return;
  }
  as_object().push_back(Member{std::move(key), std::move(value), {}});
}

bool Value::erase(std::string_view key) {
  auto* object = std::get_if<Object>(&data_);
  if (object == nullptr) return false;
  return std::erase_if(*object, [&](const Member& member) { return member.key == key; }) > 0;
}

void Value::push(Value value) { as_array().push_back(std::move(value)); }

namespace {

std::unexpected<Error> refuse(ErrorKind kind, const Place& place, std::string message, std::string hint) {
  Error error(kind, std::move(message), std::move(hint));
  if (place.line > 0) error.mark = to_mark(place);
  return std::unexpected<Error>(std::move(error));
}

Result<const Value*> member_of(const Value& value, std::string_view key, ErrorKind kind) {
  if (!value.is_object()) {
    return refuse(kind, value.place,
                  fmt::format("expected a map with '{}', found {}", printable(key), value.kind_name()), {});
  }
  const Value* member = value.find(key);
  if (member == nullptr) {
    return refuse(kind, value.place, fmt::format("'{}' is missing", printable(key)),
                  fmt::format("add '{}'", printable(key)));
  }
  return member;
}

std::unexpected<Error> wrong_type(const Value& member, std::string_view key, std::string_view wanted,
                                  ErrorKind kind) {
  const bool fraction = member.is_number() && !member.is_int() && wanted == "an integer";
  return refuse(kind, member.place,
                fmt::format("'{}' must be {}, not {}", printable(key), wanted,
                            fraction ? "a fraction" : member.kind_name()),
                fmt::format("give '{}' as {}", printable(key), wanted));
}

}  // namespace

Result<std::string> Value::text(std::string_view key, ErrorKind kind) const {
  const Value* member = TRY(member_of(*this, key, kind));
  if (!member->is_string()) return wrong_type(*member, key, "a string", kind);
  return member->as_string();
}
Result<std::int64_t> Value::integer(std::string_view key, ErrorKind kind) const {
  const Value* member = TRY(member_of(*this, key, kind));
  if (!member->is_int()) return wrong_type(*member, key, "an integer", kind);
  return member->as_int();
}
Result<double> Value::number(std::string_view key, ErrorKind kind) const {
  const Value* member = TRY(member_of(*this, key, kind));
  if (!member->is_number()) return wrong_type(*member, key, "a number", kind);
  return member->as_double();
}
Result<bool> Value::boolean(std::string_view key, ErrorKind kind) const {
  const Value* member = TRY(member_of(*this, key, kind));
  if (!member->is_bool()) return wrong_type(*member, key, "a boolean", kind);
  return member->as_bool();
}
Result<const Value*> Value::object_at(std::string_view key, ErrorKind kind) const {
  const Value* member = TRY(member_of(*this, key, kind));
  if (!member->is_object()) return wrong_type(*member, key, "a map", kind);
  return member;
}
Result<const Value*> Value::array_at(std::string_view key, ErrorKind kind) const {
  const Value* member = TRY(member_of(*this, key, kind));
  if (!member->is_array()) return wrong_type(*member, key, "a list", kind);
  return member;
}
Result<std::string> Value::text_or(std::string_view key, std::string_view fallback, ErrorKind kind) const {
  const Value* member = find(key);
  if (is_object() && (member == nullptr || member->is_null())) return std::string(fallback);
  return text(key, kind);
}
Result<std::int64_t> Value::integer_or(std::string_view key, std::int64_t fallback, ErrorKind kind) const {
  const Value* member = find(key);
  if (is_object() && (member == nullptr || member->is_null())) return fallback;
  return integer(key, kind);
}

bool Value::operator==(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (is_array()) return as_array() == other.as_array();
  if (is_object()) {
    return std::equal(as_object().begin(), as_object().end(), other.as_object().begin(),
                      other.as_object().end(),
                      [](const Member& a, const Member& b) { return a.key == b.key && a.value == b.value; });
  }
  if (is_null()) return true;
  if (is_bool()) return as_bool() == other.as_bool();
  if (is_int()) return as_int() == other.as_int();
  if (is_string()) return as_string() == other.as_string();
  return std::get<double>(data_) == std::get<double>(other.data_);
}

}  // namespace tranche::doc
