#include "spec/codec.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "spec/grammar.hpp"

namespace tranche::spec {
namespace {

constexpr std::size_t longest_text = 16 * 1024;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
  });
}

// A number of the file in the grammar of base: 5 -> "5", 0.5 -> "0.5".
std::string number_text(const Value& value) {
  return value.is_int() ? fmt::format("{}", value.as_int()) : fmt::format("{}", value.as_double());
}

Value string_schema(std::string_view pattern, std::initializer_list<std::string> examples = {}) {
  Value out = Value::object({{"type", "string"}});
  if (!pattern.empty()) out.set("pattern", pattern);
  if (examples.size() > 0) {
    Value list_of = Value::array();
    for (const std::string& example : examples) list_of.push(example);
    out.set("examples", std::move(list_of));
  }
  return out;
}

}  // namespace

std::string Reader::in() const {
  std::string out;
  for (auto part = where.rbegin(); part != where.rend(); ++part)
    out += (out.empty() ? " in " : " of ") + *part;
  return out;
}

void Reader::wrong_type(const Value& value, std::string_view expected, std::string hint) {
  problems.add(
      value.place,
      fmt::format("'{}'{} must be {}, not {}", printable(key, 64), in(), expected, value.kind_name()),
      std::move(hint));
}

void Reader::bad_value(const Value& value, std::string_view why, std::string hint) {
  problems.add(value.place, fmt::format("bad '{}'{}: {}", printable(key, 64), in(), why), std::move(hint));
}

Value SchemaBook::define(const std::string& name, const std::function<Value(SchemaBook&)>& make) {
  if (!defs.contains(name)) {
    Value made = make(*this);
    defs[name] = std::move(made);
  }
  return Value::object({{"$ref", "#/$defs/" + name}});
}

bool is_blank(const Value& value) {
  return value.is_null() || (value.is_string() && value.as_string().empty()) ||
         (value.is_array() && value.as_array().empty()) || (value.is_object() && value.as_object().empty());
}

void report_unknown_key(const Member& member, const std::vector<std::string>& known, Reader& reader) {
  const std::string guess = nearest(member.key, known);
  reader.problems.add(
      member.key_place, fmt::format("unknown key '{}'{}", printable(member.key, 64), reader.in()),
      guess.empty() ? "known keys: " + join(known, ", ") : fmt::format("did you mean '{}'?", guess));
}

void report_missing_key(const Place& place, std::string_view key, std::string_view doc, Reader& reader) {
  reader.problems.add(place, fmt::format("missing key '{}'{}", key, reader.in()),
                      fmt::format("add `{}:` ({})", key, doc));
}

FieldBase::FieldBase() = default;
FieldBase::FieldBase(const FieldBase& other) = default;
FieldBase::FieldBase(FieldBase&& other) noexcept = default;
FieldBase& FieldBase::operator=(const FieldBase& other) = default;
FieldBase& FieldBase::operator=(FieldBase&& other) noexcept = default;
FieldBase::~FieldBase() = default;

bool read_fields(const Value& value, const FieldList& list, const std::vector<std::string>& also, bool open,
                 const Place& place, Reader& reader, ReadField read, const void* fields, void* into) {
  if (!value.is_object()) {
    reader.wrong_type(value, "a map");
    return false;
  }
  for (const Member& member : value.as_object()) {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const FieldBase* f) { return f->key == member.key; });
    if (found == list.end()) {
      if (open || std::find(also.begin(), also.end(), member.key) != also.end()) continue;
      if (reader.problems.full()) {
        reader.problems.drop();
        continue;
      }
      std::vector<std::string> known;
      for (const FieldBase* f : list) known.push_back(f->key);
      known.insert(known.end(), also.begin(), also.end());
      report_unknown_key(member, known, reader);
      continue;
    }
    reader.key = member.key;
    if (member.value.is_null()) {
      reader.bad_value(member.value, "it has no value", "give it a value or remove the key");
      continue;
    }
    read(fields, static_cast<std::size_t>(found - list.begin()), member.value, into, reader);
  }
  for (const FieldBase* f : list)
    if (f->required && value.find(f->key) == nullptr) report_missing_key(place, f->key, f->doc, reader);
  return true;
}

