// Sources, gates, cohorts and the state: the structs whose maps come in several shapes.
#include <algorithm>

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

Codec<Labels> labels_codec() {
  return {[](const Value& value, Labels& out, Reader& reader) {
            if (!value.is_object())
              return reader.wrong_type(value, "a map from labels to values", "write { region: [de, fr] }");
            if (value.as_object().size() > 32)
              return reader.bad_value(value, "more than 32 labels", "a device has at most 32");
            out.clear();
            for (const Member& member : value.as_object()) {
              if (!check_device_id(member.key))
                reader.problems.add(member.key_place,
                                    fmt::format("bad label '{}'{}", printable(member.key, 64), reader.in()),
                                    "1 to 128 bytes of printable ASCII");
              reader.key = member.key;
              ListRule rule;
              rule.one_or_many = true;
              rule.least = 1;
              const TextKind kind{"a string or a list of strings",
                                  [](std::string_view label) -> Result<> {
                                    if (check_device_id(label)) return {};
                                    return fail_hint(ErrorKind::invalid, "1 to 128 bytes of printable ASCII",
                                                     "'{}' is not a label value", printable(label, 64));
                                  },
                                  ""};
              list(text(kind), rule).read(member.value, out[member.key], reader);
            }
          },
          [](const Labels& from) {
            Object out;
            for (const auto& [label, values] : from) {
              doc::Array accepted;
              for (const std::string& value : values) accepted.emplace_back(value);
              out.push_back({label, Value(std::move(accepted)), {}});
            }
            return Value(std::move(out));
          },
          [](SchemaBook&) {
            const Value one = Value::object({{"type", "string"}, {"minLength", 1}, {"maxLength", 128}});
            Value many = Value::object({{"type", "array"}, {"items", one}, {"minItems", 1}});
            Value out = Value::object({{"type", "object"}, {"maxProperties", 32}});
            out.set("additionalProperties",
                    Value::object({{"anyOf", Value(doc::Array{one, std::move(many)})}}));
            return out;
          }};
}

// A list of ids, or { file: PATH } with one id a line.
Codec<std::vector<std::string>> devices_codec() {
  ListRule rule;
  rule.most = 100'000;
  rule.of = "device ids";
  const auto ids = list(text({"a device id", check_device_id, ""}), rule);
  return {[ids](const Value& value, std::vector<std::string>& out, Reader& reader) {
            const Value* file = value.find("file");
            if (file == nullptr) return ids.read(value, out, reader);
            if (!file->is_string() || value.as_object().size() != 1)
              return reader.bad_value(value, "a map here holds just `file: PATH`",
                                      "one id a line in that file");
            if (auto inside = check_repository_path(file->as_string()); !inside)
              return reader.bad_value(*file, inside.error().message, inside.error().hint);
            if (!reader.read_list)
              return reader.bad_value(*file, "a list of devices cannot be read here",
                                      "write the ids into the list");
            auto listed = reader.read_list(file->as_string());
            if (!listed) return reader.bad_value(*file, listed.error().message, listed.error().hint);
            out = std::move(*listed);
          },
          ids.write,
          [ids](SchemaBook& book) {
            Value file = Value::object({{"type", "object"}});
            file.set("properties", Value::object({{"file", Value::object({{"type", "string"}})}}));
            file.set("required", Value(doc::Array{Value("file")}));
            file.set("additionalProperties", false);
            return Value::object({{"anyOf", Value(doc::Array{ids.schema(book), std::move(file)})}});
          }};
}

const Table<Cohort>& cohort_table() {
  static const Table<Cohort> table{
      "cohort",
      "A named set of devices.",
      {field("match", &Cohort::match, labels_codec(),
             "labels and the values accepted: all labels, any value"),
       field("devices", &Cohort::devices, devices_codec(), "ids, or { file: PATH } with one id a line"),
       field("feed-channel", &Cohort::feed_channel, text({"a name", check_name, std::string(name_pattern)}),
             "these devices read a channel file of their own in static feeds"),
       field("hold", &Cohort::hold,
             text({"a version in quotes", check_version_text, "^[A-Za-z0-9_.+~-]{1,64}$"}),
             "an administrator's pin: never offered more than this version")},
      [](const Value& value, Cohort& cohort, Reader& reader) {
        if (!value.is_object() || value.find("match") || value.find("devices") || value.find("feed-channel"))
          return;
        reader.problems.add(cohort.place, "no devices" + reader.in(),
                            "give match, devices or feed-channel: it must say who belongs to it");
      }};
  return table;
}

bool is_compare(const Gate& gate) { return gate.kind == Gate::Kind::compare; }
bool is_threshold(const Gate& gate) { return gate.kind == Gate::Kind::threshold; }
bool is_foreign(const Gate& gate) { return !is_compare(gate) && !is_threshold(gate); }

