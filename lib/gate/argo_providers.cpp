// The providers of a template's metrics, as typed descriptions. Fields: argo-rollouts' analysis_types.go.
#include <algorithm>

#include "base/text.hpp"
#include "gate/argo_reading.hpp"

namespace tranche::gate::internal {
namespace {

struct Elsewhere {
  std::string_view kind, instead;
};
// What needs a cluster, a vendor's kit or a program of Argo's.
constexpr Elsewhere elsewhere[] = {
    {"job", "run it as a step of CI before `rollout advance`, or as a `command` source of a threshold gate"},
    {"plugin", "use `judge: kayenta`, `judge: model`, or a `command` source of a threshold gate"},
    {"kayenta", "use `judge: kayenta`: the same judge, without a server"},
    {"cloudWatch",
     "use a `command` source that asks `aws cloudwatch get-metric-data`, or an exporter and prometheus"},
    {"newRelic", "use the `web` provider with NerdGraph's address"},
    {"wavefront", "use the `web` provider with the chart api's address"},
    {"skywalking", "use the `web` provider with its GraphQL address"},
};
const std::vector<std::string> known_kinds{"prometheus", "datadog",  "graphite",  "influxdb",
                                           "web",        "job",      "plugin",    "kayenta",
                                           "cloudWatch", "newRelic", "wavefront", "skywalking"};

class Provider {
 public:
  Provider(ArgoMetric& metric, const doc::Value& as_written, const Args& args, Wrongs& wrongs)
      : metric_(metric), out_(metric.provider), written_(as_written), args_(args), wrongs_(wrongs) {
    out_.fields = doc::Value::object();
  }

  void prometheus() {
    known({"address", "query", "timeout", "insecure", "headers", "rangeQuery", "authentication"});
    out_.address = shown("address");
    out_.query = shown("query");
    seconds("timeout");
    headers();
    authentication();
    if (const doc::Value* range = map_at(written_, "rangeQuery", wrongs_)) range_query(*range);
  }
  void datadog() {
    known({"interval", "query", "queries", "formula", "apiVersion", "aggregator", "secretRef"});
    out_.query = shown("query");
    std::string api = shown("apiVersion");
    if (api.empty()) api = "v1";
    if (api != "v1" && api != "v2")
      complain("apiVersion", "'apiVersion' is neither v1 nor v2", "write v1 or v2");
    out_.fields.set("api", api);
    const doc::Value filled = args_.fill_all(written_, nullptr, wrongs_);
    const auto interval = duration_at(filled, "interval", wrongs_);
    out_.fields.set("interval-ms", interval.value_or(std::chrono::minutes(5)).count());
    set_text("aggregator", shown("aggregator"));
    set_text("formula", shown("formula"));
    if (const doc::Value* queries = map_at(filled, "queries", wrongs_)) {
      for (const doc::Member& query : queries->as_object())
        if (!query.value.is_string())
          wrongs_.say(query.value.place, "a query must be a string", "put it in quotes");
      out_.fields.set("queries", *queries);
      if (!out_.query.empty())
        complain("queries", "'query' and 'queries' are both given", "keep one of them");
      if (api == "v1") complain("queries", "'queries' needs apiVersion v2", "write: apiVersion: v2");
    } else {
      need_query();
    }
  }
  void graphite() {
    known({"address", "query"});
    out_.address = shown("address");
    out_.query = shown("query");
    need_query();
  }
  void influxdb() {
    known({"profile", "query"});
    out_.query = shown("query");
    need_query();
  }
  void web() {
    known({"method", "url", "headers", "body", "jsonBody", "timeoutSeconds", "jsonPath", "insecure",
           "authentication"});
    out_.address = shown("url");
    if (out_.address.empty()) complain("url", "a web metric without a url", "write: url: https://...");
    std::string method = shown("method");
    if (method.empty()) method = "GET";
    if (method != "GET" && method != "POST" && method != "PUT")
      complain("method", "'method' is none of GET, POST, PUT", "write one of them");
    out_.fields.set("method", method);
    headers();
    authentication();
    seconds("timeoutSeconds");
    std::string path = shown("jsonPath");
    if (path.empty()) path = "{$}";
    out_.fields.set("json-path", path);
    body(method);
  }
  void need_query() {
    if (out_.query.empty()) complain("query", "there is no query", "write: query: ...");
  }
  void finish() {
    out_.secrets.assign(secrets_.begin(), secrets_.end());
    const bool http = out_.address.starts_with("http://") || out_.address.starts_with("https://");
    if (!out_.address.empty() && !http && !out_.from_source)
      complain(out_.kind == "web" ? "url" : "address",
               fmt::format("'{}' is no http address", printable(out_.address, 80)),
               "write http://... or https://...");
  }

