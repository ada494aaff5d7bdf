// Sources: where gates read. One key a kind.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;
constexpr Duration a_day = std::chrono::hours(24);

// The keys inside `prometheus:` and `serve:`.
const Table<Source>& connection_table() {
  static const Table<Source> table{
      "connection",
      "How to reach a metrics system.",
      {field("url", &Source::url, text({"an http url", check_http_url, "^https?://.+", true}), "address")
           .must(),
       field("token", &Source::token, secret_reference(), "secret reference, sent as bearer"),
       field("lag", &Source::lag, duration(0s, a_day),
             "windows end this long ago, so that late samples are in"),
       field("timeout", &Source::timeout, duration(1ms, 10min), "for one request")},
      {}};
  return table;
}

Field<Source> kind_field(std::string key, Source::Kind kind, std::string doc) {
  Field<Source> f;
  const Codec<Source> whole = record<Source>(connection_table);
  f.key = std::move(key);
  f.doc = std::move(doc);
  f.when = [kind](const Source& source) { return source.kind == kind; };
  f.read = [kind, whole](const Value& value, Source& into, Reader& reader) {
    into.kind = kind;
    if (value.is_object()) return whole.read(value, into, reader);
    connection_table().find("url")->read(value, into, reader);
  };
  f.write = [](const Source& source) { return connection_table().write(source); };
  f.schema = [whole](SchemaBook& book) {
    Value url = Value::object({{"type", "string"}, {"pattern", "^https?://.+"}});
    return Value::object({{"anyOf", Value(doc::Array{std::move(url), whole.schema(book)})}});
  };
  return f;
}

const Table<Source>& source_table() {
  static const Table<Source> table{
      "source",
      "A system that gates read metrics from: exactly one key.",
      {kind_field("prometheus", Source::Kind::prometheus,
                  "a Prometheus, or what speaks its query API: URL or map"),
       kind_field("serve", Source::Kind::serve, "the counters of a `tranche serve`: URL or map")},
      [](const Value& value, Source& source, Reader& reader) {
        if (value.is_object() && value.as_object().size() > 1 && value.find("prometheus") &&
            value.find("serve"))
          reader.problems.add(source.place, "prometheus and serve together" + reader.in(),
                              "make two sources of them");
        if (value.is_object() && value.as_object().empty())
          reader.problems.add(source.place, "the source has no kind" + reader.in(),
                              "write { prometheus: { url: ... } } or { serve: URL }");
      }};
  return table;
}

}  // namespace

Codec<Source> source_codec() { return record<Source>(source_table); }

}  // namespace tranche::spec