Codec<Gate::Kind> kind_codec() {
  using Kind = Gate::Kind;
  return choice<Kind>({{"compare", Kind::compare},
                       {"threshold", Kind::threshold},
                       {"kayenta", Kind::kayenta},
                       {"model", Kind::model},
                       {"argo", Kind::argo}});
}

TextKind query_kind() { return {"a query", check_query, ""}; }

// What the keys of a gate say about its kind, when `kind` does not.
Gate::Kind infer_kind(const Value& value) {
  if (const Value* judge = value.find("judge"); judge != nullptr && judge->is_string())
    return judge->as_string() == "model" ? Gate::Kind::model : Gate::Kind::kayenta;
  if (value.find("argo")) return Gate::Kind::argo;
  const bool comparing = value.find("events") || value.find("exposure");
  const bool asking =
      value.find("query") || value.find("success-condition") || value.find("failure-condition");
  return asking && !comparing ? Gate::Kind::threshold : Gate::Kind::compare;
}

void refuse_foreign_keys(const Value& value, const Gate& gate, Reader& reader) {
  if (!value.is_object()) return;
  for (const Member& member : value.as_object()) {
    const Field<Gate>* f = gate_table().find(member.key);
    if (f == nullptr || !f->when || f->when(gate)) continue;
    const char* other = is_compare(gate) ? "threshold" : "compare";
    reader.problems.add(member.key_place,
                        fmt::format("key '{}'{} belongs to {} gates, and this one is a {} gate", member.key,
                                    reader.in(), other, is_compare(gate) ? "compare" : "threshold"),
                        fmt::format("remove it, or make two gates: one of kind {}", other));
  }
}

}  // namespace

const Table<Gate>& gate_table() {
  using Arms = Gate::Arms;
  using NoData = Gate::NoData;
  static const Table<Gate> table{
      "gate",
      "A question asked of metrics.",
      {field("kind", &Gate::kind, kind_codec(),
             "compare (events and exposure of both arms) or threshold (query and condition); inferred where "
             "clear")
           .written_always(),
       field("source", &Gate::source, text({"a name", check_name, std::string(name_pattern)}),
             "by default the only source"),
       field("events", &Gate::events, text(query_kind()), "query with $arm, or a counter of `tranche serve`")
           .only(is_compare),
       field("exposure", &Gate::exposure, text(query_kind()),
             "query with $arm, or a counter of `tranche serve`")
           .only(is_compare),
       field("worse-than", &Gate::worse_than, ratio(), "fail: the canary's rate is worse than this ratio")
           .only(is_compare),
       field("margin", &Gate::margin, ratio(), "pass: certified not worse than this ratio").only(is_compare),
       field("false-rollback", &Gate::false_rollback, error_rate(), "chance of failing a good release")
           .only(is_compare),
       field("suspect-at", &Gate::suspect_at, error_rate(), "evidence at which exposure stops growing")
           .only(is_compare),
       field("false-promotion", &Gate::false_promotion, error_rate(), "chance of passing a bad release")
           .only(is_compare),
       field("every", &Gate::every, duration(100ms, a_day), "length of a poll's window").only(is_compare),
       field("arms", &Gate::arms, choice<Arms>({{"bucket", Arms::bucket}, {"version", Arms::version}}),
             "bucket: devices report their arm; version: by version labels (eager updaters differ)")
           .only(is_compare),
       field("query", &Gate::query, text(query_kind()), "query of a threshold gate").only(is_threshold),
       field("success-condition", &Gate::success_condition, text({"a condition"}),
             "for example: result < 2.5")
           .only(is_threshold),
       field("failure-condition", &Gate::failure_condition, text({"a condition"}), "for example: result >= 5")
           .only(is_threshold),
       field("interval", &Gate::interval, duration(100ms, a_day), "between measurements").only(is_threshold),
       field("initial-delay", &Gate::initial_delay, duration(0s, 30 * a_day), "before the first measurement")
           .only(is_threshold),
       field("count", &Gate::count, integer(0, 1'000'000), "measurements; 0: as long as the stage")
           .only(is_threshold),
       field("failure-limit", &Gate::failure_limit, integer(-1, 1'000'000),
             "fail with more failures than this; -1: never")
           .only(is_threshold),
       field("inconclusive-limit", &Gate::inconclusive_limit, integer(-1, 1'000'000),
             "inconclusive with more than this; -1: never")
           .only(is_threshold),
       field("consecutive-error-limit", &Gate::consecutive_error_limit, integer(-1, 1'000'000),
             "with more errors in a row than this there is no verdict; -1: never")
           .only(is_threshold),
       field("no-data", &Gate::no_data, choice<NoData>({{"hold", NoData::hold}, {"fail", NoData::fail}}),
             "what an empty answer means; never pass")
           .only(is_threshold)},
      refuse_foreign_keys};
  return table;
}

