// Sources: where gates read. One key a kind, each with a table of its own.
#include <algorithm>

#include "base/text.hpp"
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;
constexpr Duration a_day = std::chrono::hours(24);
using Texts = std::map<std::string, std::string>;
using SourceTable = const Table<Source>& (*)();

constexpr std::string_view secret_words[] = {"authorization", "cookie", "token",  "secret",
                                             "password",      "apikey", "api-key"};

bool sounds_secret(std::string_view name) {
  const std::string small = lower(name);
  return std::any_of(std::begin(secret_words), std::end(secret_words),
                     [&](std::string_view word) { return small.find(word) != std::string::npos; });
}

Result<> check_header_name(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!fits)
    return fail_hint(ErrorKind::invalid, "use letters, digits, - and _", "'{}' is no name for it",
                     printable(name, 64));
  return {};
}

// Names to texts; a text that begins with env: or file: is a reference to a secret.
Codec<Instant> instant() {
  return {[](const Value& value, Instant& out, Reader& reader) {
            const char* hint = "write it like 2026-01-01T00:00:00Z";
            if (!value.is_string()) return reader.wrong_type(value, "a time", hint);
            const auto read = parse_instant(value.as_string());
            if (!read) return reader.bad_value(value, read.error().message, hint);
            out = *read;
          },
          [](const Instant& from) { return from == Instant{} ? Value() : Value(to_text(from)); },
          [](SchemaBook&) {
            return Value::object({{"type", "string"}, {"pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"}});
          }};
}

Result<> check_word(std::string_view text) {
  if (!text.empty() && text.size() <= 128 && text.find_first_of(" \t\n/?#&\"'\\") == std::string_view::npos)
    return {};
  return fail_hint(ErrorKind::invalid, "write its short name, as its addresses hold it",
                   "'{}' is no name of that kind", printable(text, 64));
}
TextKind name_there() { return {"a name", check_word, "^[^ /?#&]+$"}; }

// 17 and "17" are the same id.
Codec<std::string> project_id() {
  Codec<std::string> codec = text(name_there());
  codec.read = [as_text = codec.read](const Value& value, std::string& out, Reader& reader) {
    if (!value.is_int() || value.as_int() < 0) return as_text(value, out, reader);
    out = std::to_string(value.as_int());
  };
  codec.schema = [](SchemaBook&) {
    return Value::object({{"type", Value(doc::Array{"string", "integer"})}});
  };
  return codec;
}

Result<> check_program(std::string_view text) {
  if (!text.empty()) return {};
  return fail_hint(ErrorKind::invalid, "write [\"./metrics\", \"--release\", \"$version\"]",
                   "an argument is empty");
}

TextKind http_url() { return {"an http url", check_http_url, "^https?://.+", true}; }

using Fields = std::vector<Field<Source>>;

Field<Source> url_field(std::string doc = "address") {
  return field("url", &Source::url, text(http_url()), std::move(doc));
}
void add_access(Fields& to) {
  to.push_back(field("token", &Source::token, secret_reference(), "secret reference, sent as bearer"));
  to.push_back(field("user", &Source::user, text(), "basic authentication, with `password`"));
  to.push_back(field("password", &Source::password, secret_reference(), "secret reference"));
  to.push_back(field("headers", &Source::headers, texts_or_secrets("VALUE or env:TRANCHE_NAME"),
                     "sent with each request; values may be secret references"));
}
void add_times(Fields& to) {
  to.push_back(field("lag", &Source::lag, duration(0s, a_day),
                     "windows end this long ago, so that late samples are in"));
  to.push_back(
      field("timeout", &Source::timeout, duration(1ms, 10min), "for one question, its retries included"));
}

