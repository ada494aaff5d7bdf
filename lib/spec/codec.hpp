// How a struct of spec.hpp and a map of tranche.yaml become each other.
//
// A Codec reads one type of value, writes it back and describes it as JSON Schema. A Table is the list of
// keys of one struct: {key, member, codec, doc line, required}. Loader, writer and schema walk the same
// table, so they cannot disagree. A key's default is what a default-constructed struct holds.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "spec/problems.hpp"

namespace tranche::spec {

using doc::Member;
using doc::Object;

// Reads a list of device ids from a file of the repository; empty in texts that have no repository.
using ReadList = std::function<Result<std::vector<std::string>>(const std::string& path)>;

struct Reader {
  Problems& problems;
  ReadList read_list;
  std::vector<std::string> where;  // outermost first: "rollout 'desktop'", "stage 2"
  std::string key;                 // the key being read

  // " in stage 2 of rollout 'desktop'"; empty at the top.
  [[nodiscard]] std::string in() const;
  void wrong_type(const Value& value, std::string_view expected, std::string hint = {});
  // `why` completes "bad 'bake' in stage 2: ..."
  void bad_value(const Value& value, std::string_view why, std::string hint = {});
};

// Named parts of the schema ("#/$defs/gate").
struct SchemaBook {
  std::map<std::string, Value> defs;
  Value define(const std::string& name, const std::function<Value(SchemaBook&)>& make);
};

template <class T>
struct Codec {
  // On a problem: says so and leaves `out` as it was.
  std::function<void(const Value&, T& out, Reader&)> read;
  std::function<Value(const T&)> write;  // null, "", [] and {} mean "nothing to say"
  std::function<Value(SchemaBook&)> schema;
};

bool is_blank(const Value& value);

template <class S>
struct Field {
  std::string key;
  std::string doc;
  bool required = false;
  bool always = false;                 // written even when blank
  std::function<bool(const S&)> when;  // null: for every S
  std::function<void(const Value&, S&, Reader&)> read;
  std::function<Value(const S&)> write;
  std::function<Value(SchemaBook&)> schema;
  Value fallback;  // as written

  Field&& must() && {
    required = true;
    return std::move(*this);
  }
  Field&& written_always() && {
    always = true;
    return std::move(*this);
  }
  Field&& only(std::function<bool(const S&)> condition) && {
    when = std::move(condition);
    return std::move(*this);
  }
};

template <class S, class T>
Field<S> field(std::string key, T S::* member, Codec<T> codec, std::string doc) {
  Field<S> f;
  f.key = std::move(key);
  f.doc = std::move(doc);
  const T fallback = S{}.*member;
  f.fallback = codec.write(fallback);
  f.read = [member, fallback, read = codec.read](const Value& value, S& into, Reader& reader) {
    T out = fallback;
    read(value, out, reader);
    into.*member = std::move(out);
  };
  f.write = [member, write = std::move(codec.write)](const S& from) { return write(from.*member); };
  f.schema = std::move(codec.schema);
  return f;
}

// Reports a key that no table knows. `known`: the candidates for did-you-mean.
void report_unknown_key(const Member& member, const std::vector<std::string>& known, Reader& reader);
void report_missing_key(const Place& place, std::string_view key, std::string_view doc, Reader& reader);

template <class S>
struct Table {
  std::string name;  // in the schema: "#/$defs/<name>"
  std::string doc;
  std::vector<Field<S>> fields;
  std::function<void(const Value&, S&, Reader&)> after;  // what depends on several keys
  bool open = false;                                     // unknown keys are somebody else's