Codec<Gate> gate_codec() {
  const Codec<Gate> own = record<Gate>(gate_table);
  // Kayenta, model and Argo gates are kept as written.
  const auto read_foreign = [](const Value& value, Gate& out, Reader& reader) {
    Object rest;
    for (const Member& member : value.as_object()) {
      reader.key = member.key;
      if (member.key == "source")
        gate_table().find("source")->read(member.value, out, reader);
      else if (member.key != "kind")
        rest.push_back(member);
    }
    if (const Value* judge = value.find("judge"); judge != nullptr) {
      reader.key = "judge";
      std::size_t index = 0;
      (void)read_word(*judge, {"kayenta", "model"}, index, reader);
    }
    if (const Value* argo = value.find("argo"); argo != nullptr) {
      reader.key = "argo";
      std::string path;
      text({"a path", check_repository_path, ""}).read(*argo, path, reader);
    }
    out.other = Value(std::move(rest));
  };
  return {[own, read_foreign](const Value& value, Gate& out, Reader& reader) {
            if (!value.is_object()) return reader.wrong_type(value, "a map");
            out.kind = infer_kind(value);
            const Value* kind = value.find("kind");
            if (kind != nullptr && kind->is_string()) {
              reader.key = "kind";
              kind_codec().read(*kind, out.kind, reader);
            }
            if (is_foreign(out)) return read_foreign(value, out, reader);
            own.read(value, out, reader);
          },
          [own](const Gate& gate) {
            if (!is_foreign(gate)) return own.write(gate);
            Value out = Value::object({{"kind", kind_codec().write(gate.kind)}});
            if (!gate.source.empty()) out.set("source", gate.source);
            if (gate.other.is_object())
              for (const Member& member : gate.other.as_object()) out.set(member.key, member.value);
            return out;
          },
          [own](SchemaBook& book) {
            const auto needs = [](const char* key, Value shape) {
              Value part = Value::object({{"type", "object"}});
              part.set("properties", Value::object({{key, std::move(shape)}}));
              part.set("required", Value(doc::Array{Value(key)}));
              return part;
            };
            doc::Array shapes{own.schema(book)};
            shapes.push_back(needs("kind", word_schema({"kayenta", "model", "argo"})));
            shapes.push_back(needs("judge", word_schema({"kayenta", "model"})));
            shapes.push_back(needs("argo", Value::object({{"type", "string"}})));
            return Value::object({{"anyOf", Value(std::move(shapes))}});
          }};
}

Codec<Source> source_codec() { return record<Source>(source_table); }
Codec<Cohort> cohort_codec() { return record<Cohort>(cohort_table); }

namespace {

const Table<State>& git_state_table() {
  static const Table<State> table{
      "git-state",
      "A branch that holds the journal.",
      {field("remote", &State::remote, text({"a remote", check_git_remote, "", true}),
             "name of a remote or a url; by default origin, else local"),
       field("branch", &State::branch, text({"a branch", check_git_branch, ""}), "its name"),
       field("token", &State::token, secret_reference(), "secret reference for pushing")},
      {}};
  return table;
}

}  // namespace

Codec<State> state_codec() {
  constexpr const char* forms = "write git, { git: {...} }, dir:PATH or s3://BUCKET/PREFIX";
  return {[](const Value& value, State& out, Reader& reader) {
            out = State{};
            out.place = value.place;
            if (value.is_string()) {
              if (value.as_string() == "git") return;
              const auto ref = parse_store_ref(value.as_string());
              if (!ref || ref->kind == StoreRef::Kind::git)
                return reader.bad_value(
                    value, fmt::format("'{}' is not a state", printable(value.as_string(), 64)), forms);
              out.kind = ref->kind == StoreRef::Kind::dir ? State::Kind::dir : State::Kind::s3;
              out.path = ref->path;
              return;
            }
            const Value* git = value.find("git");
            if (git == nullptr || value.as_object().size() != 1) {
              if (value.is_object())
                for (const Member& member : value.as_object())
                  if (member.key != "git") {
                    reader.where.emplace_back("the state");
                    report_unknown_key(member, {"git"}, reader);
                    reader.where.pop_back();
                  }
              if (!value.is_object() || value.as_object().empty()) reader.wrong_type(value, "a state", forms);
              return;
            }
            reader.where.emplace_back("the state");
            git_state_table().read(*git, out, reader, git->place);
            reader.where.pop_back();
          },
          [](const State& from) {
            if (from.kind == State::Kind::dir) return Value("dir:" + from.path);
            if (from.kind == State::Kind::s3) return Value("s3://" + from.path);
            return Value::object({{"git", git_state_table().write(from)}});
          },
          [](SchemaBook& book) {
            Value line = Value::object({{"type", "string"}, {"pattern", "^(git$|dir:.+|s3://.+)"}});
            Value git = Value::object({{"type", "object"}});
            git.set("properties", Value::object({{"git", record<State>(git_state_table).schema(book)}}));
            git.set("required", Value(doc::Array{Value("git")}));
            git.set("additionalProperties", false);
            return Value::object({{"anyOf", Value(doc::Array{std::move(line), std::move(git)})}});
          }};
}

}  // namespace tranche::spec