void check_access(const Value&, Source& source, Reader& reader) {
  if (source.user.empty() != source.password.empty())
    reader.problems.add(source.place, "user and password belong together" + reader.in(),
                        "write { user: NAME, password: env:TRANCHE_NAME }");
  if (!source.user.empty() && !source.token.empty())
    reader.problems.add(source.place, "a token and a user, too" + reader.in(), "keep one of them");
  if (source.user.find(':') != std::string::npos)
    reader.problems.add(source.place, "the user holds a ':'" + reader.in(),
                        "basic authentication cannot send that name");
}

Table<Source> make_table(std::string name, std::string doc, Fields fields) {
  add_times(fields);
  return {std::move(name), std::move(doc), std::move(fields), check_access};
}

const Table<Source>& connection_table() {
  static const Table<Source> table = [] {
    Fields fields;
    fields.push_back(url_field().must());
    add_access(fields);
    return make_table("connection", "How to reach a metrics system.", std::move(fields));
  }();
  return table;
}

const Table<Source>& sentry_table() {
  static const Table<Source> table = [] {
    Fields fields;
    fields.push_back(url_field("address; sentry.io when absent"));
    fields.push_back(
        field("organization", &Source::organization, text(name_there()), "its short name").must());
    fields.push_back(field("projects", &Source::projects,
                           list(project_id(), {.one_or_many = true, .of = "ids"}),
                           "ids of projects; all when absent"));
    fields.push_back(field("environment", &Source::environment, text(name_there()), "only this one"));
    fields.push_back(field("release", &Source::release, text(),
                           "how the app names its releases, with {app} and {version}"));
    add_access(fields);
    Table<Source> made =
        make_table("sentry", "Release health: sessions and crash-free rates.", std::move(fields));
    made.after = [](const Value& value, Source& source, Reader& reader) {
      if (source.url.empty()) source.url = "https://sentry.io";
      if (source.release.find("{version}") == std::string::npos)
        reader.problems.add(source.place, "release holds no {version}" + reader.in(),
                            "write how the app names its releases: \"{app}@{version}\"");
      check_access(value, source, reader);
    };
    return made;
  }();
  return table;
}

const Table<Source>& datadog_table() {
  static const Table<Source> table = [] {
    Fields fields;
    fields.push_back(url_field("of the region's API; https://api.datadoghq.com when absent"));
    fields.push_back(field("api-key", &Source::api_key, secret_reference(), "secret reference").must());
    fields.push_back(field("app-key", &Source::app_key, secret_reference(), "secret reference").must());
    fields.push_back(field("api", &Source::api,
                           choice<Source::Api>({{"v1", Source::Api::v1}, {"v2", Source::Api::v2}}),
                           "version of the query API"));
    fields.push_back(field("aggregator", &Source::aggregator,
                           word({"avg", "min", "max", "sum", "last", "percentile", "mean", "l2norm", "area"}),
                           "v2: how a measurement becomes one number"));
    Table<Source> made = make_table("datadog", "Metric queries of Datadog.", std::move(fields));
    made.after = [](const Value&, Source& source, Reader&) {
      if (source.url.empty()) source.url = "https://api.datadoghq.com";
    };
    return made;
  }();
  return table;
}

const Table<Source>& influxdb_table() {
  static const Table<Source> table = [] {
    Fields fields;
    fields.push_back(url_field().must());
    fields.push_back(field("database", &Source::database, text(name_there()), "what to read from").must());
    fields.push_back(field("retention", &Source::retention, text(name_there()),
                           "retention policy; the database's own when absent"));
    add_access(fields);
    return make_table("influxdb", "InfluxQL queries of an InfluxDB 1.x.", std::move(fields));
  }();
  return table;
}

