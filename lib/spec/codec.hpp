// How a struct of spec.hpp and a map of tranche.yaml become each other.
//
// A Codec reads one type of value, writes it back and describes it as JSON
// Schema. A Table is the list of keys of one struct: {key, member, codec, doc
// line, required}. Loader, writer and schema walk the same table, so they
// cannot disagree. A key's default is what a default-constructed struct holds.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
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

// Reads a list of device ids from a file of the repository; empty in texts that
// have no repository.
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

// What of a key does not depend on the struct it belongs to. Its special
// members stand in codec.cpp, and so does the work of a table below: here they
// would be compiled once for each of some forty structs.
struct FieldBase {
  std::string key;
  std::string doc;
  bool required = false;
  bool always = false;  // written even when blank
  std::function<Value(SchemaBook&)> schema;
  Value fallback;  // as written

  FieldBase();
  FieldBase(const FieldBase& other);
  FieldBase(FieldBase&& other) noexcept;
  FieldBase& operator=(const FieldBase& other);
  FieldBase& operator=(FieldBase&& other) noexcept;
  ~FieldBase();
};

template <class S>
struct Field : FieldBase {
  std::function<bool(const S&)> when;  // null: for every S
  std::function<void(const Value&, S&, Reader&)> read;
  std::function<Value(const S&)> write;

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

// What a struct holds before anything is read.
template <class S>
const S& fresh() {
  static const S value{};
  return value;
}

template <class S, class T>
Field<S> field(std::string_view key, T S::* member, Codec<T> codec, std::string_view doc) {
  Field<S> f;
  f.key = key;
  f.doc = doc;
  f.fallback = codec.write(fresh<S>().*member);
  f.read = [member, read = std::move(codec.read)](const Value& value, S& into, Reader& reader) {
    T out = fresh<S>().*member;
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

using FieldList = std::vector<const FieldBase*>;
using ReadField = void (*)(const void* fields, std::size_t index, const Value& value, void* into,
                           Reader& reader);
// Reads each key of a map by its field and reports the rest: true when it was a
// map.
bool read_fields(const Value& value, const FieldList& list, const std::vector<std::string>& also, bool open,
                 const Place& place, Reader& reader, ReadField read, const void* fields, void* into);
void write_field(const FieldBase& field, Value value, Object& out);
Value fields_schema(const FieldList& list, const std::string& doc, bool open, SchemaBook& book);

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
  [[nodiscard]] FieldList field_list() const {
    FieldList out;
    out.reserve(fields.size());
    for (const Field<S>& f : fields) out.push_back(&f);
    return out;
  }
  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const Field<S>& f : fields) out.push_back(f.key);
    return out;
  }
  // `place`: what to point at when a key is missing. `also`: keys that another
  // table reads.
  void read(const Value& value, S& into, Reader& reader, const Place& place,
            const std::vector<std::string>& also = {}) const {
    const ReadField read_field = [](const void* of, std::size_t index, const Value& member, void* target,
                                    Reader& by) {
      static_cast<const Field<S>*>(of)[index].read(member, *static_cast<S*>(target), by);
    };
    if (!read_fields(value, field_list(), also, open, place, reader, read_field, fields.data(), &into))
      return;
    if (after) after(value, into, reader);
  }
  [[nodiscard]] Value write(const S& from) const {
    Object out;
    for (const Field<S>& f : fields)
      if (!f.when || f.when(from)) write_field(f, f.write(from), out);
    return Value(std::move(out));
  }
  [[nodiscard]] Value schema(SchemaBook& book) const { return fields_schema(field_list(), doc, open, book); }
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

// The items of a list, or a lone value where the rule allows it; nullopt:
// reported.
std::optional<std::span<const Value>> list_items(const Value& value, const ListRule& rule, Reader& reader);
Value list_schema(const ListRule& rule, Value item);

// While it lives, problems speak of entry `index`; the key that was being read
// is kept.
class ReadingItem {
 public:
  ReadingItem(const ListRule& rule, std::size_t index, Reader& reader);
  ReadingItem(const ReadingItem&) = delete;
  ReadingItem& operator=(const ReadingItem&) = delete;
  ~ReadingItem();

 private:
  Reader& reader_;
  std::size_t depth_;
  std::string key_;
};

template <class T>
Codec<std::vector<T>> list(Codec<T> item, ListRule rule = {}) {
  return {
      [rule, read = std::move(item.read)](const Value& value, std::vector<T>& out, Reader& reader) {
        const auto items = list_items(value, rule, reader);
        if (!items) return;
        out.clear();
        for (std::size_t i = 0; i < items->size(); ++i) {
          T one{};
          if constexpr (requires { one.place; }) one.place = (*items)[i].place;
          const ReadingItem reading(rule, i, reader);
          read((*items)[i], one, reader);
          out.push_back(std::move(one));
        }
      },
      [write = std::move(item.write)](const std::vector<T>& from) {
        doc::Array out;
        for (const T& one : from) out.push_back(write(one));
        return Value(std::move(out));
      },
      [rule, schema = std::move(item.schema)](SchemaBook& book) { return list_schema(rule, schema(book)); }};
}

constexpr std::size_t most_names = 1'000;  // of a map of named things
// [a-z0-9][a-z0-9-]{0,62}: names of apps, channels, cohorts, gates and all that
// a map names.
bool is_name(std::string_view text);
inline constexpr std::string_view name_pattern = "^[a-z0-9][a-z0-9-]{0,62}$";
bool check_names(const Value& value, const std::string& noun, Reader& reader);
Value named_schema(Value item, const std::string& noun);

// A map from names to T; T has a member `name`, and its place is where the name
// stands.
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

// Strings. `check` says what is wrong; no control characters but newline and
// tab, at most 16 KiB.
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
Codec<Duration> limit(Duration most);  // zero, the default: none, and nothing is written for it
Codec<DurationRange> duration_range();
Codec<std::optional<Percent>> percent();
Codec<double> ratio();       // "1.5x" or 1.5; 0 < r <= 1000
Codec<double> error_rate();  // "1%" or 1 (percent); 0 < p <= 50%
Codec<Value> any_value();
Codec<Value> any_map();
Codec<std::map<std::string, Value>> map_of_maps();

}  // namespace tranche::spec
