// Gates: compare and threshold here; each judge has a table of its own.
#include <algorithm>
#include <charconv>
#include <optional>

#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;
constexpr Duration a_day = std::chrono::hours(24);

bool is_compare(const Gate& gate) { return gate.kind == Gate::Kind::compare; }
bool is_threshold(const Gate& gate) { return gate.kind == Gate::Kind::threshold; }
bool is_kayenta(const Gate& gate) { return gate.kind == Gate::Kind::kayenta; }
bool is_model(const Gate& gate) { return gate.kind == Gate::Kind::model; }
bool is_argo(const Gate& gate) { return gate.kind == Gate::Kind::argo; }
bool speaks_argo(const Gate& gate) { return is_threshold(gate) || is_argo(gate); }

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
  if (value.find("anthropic") || value.find("openai")) return Gate::Kind::model;
  const bool comparing = value.find("events") || value.find("exposure");
  const bool asking =
      value.find("query") || value.find("success-condition") || value.find("failure-condition");
  return asking && !comparing ? Gate::Kind::threshold : Gate::Kind::compare;
}

std::string_view kind_word(Gate::Kind kind) {
  constexpr std::string_view words[] = {"compare", "threshold", "kayenta", "model", "argo"};
  return words[static_cast<std::size_t>(kind)];
}

// The first kind that has the key.
Gate::Kind home_of(const Field<Gate>& f) {
  using Kind = Gate::Kind;
  Gate gate;
  for (const Kind kind : {Kind::compare, Kind::threshold, Kind::kayenta, Kind::model, Kind::argo}) {
    gate.kind = kind;
    if (f.when(gate)) return kind;
  }
  return Kind::compare;
}

void refuse_foreign_keys(const Value& value, const Gate& gate, Reader& reader) {
  if (!value.is_object()) return;
  for (const Member& member : value.as_object()) {
    const Field<Gate>* f = gate_table().find(member.key);
    if (f == nullptr || !f->when || f->when(gate)) continue;
    const std::string_view other = kind_word(home_of(*f));
    reader.problems.add(member.key_place,
                        fmt::format("key '{}'{} belongs to {} gates, and this one is a {} gate", member.key,
                                    reader.in(), other, kind_word(gate.kind)),
                        fmt::format("remove it, or make two gates: one of kind {}", other));
  }
}

// `judge: kayenta` is another way to write `kind: kayenta`.
Field<Gate> judge_field() {
  Field<Gate> f;
  f.key = "judge";
  f.doc = "kayenta or model: another way to write kind";
  f.read = [](const Value& value, Gate&, Reader& reader) {
    std::size_t index = 0;
    (void)read_word(value, {"kayenta", "model"}, index, reader);
  };
  f.write = [](const Gate&) { return Value(); };
  f.schema = [](SchemaBook&) { return word_schema({"kayenta", "model"}); };
  return f;
}

// false by default, and written only when it is true.
Field<Gate> rarely(std::string key, bool Gate::* member, std::string doc) {
  Field<Gate> f = field(std::move(key), member, boolean(), std::move(doc));
  f.fallback = Value();
  f.write = [member](const Gate& gate) { return gate.*member ? Value(true) : Value(); };
  return f;
}

// rate, proportion, mean, or a quantile: p50 to p99.99.
std::optional<double> parse_quantile(std::string_view text) {
  if (!text.starts_with('p')) return std::nullopt;
  text.remove_prefix(1);
  double percent = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), percent, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(percent >= 50 && percent <= 99.99))
    return std::nullopt;
  return percent / 100;
}

Field<Gate> before_field() {
  Field<Gate> f = group<Gate>(
      "before",
      "the same groups of devices before the release reached them: arms that differed then "
      "are not compared",
      {field("events", &Gate::before_events, text(query_kind()), "query with $arm").must(),
       field("exposure", &Gate::before_exposure, text(query_kind()), "query with $arm").must(),
       field("period", &Gate::before_period, duration(1min, 90 * a_day), "how long before the gate began")});
  f.when = is_compare;
  f.write = [write = std::move(f.write)](const Gate& from) {
    return from.before_events.empty() ? Value() : write(from);
  };
  return f;
}

Field<Gate> statistic_field() {
  using Statistic = Gate::Statistic;
  Field<Gate> f;
  f.key = "statistic";
  f.doc =
      "what is compared: rate (rare events an exposure), proportion (common events, by their odds), mean "
      "(events "
      "is the sum of values, exposure their number), or a quantile of histogram: p50 to p99.99";
  f.fallback = Value("rate");
  f.when = is_compare;
  f.read = [](const Value& value, Gate& into, Reader& reader) {
    if (!value.is_string())
      return reader.wrong_type(value, "a statistic",
                               "write rate, proportion, mean, or a quantile such as p99");
    const std::string& text = value.as_string();
    into.statistic = Statistic::rate;
    if (text == "proportion") {
      into.statistic = Statistic::proportion;
    } else if (text == "mean") {
      into.statistic = Statistic::mean;
    } else if (const auto quantile = parse_quantile(text)) {
      into.statistic = Statistic::quantile;
      into.quantile = *quantile;
    } else if (text != "rate") {
      reader.bad_value(value, fmt::format("'{}' is no statistic", printable(text, 64)),
                       "write rate, proportion, mean, or a quantile from p50 to p99.99");
    }
  };
  f.write = [](const Gate& from) -> Value {
    switch (from.statistic) {
      case Statistic::rate:
        break;
      case Statistic::proportion:
        return Value("proportion");
      case Statistic::mean:
        return Value("mean");
      case Statistic::quantile:
        return Value(fmt::format("p{:.6g}", from.quantile * 100));
    }
    return Value("rate");
  };
  f.schema = [](SchemaBook&) {
    return Value::object(
        {{"type", "string"}, {"pattern", "^(rate|proportion|mean|p[5-9][0-9](\\.[0-9]+)?)$"}});
  };
  return f;
}