void write_field(const FieldBase& field, Value value, Object& out) {
  if (is_blank(value) && is_blank(field.fallback) && !field.always) return;
  out.push_back({field.key, std::move(value), {}});
}

Value fields_schema(const FieldList& list, const std::string& doc, bool open, SchemaBook& book) {
  Value properties = Value::object();
  Value required = Value::array();
  for (const FieldBase* f : list) {
    Value part = f->schema(book);
    part.set("description", f->doc);
    if (!is_blank(f->fallback) && !f->required) part.set("default", f->fallback);
    properties.set(f->key, std::move(part));
    if (f->required) required.push(f->key);
  }
  Value out = Value::object({{"type", "object"}, {"description", doc}});
  out.set("properties", std::move(properties));
  if (!required.as_array().empty()) out.set("required", std::move(required));
  if (!open) out.set("additionalProperties", false);
  return out;
}

std::optional<std::span<const Value>> list_items(const Value& value, const ListRule& rule, Reader& reader) {
  if (!value.is_array()) {
    if (rule.one_or_many) return std::span(&value, 1);
    reader.wrong_type(value, "a list of " + rule.of, "write [..., ...]");
    return std::nullopt;
  }
  const auto& items = value.as_array();
  if (items.size() >= rule.least && items.size() <= rule.most) return std::span(items);
  reader.bad_value(value,
                   items.empty() ? std::string("the list is empty") : fmt::format("{} entries", items.size()),
                   fmt::format("give {} to {}", rule.least, rule.most));
  return std::nullopt;
}

Value list_schema(const ListRule& rule, Value item) {
  Value out = Value::object({{"type", "array"}});
  out.set("items", item);
  if (rule.least > 0) out.set("minItems", static_cast<std::int64_t>(rule.least));
  out.set("maxItems", static_cast<std::int64_t>(rule.most));
  if (!rule.one_or_many) return out;
  Value either = Value::object();
  either.set("anyOf", Value(doc::Array{std::move(item), std::move(out)}));
  return either;
}