 private:
  void known(const std::vector<std::string>& keys) {
    refuse_unknown_keys(written_, keys, fmt::format("a {} provider", out_.kind), wrongs_);
    if (const doc::Value* insecure = written_.find("insecure");
        insecure != nullptr && !(*insecure == doc::Value(false)) && !out_.from_source)
      complain("insecure", "'insecure' is not done here: the answer could be anybody's",
               "add the server's authority to the system's, or use a source of tranche.yaml");
  }
  void complain(std::string_view key, std::string message, std::string hint) {
    const doc::Value* at = written_.find(key);
    wrongs_.say(at != nullptr ? at->place : written_.place,
                fmt::format("{} in metric '{}'", message, printable(metric_.name, 64)), std::move(hint));
  }
  // A text that messages show: secrets are refused.
  std::string shown(std::string_view key) {
    if (text_at(written_, key, wrongs_) == nullptr) return {};
    return args_.fill(*written_.find(key), nullptr, wrongs_);
  }
  void set_text(const char* key, std::string text) {
    if (!text.empty()) out_.fields.set(key, std::move(text));
  }
  void seconds(const char* key) {
    const auto value = integer_at(args_.fill_all(written_, &unused_, unheard_), key, wrongs_);
    if (!value || *value == 0) return;
    if (*value < 0 || *value > 600)
      return complain(key, fmt::format("'{}' is out of range", key), "1 to 600 seconds");
    out_.fields.set("timeout-ms", *value * 1000);
  }
  void headers() {
    const doc::Value* list = list_at(written_, "headers", wrongs_);
    if (list == nullptr) return;
    doc::Value out = doc::Value::array();
    for (const doc::Value& header : list->as_array()) {
      const doc::Value* name = header.find("key");
      const doc::Value* value = header.find("value");
      const bool fits = name != nullptr && value != nullptr && name->is_string() && value->is_string();
      if (!fits || name->as_string().empty() ||
          name->as_string().find_first_of(": \t\r\n") != std::string::npos) {
        wrongs_.say(header.place, "a header must be a key and a value, both strings", "write: - key: Accept");
        continue;
      }
      refuse_unknown_keys(header, {"key", "value"}, "a header", wrongs_);
      std::string filled = args_.fill(*value, &secrets_, wrongs_);
      if (filled.find_first_of("\r\n") != std::string::npos)
        wrongs_.say(value->place, "the value of a header has several lines", "write one line");
      out.push(
          doc::Value::object({{"key", args_.fill(*name, nullptr, wrongs_)}, {"value", std::move(filled)}}));
    }
    out_.fields.set("headers", std::move(out));
  }
  void authentication() {
    const doc::Value* given = map_at(written_, "authentication", wrongs_);
    if (given == nullptr) return;
    refuse_unknown_keys(*given, {"sigv4", "oauth2", "basicAuth"}, "'authentication'", wrongs_);
    for (const char* kind : {"sigv4", "oauth2"})
      if (const doc::Value* other = given->find(kind);
          other != nullptr && other->is_object() && !other->as_object().empty() && !out_.from_source)
        wrongs_.say(other->place, fmt::format("'{}' is not done here", kind),
                    "use basicAuth or an Authorization header, or a source of tranche.yaml");
    const doc::Value* basic = map_at(*given, "basicAuth", wrongs_);
    if (basic == nullptr) return;
    refuse_unknown_keys(*basic, {"username", "password"}, "'basicAuth'", wrongs_);
    const std::string* user = text_at(*basic, "username", wrongs_);
    const std::string* password = text_at(*basic, "password", wrongs_);
    if (user == nullptr || password == nullptr)
      return wrongs_.say(basic->place, "basicAuth needs a username and a password", "write both");
    out_.fields.set("user", args_.fill(*basic->find("username"), &secrets_, wrongs_));
    out_.fields.set("password", args_.fill(*basic->find("password"), &secrets_, wrongs_));
  }
  void body(const std::string& method) {
    const doc::Value* json = written_.find("jsonBody");
    const std::string* text = text_at(written_, "body", wrongs_);
    if (json != nullptr && text != nullptr)
      complain("body", "'body' and 'jsonBody' are both given", "keep one");
    if ((json != nullptr || text != nullptr) && method == "GET")
      complain(json != nullptr ? "jsonBody" : "body", "a GET has no body", "write: method: POST");
    if (text != nullptr) out_.fields.set("body", args_.fill(*written_.find("body"), &secrets_, wrongs_));
    if (json != nullptr) out_.fields.set("body", doc::to_json(args_.fill_all(*json, &secrets_, wrongs_)));
  }

