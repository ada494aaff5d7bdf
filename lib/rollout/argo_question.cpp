// A template's provider as a source and a threshold gate. The sources know their wire formats; here only the
// words change.
#include "base/text.hpp"
#include "rollout/argo.hpp"

namespace tranche::rollout {
namespace {

using Kind = spec::Source::Kind;

class Maker {
 public:
  Maker(const spec::App& app, const spec::Gate& gate, const gate::ArgoMetric& metric)
      : app_(app), gate_(gate), metric_(metric), fields_(metric.provider.fields) {}

  Result<ArgoQuestion> make() {
    const gate::ArgoProvider& provider = metric_.provider;
    if (!metric_.measured) return refuse("cannot be asked from here", "leave it as a dry run");
    spec::Gate& asked = out_.gate;
    asked.name = gate_.name;
    asked.kind = spec::Gate::Kind::threshold;
    asked.query = provider.query;
    if (metric_.interval > Duration{0}) asked.interval = metric_.interval;
    if (provider.from_source) {
      const spec::Source* source = app_.source(gate_.source);
      if (source == nullptr) return refuse("has no source", "name one under `sources`");
      out_.source = *source;
    } else {
      TRY(make_source());
    }
    asked.source = out_.source.name;
    if (provider.kind == "datadog") TRY(datadog());
    if (provider.kind == "graphite") TRY(graphite());
    if (provider.kind == "influxdb")
      return refuse("is a Flux query, and influxdb sources ask in InfluxQL",
                    "write it in InfluxQL, as a threshold gate of its own");
    if (const doc::Value* range = fields_.find("range")) {
      ArgoQuestion::Range& asked_range = out_.range.emplace();
      asked_range.start_before = Duration(TRY(range->integer("start-before-ms")));
      asked_range.end_before = Duration(TRY(range->integer("end-before-ms")));
      asked_range.step = Duration(TRY(range->integer("step-ms")));
    }
    return std::move(out_);
  }

 private:
  std::unexpected<Error> refuse(std::string_view what, std::string hint) const {
    return fail_hint(ErrorKind::invalid, std::move(hint), "metric '{}' {}", printable(metric_.name, 64),
                     what);
  }

  Result<> make_source() {
    const gate::ArgoProvider& provider = metric_.provider;
    spec::Source& source = out_.source;
    source.name = "argo-" + provider.kind;
    source.kind = provider.kind == "prometheus" ? Kind::prometheus
                  : provider.kind == "graphite" ? Kind::graphite
                                                : Kind::web;
    source.url = provider.address;
    source.timeout =
        Duration(TRY(fields_.integer_or("timeout-ms", source.kind == Kind::prometheus ? 30'000 : 10'000)));
    if (const doc::Value* headers = fields_.find("headers"))
      for (const doc::Value& header : headers->as_array())
        TRY(add_header(header.find("key")->as_string(), header.find("value")->as_string()));
    source.user = TRY(fields_.text_or("user", ""));
    const std::string password = TRY(fields_.text_or("password", ""));
    if (source.user.find("{{args.") != std::string::npos)
      return refuse("has a secret for a user name", "only passwords are secrets: make the arg a plain one");
    if (!password.empty()) {
      const auto reference = TRY(reference_in(password));
      if (!reference)
        return refuse("has a password in clear text", "make it an arg: password: \"{{args.password}}\"");
      source.password = *reference;
    }
    if (source.kind != Kind::web) return {};
    source.method = TRY(fields_.text("method"));
    source.json_path = TRY(fields_.text("json-path"));
    source.body = TRY(fields_.text_or("body", ""));
    if (source.body.find("{{args.") != std::string::npos && !metric_.provider.secrets.empty())
      return refuse("has a secret in its body", "send it in a header");
    return {};
  }