  [[nodiscard]] const Field<S>* find(std::string_view key) const {
    for (const Field<S>& f : fields)
      if (f.key == key) return &f;
    return nullptr;
  }
  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const Field<S>& f : fields) out.push_back(f.key);
    return out;
  }
  // `place`: what to point at when a key is missing. `also`: keys that another table reads.
  void read(const Value& value, S& into, Reader& reader, const Place& place,
            const std::vector<std::string>& also = {}) const {
    if (!value.is_object()) {
      reader.wrong_type(value, "a map");
      return;
    }
    for (const Member& member : value.as_object()) {
      const Field<S>* f = find(member.key);
      if (f == nullptr) {
        if (open || std::find(also.begin(), also.end(), member.key) != also.end()) continue;
        if (reader.problems.full()) {
          reader.problems.drop();
          continue;
        }
        std::vector<std::string> known = keys();
        known.insert(known.end(), also.begin(), also.end());
        report_unknown_key(member, known, reader);
        continue;
      }
      reader.key = member.key;
      if (member.value.is_null()) {
        reader.bad_value(member.value, "it has no value", "give it a value or remove the key");
        continue;
      }
      f->read(member.value, into, reader);
    }
    for (const Field<S>& f : fields)
      if (f.required && value.find(f.key) == nullptr) report_missing_key(place, f.key, f.doc, reader);
    if (after) after(value, into, reader);
  }
  [[nodiscard]] Value write(const S& from) const {
    Object out;
    for (const Field<S>& f : fields) {
      if (f.when && !f.when(from)) continue;
      Value value = f.write(from);
      if (is_blank(value) && is_blank(f.fallback) && !f.always) continue;
      out.push_back({f.key, std::move(value), {}});
    }
    return Value(std::move(out));
  }
  [[nodiscard]] Value schema(SchemaBook& book) const {
    Value properties = Value::object();
    Value required = Value::array();
    for (const Field<S>& f : fields) {
      Value part = f.schema(book);
      part.set("description", f.doc);
      if (!is_blank(f.fallback) && !f.required) part.set("default", f.fallback);
      properties.set(f.key, std::move(part));
      if (f.required) required.push(f.key);
    }
    Value out = Value::object({{"type", "object"}, {"description", doc}});
    out.set("properties", std::move(properties));
    if (!required.as_array().empty()) out.set("required", std::move(required));
    if (!open) out.set("additionalProperties", false);
    return out;
  }
};

template <class S>
Codec<S> record(const Table<S>& (*table)()) {
  return {[table](const Value& value, S& out, Reader& reader) {
            if constexpr (requires { out.place; }) {
              if (out.place.line == 0) out.place = value.place;
            }
            if constexpr (requires { out.place; })
              table().read(value, out, reader, out.place);
            else
              table().read(value, out, reader, value.place);
          },
          [table](const S& from) { return table().write(from); },
          [table](SchemaBook& book) {
            return book.define(table().name, [table](SchemaBook& inner) { return table().schema(inner); });
          }};
}

// Problems inside speak of `noun`: "bad 'root' in trust".
template <class T>
Codec<T> within(std::string noun, Codec<T> codec) {
  codec.read = [noun, inner = codec.read](const Value& value, T& out, Reader& reader) {
    reader.where.push_back(noun);
    inner(value, out, reader);
    reader.where.pop_back();
  };
  return codec;
}

// Keys of S in a map of their own: `release: { require: [...] }`.
template <class S>
Field<S> group(std::string key, std::string doc, std::vector<Field<S>> fields) {
  auto table = std::make_shared<Table<S>>();
  table->name = key;
  table->doc = doc;
  table->fields = std::move(fields);
  Field<S> f;
  f.key = std::move(key);
  f.doc = std::move(doc);
  f.read = [table](const Value& value, S& into, Reader& reader) {
    reader.where.push_back("'" + table->name + "'");
    table->read(value, into, reader, value.place);
    reader.where.pop_back();
  };
  f.write = [table](const S& from) { return table->write(from); };
  f.schema = [table](SchemaBook& book) { return table->schema(book); };
  return f;
}

struct ListRule {
  std::string noun;  // "stage": problems speak of "stage 2"; empty for plain values
  std::size_t least = 0;
  std::size_t most = 1'000;
  bool one_or_many = false;    // a lone value is a list of one
  std::string of = "strings";  // "must be a list of strings"
};