ReadingItem::ReadingItem(const ListRule& rule, std::size_t index, Reader& reader)
    : reader_(reader), depth_(reader.where.size()), key_(reader.key) {
  if (!rule.noun.empty()) reader.where.push_back(fmt::format("{} {}", rule.noun, index + 1));
}
ReadingItem::~ReadingItem() {
  reader_.key = std::move(key_);
  reader_.where.resize(depth_);
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool check_names(const Value& value, const std::string& noun, Reader& reader) {
  if (!value.is_object()) {
    reader.wrong_type(value, fmt::format("a map from names to {}s", noun),
                      fmt::format("write `NAME: ...` for each {}", noun));
    return false;
  }
  if (value.as_object().size() > most_names) {
    reader.bad_value(value, fmt::format("{} {}s are too many", value.as_object().size(), noun),
                     fmt::format("at most {}", most_names));
    return false;
  }
  for (const Member& member : value.as_object()) {
    if (!is_name(member.key))
      reader.problems.add(
          member.key_place,
          fmt::format("bad name '{}' of a {}{}", printable(member.key, 64), noun, reader.in()),
          "use a-z, 0-9 and -, at most 63, not beginning with -");
  }
  return true;
}

Value named_schema(Value item, const std::string& noun) {
  Value out = Value::object({{"type", "object"}});
  out.set("description", fmt::format("{}s by name", noun));
  out.set("propertyNames", Value::object({{"pattern", std::string(name_pattern)}}));
  out.set("maxProperties", static_cast<std::int64_t>(most_names));
  out.set("additionalProperties", std::move(item));
  return out;
}

bool read_word(const Value& value, const std::vector<std::string>& words, std::size_t& index,
               Reader& reader) {
  const std::string all = "one of: " + join(words, ", ");
  if (!value.is_string()) {
    reader.wrong_type(value, "a word", all);
    return false;
  }
  const auto found = std::find(words.begin(), words.end(), value.as_string());
  if (found == words.end()) {
    const std::string guess = nearest(value.as_string(), words);
    reader.bad_value(value, fmt::format("unknown '{}'", printable(value.as_string(), 64)),
                     guess.empty()      ? all
                     : all.size() > 100 ? fmt::format("did you mean '{}'?", guess)
                                        : fmt::format("did you mean '{}'? ({})", guess, all));
    return false;
  }
  index = static_cast<std::size_t>(found - words.begin());
  return true;
}

Value word_schema(const std::vector<std::string>& words) {
  Value list_of = Value::array();
  for (const std::string& one : words) list_of.push(one);
  Value out = Value::object({{"type", "string"}});
  out.set("enum", std::move(list_of));
  return out;
}

Codec<std::string> text(TextKind kind) {
  return {[kind](const Value& value, std::string& out, Reader& reader) {
            if (!value.is_string()) {
              const bool plain = value.is_number() || value.is_bool();
              // What the check says of an empty text is how a right one looks.
              const auto empty = kind.check == nullptr ? Result<>() : kind.check("");
              return reader.wrong_type(
                  value, kind.what,
                  plain ? "put it in quotes" : (empty ? "write one line of text" : empty.error().hint));
            }
            const std::string& given = value.as_string();
            if (given.empty())
              return reader.bad_value(value, "it is empty", "give it a value or remove the key");
            if (given.size() > longest_text)
              return reader.bad_value(value, fmt::format("{} bytes are too long", given.size()),
                                      "at most 16 KiB");
            if (has_control(given))
              return reader.bad_value(
                  value, fmt::format("'{}' holds control characters", printable(given, 64)), "remove them");
            if (kind.check != nullptr) {
              if (auto checked = kind.check(given); !checked) {
                if (kind.may_hold_secret && given.find('@') != std::string::npos)
                  reader.problems.hide(value.place);
                return reader.bad_value(value, checked.error().message, checked.error().hint);
              }
            }
            out = given;
          },
          [](const std::string& from) { return Value(from); },
          [kind](SchemaBook&) {
            Value out = string_schema(kind.pattern);
            out.set("minLength", 1);
            return out;
          }};
}

Codec<std::string> word(std::vector<std::string> words) {
  return {[words](const Value& value, std::string& out, Reader& reader) {
            std::size_t index = 0;
            if (read_word(value, words, index, reader)) out = words[index];
          },
          [](const std::string& from) { return Value(from); },
          [words](SchemaBook&) { return word_schema(words); }};
}

Codec<std::string> secret_reference(bool with_pkcs11) {
  return {[with_pkcs11](const Value& value, std::string& out, Reader& reader) {
            if (!value.is_string()) {
              reader.problems.hide(value.place);
              return reader.wrong_type(value, "a reference to a secret",
                                       "write env:TRANCHE_NAME or file:PATH; never the secret itself");
            }
            if (auto checked = check_secret_reference(value.as_string(), with_pkcs11); !checked) {
              // A name after env: or file: is no secret; anything else may be one.
              const std::string& given = value.as_string();
              if (!given.starts_with("env:") && !given.starts_with("file:"))
                reader.problems.hide(value.place);
              return reader.bad_value(value, checked.error().message, checked.error().hint);
            }
            out = value.as_string();
          },
          [](const std::string& from) { return Value(from); },
          [with_pkcs11](SchemaBook&) {
            return string_schema(with_pkcs11 ? "^(env:TRANCHE_[A-Z0-9_]+|file:.+|pkcs11:.+)$"
                                             : "^(env:TRANCHE_[A-Z0-9_]+|file:.+)$",
                                 {"env:TRANCHE_RELEASE_KEY", "file:/etc/tranche/release.key"});
          }};
}

Codec<bool> boolean() {
  return {[](const Value& value, bool& out, Reader& reader) {
            if (!value.is_bool()) return reader.wrong_type(value, "true or false");
            out = value.as_bool();
          },
          [](const bool& from) { return Value(from); },
          [](SchemaBook&) { return Value::object({{"type", "boolean"}}); }};
}

Codec<int> integer(int least, int most) {
  const std::string range =
      least == most ? fmt::format("write {}", least) : fmt::format("{} to {}", least, most);
  return {[least, most, range](const Value& value, int& out, Reader& reader) {
            if (!value.is_int()) return reader.wrong_type(value, "a whole number", range);
            if (value.as_int() < least || value.as_int() > most)
              return reader.bad_value(value, fmt::format("{} is out of range", value.as_int()), range);
            out = static_cast<int>(value.as_int());
          },
          [](const int& from) { return Value(static_cast<std::int64_t>(from)); },
          [least, most](SchemaBook&) {
            return Value::object({{"type", "integer"},
                                  {"minimum", static_cast<std::int64_t>(least)},
                                  {"maximum", static_cast<std::int64_t>(most)}});
          }};
}

namespace {

constexpr std::string_view duration_shape =
    "(?=[0-9])(([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?|0)";

Value or_zero(Value string) {
  return Value::object({{"anyOf", Value(doc::Array{std::move(string), Value::object({{"const", 0}})})}});
}

// A duration is a string, except that 0 needs no unit.
bool duration_text(const Value& value, std::string& out, Reader& reader) {
  if (value.is_string()) {
    out = value.as_string();
    return true;
  }
  if (value.is_int() && value.as_int() == 0) {
    out = "0";
    return true;
  }
  if (value.is_number())
    reader.bad_value(value, fmt::format("{} has no unit", number_text(value)),
                     fmt::format("write {0}s, {0}m, {0}h or {0}d", number_text(value)));
  else
    reader.wrong_type(value, "a duration", "write 30s, 5m, 6h or 2d");
  return false;
}

}  // namespace

Codec<Duration> duration(Duration least, Duration most) {
  return {[least, most](const Value& value, Duration& out, Reader& reader) {
            std::string given;
            if (!duration_text(value, given, reader)) return;
            const auto parsed = parse_duration(given);
            if (!parsed) {
              if (given.find("..") != std::string::npos)
                return reader.bad_value(value, "one duration is asked, not a range", "write 30s, 5m or 6h");
              return reader.bad_value(value, printable(parsed.error().message), parsed.error().hint);
            }
            if (*parsed < least || *parsed > most)
              return reader.bad_value(value, fmt::format("{} is out of range", to_text(*parsed)),
                                      fmt::format("{} to {}", to_text(least), to_text(most)));
            out = *parsed;
          },
          [](const Duration& from) { return Value(to_text(from)); },
          [](SchemaBook&) {
            return or_zero(string_schema(fmt::format("^{}$", duration_shape), {"30s", "5m", "6h", "2d"}));
          }};
}

Codec<Duration> limit(Duration most) {
  Codec<Duration> codec = duration(Duration{}, most);
  codec.write = [](const Duration& from) { return from == Duration{} ? Value() : Value(to_text(from)); };
  return codec;
}

Codec<DurationRange> duration_range() {
  return {
      [](const Value& value, DurationRange& out, Reader& reader) {
        std::string given;
        if (!duration_text(value, given, reader)) return;
        const auto parsed = parse_duration_range(given);
        if (!parsed) return reader.bad_value(value, printable(parsed.error().message), parsed.error().hint);
        out = *parsed;
      },
      [](const DurationRange& from) { return Value(to_text(from)); },
      [](SchemaBook&) {
        return or_zero(string_schema(fmt::format("^{0}(\\.\\.{0})?$", duration_shape), {"6h..24h", "48h"}));
      }};
}

namespace {

Value percent_schema(double above, double most) {
  Value number = Value::object({{"type", "number"}, {"exclusiveMinimum", above}, {"maximum", most}});
  return Value::object(
      {{"anyOf", Value(doc::Array{std::move(number), string_schema("^[0-9]{1,3}(\\.[0-9]{1,4})?%?$")})}});
}

bool read_percent(const Value& value, Percent& out, Reader& reader) {
  if (!value.is_string() && !value.is_number()) {
    reader.wrong_type(value, "a percentage", "write 5, 5% or 0.5%");
    return false;
  }
  const auto parsed = parse_percent(value.is_string() ? value.as_string() : number_text(value));
  if (!parsed) {
    reader.bad_value(value, printable(parsed.error().message), parsed.error().hint);
    return false;
  }
  out = *parsed;
  return true;
}

}  // namespace

Codec<std::optional<Percent>> percent() {
  return {[](const Value& value, std::optional<Percent>& out, Reader& reader) {
            Percent given;
            if (!read_percent(value, given, reader)) return;
            if (given.ppm == 0)
              return reader.bad_value(value, "0% reaches nobody", "write more than 0, or remove the stage");
            out = given;
          },
          [](const std::optional<Percent>& from) { return from ? Value(to_text(*from)) : Value(); },
          [](SchemaBook&) { return percent_schema(0, 100); }};
}

Codec<double> error_rate() {
  return {[](const Value& value, double& out, Reader& reader) {
            Percent given;
            if (!read_percent(value, given, reader)) return;
            if (given.ppm == 0 || given.ppm > Percent::whole / 2)
              return reader.bad_value(value, fmt::format("{} is out of range", to_text(given)),
                                      "an error rate is more than 0% and at most 50%");
            out = given.fraction();
          },
          [](const double& from) {
            return Value(to_text(Percent{static_cast<std::uint32_t>(std::llround(from * Percent::whole))}));
          },
          [](SchemaBook&) { return percent_schema(0, 50); }};
}

Codec<double> ratio() {
  return {[](const Value& value, double& out, Reader& reader) {
            double given = 0;
            if (value.is_number()) {
              given = value.as_double();
            } else if (value.is_string()) {
              std::string_view digits = value.as_string();
              if (digits.ends_with('x')) digits.remove_suffix(1);
              const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), given,
                                                        std::chars_format::fixed);
              if (error != std::errc() || end != digits.data() + digits.size() || digits.empty())
                return reader.bad_value(value,
                                        fmt::format("'{}' is not a ratio", printable(value.as_string(), 64)),
                                        "write 1x, 1.5x or 2x");
            } else {
              return reader.wrong_type(value, "a ratio", "write 1x, 1.5x or 2x");
            }
            if (!std::isfinite(given) || given < 0.001 || given > 1000)
              return reader.bad_value(value, "the ratio is out of range", "0.001x to 1000x");
            out = given;
          },
          [](const double& from) { return Value(fmt::format("{}x", from)); },
          [](SchemaBook&) {
            Value number = Value::object({{"type", "number"}, {"minimum", 0.001}, {"maximum", 1000}});
            return Value::object(
                {{"anyOf", Value(doc::Array{std::move(number),
                                            string_schema("^[0-9]+(\\.[0-9]+)?x?$", {"1x", "1.5x"})})}});
          }};
}