// The keys of a judge's struct, as keys of its gates.
template <class J>
void add_fields(std::vector<Field<Gate>>& fields, J Gate::* member, const Table<J>& table,
                std::function<bool(const Gate&)> when) {
  for (const Field<J>& inner : table.fields) {
    Field<Gate> f;
    f.key = inner.key;
    f.doc = inner.doc;
    f.always = inner.always;
    f.fallback = inner.fallback;
    f.schema = inner.schema;
    f.when = [member, when, own = inner.when](const Gate& gate) {
      return when(gate) && (!own || own(gate.*member));
    };
    f.read = [member, read = inner.read](const Value& value, Gate& into, Reader& reader) {
      read(value, into.*member, reader);
    };
    f.write = [member, write = inner.write](const Gate& from) { return write(from.*member); };
    fields.push_back(std::move(f));
  }
}

}  // namespace

const Table<Gate>& gate_table() {
  using Arms = Gate::Arms;
  using NoData = Gate::NoData;
  static const Table<Gate> table = [] {
    Table<Gate> made{
        "gate",
        "A question asked of metrics.",
        {field(
             "kind", &Gate::kind, kind_codec(),
             "compare (events and exposure of both arms), threshold (query and condition), kayenta, model or "
             "argo; inferred where clear")
             .written_always(),
         judge_field(),
         field("source", &Gate::source, text({"a name", check_name, std::string(name_pattern)}),
               "by default the only source; an Argo template asks its own addresses unless one is named"),
         field("events", &Gate::events, text(query_kind()),
               "query with $arm, or a counter of `tranche serve`")
             .only(is_compare),
         field("exposure", &Gate::exposure, text(query_kind()),
               "query with $arm, or a counter of `tranche serve`")
             .only(is_compare),
         field("worse-than", &Gate::worse_than, ratio(), "fail: the canary's rate is worse than this ratio")
             .only(is_compare),
         field("margin", &Gate::margin, ratio(), "pass: certified not worse than this ratio")
             .only(is_compare),
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
         before_field(),
         statistic_field(),
         field("histogram", &Gate::histogram, text(query_kind()),
               "statistic pNN: query with $arm whose series carry le, with the window's increments")
             .only(is_compare),
         field("assignments", &Gate::assignments, text(query_kind()),
               "query with $arm: devices that were given their arm in the window; arms whose sizes do not "
               "match "
               "their shares are not compared")
             .only(is_compare),
         field("query", &Gate::query, text(query_kind()), "query of a threshold gate").only(is_threshold),
         field("success-condition", &Gate::success_condition, text({"a condition"}),
               "for example: result < 2.5")
             .only(is_threshold),
         field("failure-condition", &Gate::failure_condition, text({"a condition"}),
               "for example: result >= 5")
             .only(is_threshold),
         field("interval", &Gate::interval, duration(100ms, a_day), "between measurements")
             .only(is_threshold),
         field("initial-delay", &Gate::initial_delay, duration(0s, 30 * a_day),
               "before the first measurement")
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
         field("consecutive-success-limit", &Gate::consecutive_success_limit, integer(0, 1'000'000),
               "pass with this many in a row; 0: none")
             .only(is_threshold),
         rarely("strict-argo", &Gate::strict_argo,
                "do as Argo with an empty answer and NaN: all of nothing is true, errors end in a failure")
             .only(speaks_argo),
         field("no-data", &Gate::no_data, choice<NoData>({{"hold", NoData::hold}, {"fail", NoData::fail}}),
               "what an empty answer means; never pass")
             .only(speaks_argo),
         rarely("dry-run", &Gate::dry_run, "asked, counted and shown; never decides")},
        refuse_foreign_keys};
    add_fields(made.fields, &Gate::kayenta, kayenta_table(), is_kayenta);
    add_fields(made.fields, &Gate::model, model_table(), is_model);
    add_fields(made.fields, &Gate::argo, argo_table(), is_argo);
    return made;
  }();
  return table;
}

Codec<Gate> gate_codec() {
  Codec<Gate> codec = record<Gate>(gate_table);
  codec.read = [](const Value& value, Gate& out, Reader& reader) {
    if (!value.is_object()) return reader.wrong_type(value, "a map");
    out.kind = infer_kind(value);
    out.kayenta.place = out.model.place = out.argo.place = out.place;
    if (const Value* kind = value.find("kind"); kind != nullptr && kind->is_string()) {
      reader.key = "kind";
      kind_codec().read(*kind, out.kind, reader);
    }
    gate_table().read(value, out, reader, out.place);
    const Field<Gate>* named = is_argo(out) ? gate_table().find("argo") : nullptr;
    if (named != nullptr && value.find("argo") == nullptr)
      report_missing_key(out.place, "argo", named->doc, reader);
  };
  return codec;
}

}  // namespace tranche::spec