template <class T>
Codec<std::vector<T>> list(Codec<T> item, ListRule rule = {}) {
  const auto read_one = [item, rule](const Value& value, std::size_t index, std::vector<T>& out,
                                     Reader& reader) {
    T one{};
    if constexpr (requires { one.place; }) one.place = value.place;
    if (!rule.noun.empty()) reader.where.push_back(fmt::format("{} {}", rule.noun, index + 1));
    const std::string key = reader.key;
    item.read(value, one, reader);
    reader.key = key;
    if (!rule.noun.empty()) reader.where.pop_back();
    out.push_back(std::move(one));
  };
  return {[rule, read_one](const Value& value, std::vector<T>& out, Reader& reader) {
            if (!value.is_array()) {
              if (!rule.one_or_many)
                return reader.wrong_type(value, "a list of " + rule.of, "write [..., ...]");
              out.clear();
              return read_one(value, 0, out, reader);
            }
            const auto& items = value.as_array();
            if (items.size() < rule.least || items.size() > rule.most)
              return reader.bad_value(
                  value,
                  items.empty() ? std::string("the list is empty") : fmt::format("{} entries", items.size()),
                  fmt::format("give {} to {}", rule.least, rule.most));
            out.clear();
            for (std::size_t i = 0; i < items.size(); ++i) read_one(items[i], i, out, reader);
          },
          [item](const std::vector<T>& from) {
            doc::Array out;
            for (const T& one : from) out.push_back(item.write(one));
            return Value(std::move(out));
          },
          [item, rule](SchemaBook& book) {
            Value out = Value::object({{"type", "array"}});
            out.set("items", item.schema(book));
            if (rule.least > 0) out.set("minItems", static_cast<std::int64_t>(rule.least));
            out.set("maxItems", static_cast<std::int64_t>(rule.most));
            if (!rule.one_or_many) return out;
            Value either = Value::object();
            either.set("anyOf", Value(doc::Array{item.schema(book), std::move(out)}));
            return either;
          }};
}

constexpr std::size_t most_names = 1'000;  // of a map of named things
// [a-z0-9][a-z0-9-]{0,62}: names of apps, channels, cohorts, gates and all that a map names.
bool is_name(std::string_view text);
inline constexpr std::string_view name_pattern = "^[a-z0-9][a-z0-9-]{0,62}$";
bool check_names(const Value& value, const std::string& noun, Reader& reader);
Value named_schema(Value item, const std::string& noun);

// A map from names to T; T has a member `name`, and its place is where the name stands.
template <class T>
Codec<std::vector<T>> named(std::string noun, Codec<T> item) {
  return {[noun, item](const Value& value, std::vector<T>& out, Reader& reader) {
            if (!check_names(value, noun, reader)) return;
            out.clear();
            for (const Member& member : value.as_object()) {
              T one{};
              one.name = member.key;
              one.place = member.key_place;
              reader.where.push_back(fmt::format("{} '{}'", noun, printable(member.key, 64)));
              reader.key = member.key;
              item.read(member.value, one, reader);
              reader.where.pop_back();
              out.push_back(std::move(one));
            }
          },
          [item](const std::vector<T>& from) {
            Object out;
            for (const T& one : from) out.push_back({one.name, item.write(one), {}});
            return Value(std::move(out));
          },
          [noun, item](SchemaBook& book) { return named_schema(item.schema(book), noun); }};
}

// Words for the values of an enumeration.
template <class E>
struct Word {
  std::string_view text;
  E value;
};
bool read_word(const Value& value, const std::vector<std::string>& words, std::size_t& index, Reader& reader);
Value word_schema(const std::vector<std::string>& words);

template <class E>
Codec<E> choice(std::vector<Word<E>> words) {
  std::vector<std::string> texts;
  for (const Word<E>& word : words) texts.emplace_back(word.text);
  return {[words, texts](const Value& value, E& out, Reader& reader) {
            std::size_t index = 0;
            if (read_word(value, texts, index, reader)) out = words[index].value;
          },
          [words](const E& from) {
            for (const Word<E>& word : words)
              if (word.value == from) return Value(word.text);
            return Value();
          },
          [texts](SchemaBook&) { return word_schema(texts); }};
}

// Strings. `check` says what is wrong; no control characters but newline and tab, at most 16 KiB.
struct TextKind {
  std::string what = "a string";
  Result<> (*check)(std::string_view) = nullptr;
  std::string pattern;           // JSON Schema, ECMA-262
  bool may_hold_secret = false;  // a url with a password: a refused one is not shown again
};
Codec<std::string> text(TextKind kind = {});
Codec<std::string> word(std::vector<std::string> words);  // one of these strings
Codec<std::string> secret_reference(bool with_pkcs11 = false);

Codec<bool> boolean();
Codec<int> integer(int least, int most);
Codec<Duration> duration(Duration least, Duration most);
Codec<DurationRange> duration_range();
Codec<std::optional<Percent>> percent();
Codec<double> ratio();       // "1.5x" or 1.5; 0 < r <= 1000
Codec<double> error_rate();  // "1%" or 1 (percent); 0 < p <= 50%
Codec<Value> any_value();
Codec<Value> any_map();
Codec<std::map<std::string, Value>> map_of_maps();

}  // namespace tranche::spec