  // The reference of a text that is one secret arg and nothing else; none for plain text.
  Result<std::optional<std::string>> reference_in(std::string_view text) const {
    for (const std::string& name : metric_.provider.secrets) {
      const std::string tag = "{{args." + name + "}}";
      if (text.find(tag) == std::string_view::npos) continue;
      const auto given = gate_.argo.args.find(name);
      if (text != tag || given == gate_.argo.args.end())
        return refuse(fmt::format("has the secret {} amid a text", tag),
                      "let the secret be the whole value; only `Bearer` may stand before it");
      return std::optional(given->second);
    }
    return std::optional<std::string>();
  }

  Result<> add_header(const std::string& key, const std::string& value) {
    constexpr std::string_view bearer = "Bearer ";
    if (lower(key) == "authorization" && value.starts_with(bearer))
      if (const auto reference = TRY(reference_in(std::string_view(value).substr(bearer.size())))) {
        out_.source.token = *reference;
        return {};
      }
    const auto reference = TRY(reference_in(value));
    if (!reference && spec::is_secret_reference(value))
      return refuse(fmt::format("has a header '{}' that looks like a reference", printable(key, 64)),
                    "give references under `args` of the gate");
    out_.source.headers[key] = reference.value_or(value);
    return {};
  }

  Result<> datadog() {
    if (fields_.find("queries") != nullptr || fields_.find("formula") != nullptr)
      return refuse("has a formula over several queries",
                    "write one query, for example: sum:errors{*} / sum:requests{*}");
    out_.source.api = TRY(fields_.text("api")) == "v2" ? spec::Source::Api::v2 : spec::Source::Api::v1;
    const std::string aggregator = TRY(fields_.text_or("aggregator", ""));
    if (!aggregator.empty()) out_.source.aggregator = aggregator;
    out_.gate.interval = Duration(TRY(fields_.integer("interval-ms")));
    return {};
  }

  // Argo sends the query as it stands: target=...&from=-15min. Graphite looks back a day by default.
  Result<> graphite() {
    out_.gate.interval = std::chrono::hours(24);
    std::string target;
    const std::string query = out_.gate.query;
    for (const std::string_view raw : split(query, '&')) {
      const std::string_view part = trim(raw);
      if (part.starts_with("from=")) {
        TRY(look_back(part.substr(5)));
      } else if (target.empty() && (part.starts_with("target=") || part.find('=') == std::string_view::npos ||
                                    part.find('(') < part.find('='))) {
        target = part.starts_with("target=") ? part.substr(7) : part;
      } else {
        return refuse(fmt::format("has the parameter '{}'", printable(part, 40)),
                      "graphite queries have target and from only");
      }
    }
    out_.gate.query = target;
    return {};
  }
  Result<> look_back(std::string_view from) {
    const std::size_t digits = from.find_first_not_of("0123456789", 1);
    const auto number = parse_u64(from.substr(std::min<std::size_t>(1, from.size()),
                                              digits == std::string_view::npos ? digits : digits - 1));
    const std::string_view unit = digits == std::string_view::npos ? "" : from.substr(digits);
    Duration one{0};
    if (unit == "s" || unit == "seconds" || unit == "second") one = std::chrono::seconds(1);
    if (unit == "min" || unit == "minutes" || unit == "minute") one = std::chrono::minutes(1);
    if (unit == "h" || unit == "hours" || unit == "hour") one = std::chrono::hours(1);
    if (unit == "d" || unit == "days" || unit == "day") one = std::chrono::hours(24);
    if (!from.starts_with('-') || !number || *number == 0 || *number > 100'000 || one == Duration{0})
      return refuse(fmt::format("looks back 'from={}'", printable(from, 40)),
                    "write for example from=-15min");
    out_.gate.interval = one * static_cast<std::int64_t>(*number);
    return {};
  }

  const spec::App& app_;
  const spec::Gate& gate_;
  const gate::ArgoMetric& metric_;
  const doc::Value& fields_;
  ArgoQuestion out_;
};

}  // namespace

Result<ArgoQuestion> question_of(const spec::App& app, const spec::Gate& gate,
                                 const gate::ArgoMetric& metric) {
  return Maker(app, gate, metric).make();
}

}  // namespace tranche::rollout