const Table<Source>& web_table() {
  static const Table<Source> table = [] {
    Fields fields;
    fields.push_back(url_field("address, may hold $variables").must());
    fields.push_back(field("method", &Source::method, word({"GET", "POST", "PUT"}), "of the request"));
    fields.push_back(field("body", &Source::body, text(), "may hold $variables; not with GET"));
    fields.push_back(field("json-path", &Source::json_path, text(),
                           "what of the answer: {$.data.rate}; a gate's query goes before it"));
    add_access(fields);
    Table<Source> made = make_table("web", "Any HTTP endpoint that answers with JSON.", std::move(fields));
    made.after = [](const Value& value, Source& source, Reader& reader) {
      if (source.method == "GET" && !source.body.empty())
        reader.problems.add(source.place, "a GET has no body" + reader.in(), "write method: POST");
      check_access(value, source, reader);
    };
    return made;
  }();
  return table;
}

const Table<Source>& command_table() {
  static const Table<Source> table = [] {
    Fields fields;
    fields.push_back(field("argv", &Source::argv,
                           list(text({"an argument", check_program, ""}), {.least = 1, .most = 100}),
                           "program and arguments, may hold $variables; no shell")
                         .must());
    fields.push_back(field("env", &Source::env, texts_or_secrets("VALUE or env:TRANCHE_NAME"),
                           "added to its environment; values may be secret references"));
    fields.push_back(
        field("json-path", &Source::json_path, text(), "what of its answer; a gate's query goes before it"));
    return make_table("command", "A program that prints JSON.", std::move(fields));
  }();
  return table;
}

const Table<Source>& file_table() {
  static const Table<Source> table = [] {
    Fields fields;
    fields.push_back(field("path", &Source::path, text({"a path", check_repository_path, ""}),
                           "of the counts, one JSON object a line, as `gate replay` reads them")
                         .must());
    fields.push_back(field("series", &Source::series, text(), "only lines of this series"));
    fields.push_back(field("start", &Source::start, instant(), "what `t` counts from; 1970 when absent"));
    return make_table("file", "Counts in a file of the repository.", std::move(fields));
  }();
  return table;
}

struct KindRow {
  std::string_view key;
  Source::Kind kind;
  SourceTable table;
  std::string_view short_key;  // what a value that is no map stands for; empty: there is no short form
  std::string_view doc;
};
constexpr KindRow kinds[] = {
    {"prometheus", Source::Kind::prometheus, connection_table, "url",
     "a Prometheus, VictoriaMetrics, or what speaks that query API: URL or map"},
    {"serve", Source::Kind::serve, connection_table, "url", "the counters of a `tranche serve`: URL or map"},
    {"sentry", Source::Kind::sentry, sentry_table, "", "sessions and crash-free rates of Sentry"},
    {"datadog", Source::Kind::datadog, datadog_table, "", "metric queries of Datadog"},
    {"graphite", Source::Kind::graphite, connection_table, "url", "a graphite-web: URL or map"},
    {"influxdb", Source::Kind::influxdb, influxdb_table, "", "an InfluxDB 1.x, asked in InfluxQL"},
    {"web", Source::Kind::web, web_table, "url", "an HTTP endpoint that answers with JSON: URL or map"},
    {"command", Source::Kind::command, command_table, "argv", "a program that prints JSON: argv or map"},
    {"file", Source::Kind::file, file_table, "path", "counts in a file of the repository: path or map"},
};

Field<Source> kind_field(const KindRow& row) {
  Field<Source> f;
  const Codec<Source> whole = record<Source>(row.table);
  f.key = row.key;
  f.doc = row.doc;
  f.when = [kind = row.kind](const Source& source) { return source.kind == kind; };
  f.read = [row, whole](const Value& value, Source& into, Reader& reader) {
    into.kind = row.kind;
    if (value.is_object() || row.short_key.empty()) return whole.read(value, into, reader);
    row.table().find(row.short_key)->read(value, into, reader);
  };
  f.write = [row](const Source& source) { return row.table().write(source); };
  f.schema = [row, whole](SchemaBook& book) {
    if (row.short_key.empty()) return whole.schema(book);
    Value short_form = row.table().find(row.short_key)->schema(book);
    return Value::object({{"anyOf", Value(doc::Array{std::move(short_form), whole.schema(book)})}});
  };
  return f;
}