Codec<Value> any_value() {
  return {[](const Value& value, Value& out, Reader&) { out = value; },
          [](const Value& from) { return from; }, [](SchemaBook&) { return Value::object(); }};
}

Codec<Value> any_map() {
  return {[](const Value& value, Value& out, Reader& reader) {
            if (!value.is_object()) return reader.wrong_type(value, "a map");
            out = value;
          },
          [](const Value& from) { return from; },
          [](SchemaBook&) { return Value::object({{"type", "object"}}); }};
}

Codec<std::map<std::string, Value>> map_of_maps() {
  return {[](const Value& value, std::map<std::string, Value>& out, Reader& reader) {
            if (!value.is_object()) return reader.wrong_type(value, "a map of maps");
            out.clear();
            for (const Member& member : value.as_object()) {
              reader.key = member.key;
              if (!member.value.is_object())
                reader.wrong_type(member.value, "a map");
              else
                out[member.key] = member.value;
            }
          },
          [](const std::map<std::string, Value>& from) {
            Object out;
            for (const auto& [key, value] : from) out.push_back({key, value, {}});
            return Value(std::move(out));
          },
          [](SchemaBook&) {
            Value out = Value::object({{"type", "object"}});
            out.set("additionalProperties", Value::object({{"type", "object"}}));
            return out;
          }};
}

}  // namespace tranche::spec