  // now() and now() - duration("1h"): how long ago.
  std::optional<Duration> ago(const doc::Value& range, const char* key) {
    if (text_at(range, key, wrongs_) == nullptr) return std::nullopt;
    std::string text = args_.fill(*range.find(key), nullptr, wrongs_);
    std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
    const auto inside = [&](std::string_view before, std::string_view after) -> std::optional<std::string> {
      if (!text.starts_with(before) || !text.ends_with(after) || text.size() < before.size() + after.size())
        return std::nullopt;
      return text.substr(before.size(), text.size() - before.size() - after.size());
    };
    if (text == "now()") return Duration{0};
    auto length = inside("now()-duration(\"", "\")");
    if (!length) length = inside("now()-duration('", "')");
    if (length)
      if (const auto duration = parse_go_duration(*length)) return *duration;
    wrongs_.say(range.find(key)->place, fmt::format("'{}' cannot be read", key),
                "write now(), or now() - duration(\"1h\")");
    return std::nullopt;
  }
  void range_query(const doc::Value& range) {
    refuse_unknown_keys(range, {"start", "end", "step"}, "'rangeQuery'", wrongs_);
    const std::size_t before = wrongs_.count();
    const auto start = ago(range, "start"), end = ago(range, "end");
    const auto step = duration_at(args_.fill_all(range, nullptr, wrongs_), "step", wrongs_);
    if (!start || !end || !step || *step <= Duration{0} || *start <= *end ||
        (*start - *end) / *step > 11'000) {
      if (wrongs_.count() == before)
        wrongs_.say(range.place, "rangeQuery needs a start before its end and a step, at most 11,000 steps",
                    "write: start: now() - duration(\"1h\"), end: now(), step: 1m");
      return;
    }
    out_.fields.set("range", doc::Value::object({{"start-before-ms", start->count()},
                                                 {"end-before-ms", end->count()},
                                                 {"step-ms", step->count()}}));
  }

  ArgoMetric& metric_;
  ArgoProvider& out_;
  const doc::Value& written_;
  const Args& args_;
  Wrongs& wrongs_;
  std::set<std::string> secrets_, unused_;
  Wrongs unheard_;  // of texts that are read again where they belong
};

}  // namespace

void read_provider(ArgoMetric& metric, const doc::Value& provider, const Args& args, const ArgoInput& input,
                   Wrongs& wrongs) {
  refuse_unknown_keys(provider, known_kinds, "a provider", wrongs);
  const doc::Member* only = nullptr;
  for (const doc::Member& member : provider.as_object()) {
    if (std::find(known_kinds.begin(), known_kinds.end(), member.key) == known_kinds.end()) return;
    if (only != nullptr)
      return wrongs.say(member.key_place,
                        fmt::format("metric '{}' has several providers", printable(metric.name, 64)),
                        "keep one");
    only = &member;
  }
  if (only == nullptr)
    return wrongs.say(provider.place, fmt::format("metric '{}' has no provider", printable(metric.name, 64)),
                      "write: provider: { prometheus: { address: ..., query: ... } }");
  metric.provider.kind = only->key;
  for (const Elsewhere& other : elsewhere) {
    if (other.kind != only->key) continue;
    metric.measured = false;
    if (!metric.dry_run)
      wrongs.say(only->key_place,
                 fmt::format("metric '{}' asks the provider '{}', which cannot run here",
                             printable(metric.name, 64), only->key),
                 std::string(other.instead));
    return;
  }
  if (!only->value.is_object())
    return wrongs.say(only->value.place, fmt::format("'{}' must be a map", only->key),
                      "write its fields below it");
  metric.provider.from_source = input.source_kind == only->key && only->key != "web";
  Provider reader(metric, only->value, args, wrongs);
  if (only->key == "prometheus") {
    reader.prometheus();
    reader.need_query();
  } else if (only->key == "datadog") {
    reader.datadog();
  } else if (only->key == "graphite") {
    reader.graphite();
  } else if (only->key == "influxdb") {
    reader.influxdb();
  } else {
    reader.web();
  }
  reader.finish();
  const bool keeps_its_place_secret = only->key == "datadog" || only->key == "influxdb";
  if (metric.provider.from_source || (!metric.provider.address.empty() && !keeps_its_place_secret)) return;
  if (only->key == "web") return;  // said already
  wrongs.say(only->key_place,
             fmt::format("metric '{}' does not say where its {} is{}", printable(metric.name, 64), only->key,
                         keeps_its_place_secret ? ": it leaves that to a Kubernetes secret" : ""),
             fmt::format("name a source of kind {} in tranche.yaml: `source: NAME`", only->key));
}

}  // namespace tranche::gate::internal