const Table<Source>& source_table() {
  static const Table<Source> table = [] {
    Table<Source> made{"source", "A system that gates read metrics from: exactly one key.", {}, nullptr};
    for (const KindRow& row : kinds) made.fields.push_back(kind_field(row));
    made.after = [](const Value& value, Source& source, Reader& reader) {
      if (!value.is_object()) return;
      std::vector<std::string> given;
      for (const KindRow& row : kinds)
        if (value.find(row.key) != nullptr) given.emplace_back(row.key);
      if (given.size() > 1)
        reader.problems.add(source.place, join(given, " and ") + " together" + reader.in(),
                            given.size() == 2 ? "make two sources of them" : "make a source of each");
      if (value.as_object().empty())
        reader.problems.add(source.place, "the source has no kind" + reader.in(),
                            "write { prometheus: { url: ... } } or { serve: URL }");
    };
    return made;
  }();
  return table;
}

}  // namespace

Codec<std::map<std::string, std::string>> texts_or_secrets(std::string noun) {
  return {[noun](const Value& value, Texts& out, Reader& reader) {
            constexpr std::size_t most = 32;
            if (!value.is_object())
              return reader.wrong_type(value, "a map", fmt::format("write {{ NAME: {} }}", noun));
            if (value.as_object().size() > most)
              return reader.bad_value(value, fmt::format("{} entries", value.as_object().size()),
                                      fmt::format("at most {}", most));
            Texts read;
            for (const Member& member : value.as_object()) {
              if (const auto checked = check_header_name(member.key); !checked)
                return reader.bad_value(member.value, checked.error().message, checked.error().hint);
              if (!member.value.is_string())
                return reader.wrong_type(member.value, "a string", "put the value in quotes");
              const std::string& text = member.value.as_string();
              if (is_secret_reference(text)) {
                if (const auto checked = check_secret_reference(text, false); !checked)
                  return reader.bad_value(member.value, checked.error().message, checked.error().hint);
              } else if (sounds_secret(member.key)) {
                reader.problems.hide(member.value.place);
                return reader.bad_value(member.value,
                                        fmt::format("'{}' sounds like a secret", printable(member.key, 64)),
                                        "write env:TRANCHE_NAME or file:PATH; never the secret itself");
              }
              if (text.size() > 4096 || text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos)
                return reader.bad_value(member.value, "it is too long or holds line breaks",
                                        "write one line of at most 4096 bytes");
              read[member.key] = text;
            }
            out = std::move(read);
          },
          [](const Texts& from) {
            Value out = Value::object();
            for (const auto& [name, text] : from) out.set(name, text);
            return out;
          },
          [](SchemaBook&) {
            Value out = Value::object({{"type", "object"}});
            out.set("additionalProperties", Value::object({{"type", "string"}}));
            out.set("maxProperties", 32);
            return out;
          }};
}

Codec<Source> source_codec() { return record<Source>(source_table); }

std::string_view to_text(Source::Kind kind) {
  for (const KindRow& row : kinds)
    if (row.kind == kind) return row.key;
  return "";
}

bool is_secret_reference(std::string_view text) {
  return text.starts_with("env:") || text.starts_with("file:");
}

std::vector<SecretReference> secret_references(const Source& source) {
  std::vector<SecretReference> out;
  const auto add = [&](std::string key, const std::string& reference) {
    if (!reference.empty()) out.push_back({std::move(key), reference});
  };
  add("token", source.token);
  add("password", source.password);
  add("api-key", source.api_key);
  add("app-key", source.app_key);
  for (const auto& [name, text] : source.headers)
    if (is_secret_reference(text)) add("headers." + name, text);
  for (const auto& [name, text] : source.env)
    if (is_secret_reference(text)) add("env." + name, text);
  return out;
}

}  // namespace tranche::spec
