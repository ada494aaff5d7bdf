#include "gate/argo.hpp"

#include <doctest/doctest.h>

using namespace tranche;
using namespace tranche::gate;
using namespace std::chrono_literals;

namespace {

const Instant t0 = *parse_instant("2026-01-01T00:00:00Z");

constexpr const char* success_rate = R"(
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: success-rate
  namespace: default
spec:
  args:
  - name: service-name
  - name: prometheus-port
    value: "9090"
  - name: limit
    value: "3"
  - name: api-token
    valueFrom:
      secretKeyRef:
        name: token-secret
        key: apiToken
  dryRun:
  - metricName: ^total
  measurementRetention:
  - metricName: rate
    limit: 20
  metrics:
  - name: success-rate
    interval: 5m
    initialDelay: 1h30m
    count: 10
    # NOTE: prometheus queries return results in the form of a vector.
    successCondition: result[0] >= 0.95
    failureLimit: "{{args.limit}}"
    provider:
      prometheus:
        address: "http://prometheus.example.com:{{args.prometheus-port}}"
        timeout: 40
        headers:
        - key: X-Scope-OrgID
          value: tenant_a
        - key: Authorization
          value: "Bearer {{ args.api-token }}"
        query: |
          sum(irate(requests_total{service=~"{{args.service-name}}",code!~"5.*"}[5m])) /
          sum(irate(requests_total{service=~"{{args.service-name}}"}[5m]))
  - name: total-errors
    failureCondition: result > 100
    provider:
      job:
        spec: { template: {} }
  - name: health
    interval: 30s
    successCondition: result.status == 'ok' && asInt(result.code) in [200, 204]
    provider:
      web:
        method: POST
        url: "http://health.example/{{args.service-name}}?a={{args.limit}}"
        timeoutSeconds: 20
        headers:
        - { key: Authorization, value: "Bearer {{args.api-token}}" }
        jsonBody: { service: "{{args.service-name}}", quote: 'say "{{args.limit}}"' }
        jsonPath: "{$.data}"
)";

doc::Value yaml(const std::string& text) {
  auto value = doc::parse_yaml(text, "template.yaml");
  REQUIRE_MESSAGE(value.has_value(), (value ? "" : value.error().message));
  return *value;
}
ArgoInput input(const std::string& text) { return {{yaml(text)}, {}, {}, false, false}; }

std::string metric_yaml(const std::string& fields) {
  return "apiVersion: argoproj.io/v1alpha1\nkind: ClusterAnalysisTemplate\nmetadata: { name: t }\nspec:\n  "
         "metrics:\n  - name: m\n"
         "    provider: { prometheus: { address: 'http://127.0.0.1:9090', query: up } }\n" +
         fields;
}
std::string spec_yaml(const std::string& spec) {
  return "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: { name: t }\nspec:\n" + spec;
}
constexpr const char* plain_metric = R"(
  - name: latency
    interval: 1m
    successCondition: result[0] < 1
    provider: { prometheus: { address: "http://127.0.0.1:9090", query: up } }
)";

ArgoAnalysis must(const ArgoInput& given) {
  auto analysis = read_argo(given);
  std::string why;
  if (!analysis) {
    why = analysis.error().message;
    for (const Error& other : analysis.error().others) why += "; " + other.message;
  }
  REQUIRE_MESSAGE(analysis.has_value(), why);
  return std::move(*analysis);
}
Measurement scalar(double value) { return {true, {value}, true, {}, {}}; }
Measurement outage() { return {false, {}, false, "connection refused", {}}; }

}  // namespace

TEST_CASE("a template is read with all its metrics, args, dry runs and retention") {
  ArgoInput given = input(success_rate);
  given.args = {{"service-name", "guestbook \"x\""}, {"api-token", "env:TRANCHE_API_TOKEN"}};
  const ArgoAnalysis analysis = must(given);
  REQUIRE(analysis.metrics.size() == 3);
  const ArgoMetric& rate = analysis.metrics[0];
  CHECK(rate.name == "success-rate");
  CHECK(rate.interval == 5min);
  CHECK(rate.initial_delay == 90min);
  CHECK(rate.config.count == 10);
  CHECK(rate.config.failure_limit == 3);
  CHECK(rate.config.consecutive_error_limit == 4);
  CHECK(rate.config.success_condition == "result[0] >= 0.95");
  CHECK(rate.retention == 20);
  CHECK_FALSE(rate.dry_run);
  CHECK(rate.provider.kind == "prometheus");
  CHECK(rate.provider.address == "http://prometheus.example.com:9090");
  CHECK(rate.provider.query.find(R"({service=~"guestbook "x"",code!~"5.*"})") != std::string::npos);
  CHECK(
      doc::to_json(rate.provider.fields) ==
      R"({"timeout-ms":40000,"headers":[{"key":"X-Scope-OrgID","value":"tenant_a"},{"key":"Authorization","value":"Bearer {{args.api-token}}"}]})");
  CHECK(rate.provider.secrets == std::vector<std::string>{"api-token"});
  const doc::Value filled = *fill_secrets(rate.provider.fields, {{"api-token", "s3cret"}});
  CHECK(filled.find("headers")->as_array()[1].find("value")->as_string() == "Bearer s3cret");
  CHECK_FALSE(fill_secrets(rate.provider.fields, {}).has_value());

  const ArgoMetric& total = analysis.metrics[1];
  CHECK(total.dry_run);
  CHECK_FALSE(total.measured);
  CHECK(total.config.count == 1);  // neither count nor interval
  const ArgoMetric& health = analysis.metrics[2];
  CHECK(health.config.count == 0);  // as long as it is asked
  CHECK(health.retention == 10);
  CHECK(health.provider.address == "http://health.example/guestbook \"x\"?a=3");
  CHECK(
      doc::to_json(health.provider.fields) ==
      R"({"method":"POST","headers":[{"key":"Authorization","value":"Bearer {{args.api-token}}"}],"timeout-ms":20000,)"
      R"("json-path":"{$.data}","body":"{\"service\":\"guestbook \\\"x\\\"\",\"quote\":\"say \\\"3\\\"\"}"})");
}

TEST_CASE("a source of tranche.yaml stands in for the template's address") {
  ArgoInput given = input(metric_yaml("    successCondition: result[0] < 1"));
  given.source_kind = "prometheus";
  CHECK(must(given).metrics[0].provider.from_source);
  given.source_kind = "datadog";
  CHECK_FALSE(must(given).metrics[0].provider.from_source);
  given = input(spec_yaml(R"(
  metrics:
  - name: d
    successCondition: default(result, 0) < 1
    provider:
      datadog:
        apiVersion: v2
        interval: 1h
        aggregator: sum
        queries: { a: "sum:errors{*}", b: "sum:requests{*}" }
        formula: a / b
        secretRef: { name: datadog }
)"));
  const auto alone = read_argo(given);
  REQUIRE_FALSE(alone.has_value());
  CHECK(alone.error().hint.find("source of kind datadog") != std::string::npos);
  given.source_kind = "datadog";
  CHECK(
      doc::to_json(must(given).metrics[0].provider.fields) ==
      R"({"api":"v2","interval-ms":3600000,"aggregator":"sum","formula":"a / b","queries":{"a":"sum:errors{*}","b":"sum:requests{*}"}})");
}

TEST_CASE("a range query becomes how long ago it starts and ends") {
  const ArgoAnalysis analysis = must(input(spec_yaml(R"(
  metrics:
  - name: r
    successCondition: 'all(result, # < 1)'
    provider:
      prometheus:
        address: http://127.0.0.1:9090
        query: up
        rangeQuery: { start: 'now() - duration("1h")', end: now(), step: 1m }
)")));
  CHECK(doc::to_json(analysis.metrics[0].provider.fields) ==
        R"({"range":{"start-before-ms":3600000,"end-before-ms":0,"step-ms":60000}})");
}

TEST_CASE("what is wrong with a template is said at its place, all at once") {
  struct Row {
    std::string text;
    const char* says;
    int line;
  };
  const std::string ok = "    successCondition: result[0] < 1\n";
  for (const Row& row : std::initializer_list<Row>{
           {"kind: Rollout\napiVersion: argoproj.io/v1alpha1\n", "the document is a 'Rollout'", 1},
           {"- 1\n", "must be a map", 1},
           {"kind: AnalysisTemplate\napiVersion: v1\nspec: { metrics: [] }\n", "apiVersion", 2},
           {spec_yaml("  metrics: []\n"), "no metrics", 1},
           {spec_yaml("  metrics: {}\n"), "'metrics' must be a list", 5},
           {spec_yaml("  metrcs: []\n"), "unknown key 'metrcs'", 5},
           {metric_yaml("    failureLimt: 3\n" + ok), "unknown key 'failureLimt'", 8},
           {metric_yaml(""), "no condition: it would pass", 6},
           {metric_yaml("    successCondition: result[0] <\n"), "column 12", 8},
           {metric_yaml("    successCondition: reslt[0] < 1\n"), "'reslt' is not known", 8},
           {metric_yaml("    interval: 1d\n" + ok), "'1d' is no duration", 8},
           {metric_yaml("    interval: 60\n" + ok), "'interval' must be a string", 8},
           {metric_yaml("    interval: 0s\n" + ok), "'interval' is zero", 8},
           {metric_yaml("    count: 2\n" + ok), "without an interval", 8},
           {metric_yaml("    count: many\n" + ok), "whole number", 8},
           {metric_yaml("    count: -1\n" + ok), "negative", 8},
           {metric_yaml(
                "    count: 3\n    interval: 1m\n    failureLimit: 2\n    consecutiveSuccessLimit: 2\n" + ok),
            "below failureLimit + consecutiveSuccessLimit, 4", 8},
           {metric_yaml("    count: 3\n    interval: 1m\n    inconclusiveLimit: 4\n" + ok),
            "below inconclusiveLimit", 8},
           {metric_yaml("    failureLimit: -1\n" + ok), "nothing decides", 8},
           {metric_yaml("    failureLimit: -2\n" + ok), "below -1", 8},
           {metric_yaml("    inconclusiveLimit: -1\n" + ok), "negative", 8},
           {metric_yaml("    consecutiveErrorLimit: -1\n" + ok), "negative", 8},
           {metric_yaml("    interval: '{{args.every}}'\n" + ok), "nothing is known of {{args.every}}", 8},
           {metric_yaml("    interval: '{{inputs.every}}'\n" + ok), "nothing is known of {{inputs.every}}",
            8},
           {spec_yaml("  metrics:\n  - name: a\n    successCondition: result > 1\n"), "no provider", 6},
           {spec_yaml("  metrics:\n  - name: a\n    successCondition: result > 1\n    provider: {}\n"),
            "no provider", 8},
           {spec_yaml("  metrics:\n  - name: a\n    provider: { web: {}, job: {} }\n"), "several providers",
            7},
           {spec_yaml("  metrics:\n  - name: a\n    provider: { prometeus: {} }\n"),
            "unknown key 'prometeus'", 7},
           {spec_yaml("  metrics:\n  - name: a\n    provider: { plugin: { x: {} } }\n"), "cannot run here",
            7},
           {spec_yaml("  metrics:\n  - name: a\n    successCondition: result > 1\n    provider: { graphite: "
                      "{ query: x } }\n"),
            "does not say where", 8},
           {spec_yaml("  metrics:\n  - name: a\n    successCondition: result > 1\n    provider: { web: { "
                      "url: 'file:///etc/passwd' } }\n"),
            "no http address", 8},
           {spec_yaml("  metrics:\n  - name: a\n    successCondition: result > 1\n    provider: { web: { "
                      "url: 'http://x', body: a } }\n"),
            "a GET has no body", 8},
           {spec_yaml("  metrics:\n  - name: a\n    successCondition: result > 1\n    provider: { web: { "
                      "url: 'http://x', insecure: true } }\n"),
            "'insecure' is not done", 8},
           {spec_yaml("  metrics:" + std::string(plain_metric) + std::string(plain_metric).substr(1)),
            "two metrics have the name", 10},
           {spec_yaml("  dryRun: [{ metricName: throughput }]\n  metrics:" + std::string(plain_metric)),
            "matches no metric", 5},
           {spec_yaml("  dryRun: [{ metricName: '(' }]\n  metrics:" + std::string(plain_metric)),
            "bad pattern", 5},
           {spec_yaml("  dryRun: [{ metricName: '.*' }]\n  metrics:" + std::string(plain_metric)),
            "every metric is a dry run", 1},
           {spec_yaml("  measurementRetention: [{ metricName: x, limit: 3 }]\n  metrics:" +
                      std::string(plain_metric)),
            "matches no metric", 5},
           {spec_yaml("  templates: [{ templateName: other }]\n  metrics:" + std::string(plain_metric)),
            "'other' is not here", 5},
           {spec_yaml("  args: [{ name: a }]\n  metrics:" + std::string(plain_metric)), "'a' has no value",
            5},
           {spec_yaml("  args: [{ name: a, value: x }, { name: a, value: x }]\n  metrics:" +
                      std::string(plain_metric)),
            "twice", 5},
           {spec_yaml(
                "  args: [{ name: a, valueFrom: { fieldRef: { fieldPath: metadata.labels } } }]\n  metrics:" +
                std::string(plain_metric)),
            "comes from a field of a Kubernetes object", 5},
           {spec_yaml("  args: [{ name: a, valueFrom: { secretKeyRef: { name: s, key: k } } }]\n  metrics:" +
                      std::string(plain_metric)),
            "comes from a Kubernetes secret", 5}}) {
    CAPTURE(row.text);
    const auto got = read_argo(input(row.text));
    REQUIRE_FALSE(got.has_value());
    std::vector<Error> all{got.error()};
    all.insert(all.end(), got.error().others.begin(), got.error().others.end());
    bool found = false;
    std::string said;
    for (const Error& error : all) {
      said += error.message + " at " + std::to_string(error.mark ? error.mark->line : 0) + "; ";
      CHECK(error.kind == ErrorKind::invalid);
      CHECK_FALSE(error.hint.empty());
      found = found || (error.message.find(row.says) != std::string::npos && error.mark &&
                        error.mark->line == row.line);
    }
    CHECK_MESSAGE(found, said);
  }
}

TEST_CASE("secrets stand only where nothing shows them") {
  ArgoInput given = input(spec_yaml(R"(
  args: [{ name: key, valueFrom: { secretKeyRef: { name: s, key: k } } }]
  metrics:
  - name: m
    successCondition: result > 1
    provider: { web: { url: "http://127.0.0.1/?key={{args.key}}" } }
)"));
  given.args = {{"key", "env:TRANCHE_KEY"}};
  const auto got = read_argo(given);
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().message.find("where it would be shown") != std::string::npos);
  given.args = {{"key", "plain text"}};
  const auto plain = read_argo(given);
  REQUIRE_FALSE(plain.has_value());
  CHECK(plain.error().message.find("is a secret") != std::string::npos);
  CHECK(plain.error().message.find("plain text") == std::string::npos);
  given.args = {{"kee", "env:TRANCHE_KEY"}};
  CHECK(read_argo(given).error().hint.find("key") != std::string::npos);
}

TEST_CASE("several templates are joined as Argo flattens them") {
  const std::string first =
      spec_yaml("  args: [{ name: a, value: x }]\n  metrics:" + std::string(plain_metric));
  std::string second = spec_yaml(R"(
  args: [{ name: a }, { name: b, value: y }]
  templates: [{ templateName: t, clusterScope: true }]
  metrics:
  - name: errors
    interval: 1m
    successCondition: result[0] < 1
    provider: { prometheus: { address: "http://127.0.0.1:9090", query: "{{args.a}}-{{args.b}}" } }
)");
  ArgoInput given{{yaml(first), yaml(second)}, {}, {}, false, false};
  const ArgoAnalysis analysis = must(given);
  REQUIRE(analysis.metrics.size() == 2);
  CHECK(analysis.metrics[1].provider.query == "x-y");
  second.replace(second.find("{ name: a }"), 11, "{ name: a, value: z }");
  given.templates[1] = yaml(second);
  const auto differing = read_argo(given);
  REQUIRE_FALSE(differing.has_value());
  CHECK(differing.error().message.find("the values 'x' and 'z'") != std::string::npos);
  given.args = {{"a", "w"}};
  CHECK(must(given).metrics[1].provider.query == "w-y");
  given.templates.push_back(yaml(first));
  CHECK_FALSE(read_argo(given).has_value());  // the metric is there twice
}

TEST_CASE("Go's durations are read, days are not among them") {
  struct Row {
    const char* text;
    std::int64_t milliseconds;
  };
  for (const Row& row : std::initializer_list<Row>{{"30s", 30'000},
                                                   {"1h30m", 5'400'000},
                                                   {"1.5h", 5'400'000},
                                                   {"300ms", 300},
                                                   {"1m0.5s", 60'500},
                                                   {"2500us", 3},
                                                   {"0", 0},
                                                   {"0s", 0}})
    CHECK_MESSAGE(parse_go_duration(row.text)->count() == row.milliseconds, row.text);
  for (const char* text : {"", "1", "1d", "-1s", "s", ".s", "1h 30m", "1e3s", "99999999h", "1ns", "1x"}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_go_duration(text).has_value());
    CHECK_FALSE(parse_go_duration(text).error().hint.empty());
  }
}

namespace {

ArgoAnalysis three(bool strict) {
  ArgoInput given = input(spec_yaml(R"(
  dryRun: [{ metricName: shadow }]
  metrics:
  - name: latency
    interval: 1m
    count: 3
    failureLimit: 1
    successCondition: result < 1
    failureCondition: result > 5
    provider: { prometheus: { address: "http://127.0.0.1:9090", query: up } }
  - name: errors
    initialDelay: 30s
    successCondition: result < 1
    provider: { prometheus: { address: "http://127.0.0.1:9090", query: up } }
  - name: shadow
    interval: 1m
    successCondition: result < 1
    provider: { prometheus: { address: "http://127.0.0.1:9090", query: up } }
)"));
  given.strict = strict;
  return must(given);
}
void add(ArgoMemory& memory, const ArgoAnalysis& analysis, const char* metric,
         std::initializer_list<double> values) {
  for (const double value : values) REQUIRE(observe(memory, analysis, metric, t0, scalar(value)).has_value());
}

}  // namespace

TEST_CASE("all metrics must be complete and good, and dry runs never decide") {
  const ArgoAnalysis analysis = three(false);
  ArgoMemory memory;
  CHECK(judge(memory, analysis).verdict == Verdict::no_data);
  CHECK(judge(memory, analysis).phase == Phase::pending);
  add(memory, analysis, "latency", {0, 0, 0});
  CHECK(judge(memory, analysis).verdict == Verdict::no_data);  // errors has not been measured
  CHECK(judge(memory, analysis).phase == Phase::running);
  add(memory, analysis, "shadow", {9});
  add(memory, analysis, "errors", {0});
  const ArgoJudgement got = judge(memory, analysis);
  CHECK(got.verdict == Verdict::pass);
  CHECK(got.phase == Phase::successful);
  CHECK(got.explanation.find("dry run 'shadow': fail") != std::string::npos);
  CHECK(is_complete(memory, analysis));
  CHECK(*argo_memory_from_value(*doc::parse_json(doc::to_json(to_value(memory)))) == memory);
  for (const char* text :
       {"{}", "null", R"({"metrics":{"a":{}},"measured":{}})", R"({"metrics":{},"measured":{"a":1}})"})
    CHECK_FALSE(argo_memory_from_value(*doc::parse_json(text)).has_value());
}

TEST_CASE("one failed metric ends the run, an outage does not") {
  for (const bool strict : {false, true}) {
    const ArgoAnalysis analysis = three(strict);
    ArgoMemory memory;
    add(memory, analysis, "latency", {9, 9, 0});
    CHECK(judge(memory, analysis).verdict == Verdict::fail);
    CHECK(judge(memory, analysis).phase == Phase::failed);
    CHECK(judge(memory, analysis).explanation.find("metric 'latency'") != std::string::npos);
    CHECK(is_complete(memory, analysis));
    CHECK_FALSE(next_measurement(memory, analysis, analysis.metrics[1], t0).has_value());
    add(memory, analysis, "errors", {0});
    CHECK_FALSE(memory.metrics.contains("errors"));

    memory = {};
    for (int i = 0; i < 5; ++i) REQUIRE(observe(memory, analysis, "errors", t0, outage()).has_value());
    CHECK(judge(memory, analysis).verdict == (strict ? Verdict::fail : Verdict::no_data));
    CHECK(judge(memory, analysis).phase == Phase::error);
    CHECK(is_complete(memory, analysis) == strict);

    memory = {};
    add(memory, analysis, "errors", {0});
    add(memory, analysis, "latency", {3});
    CHECK(judge(memory, analysis).verdict == Verdict::inconclusive);
    CHECK(judge(memory, analysis).phase == Phase::inconclusive);
    CHECK(is_complete(memory, analysis) == strict);
  }
  ArgoMemory memory;
  CHECK_FALSE(observe(memory, three(false), "other", t0, scalar(1)).has_value());
}

TEST_CASE("each metric is measured when Argo would") {
  const ArgoAnalysis analysis = three(false);
  ArgoMemory memory;
  const auto next = [&](std::size_t i) {
    return next_measurement(memory, analysis, analysis.metrics[i], t0);
  };
  CHECK(next(0) == t0);
  CHECK(next(1) == t0 + 30s);
  add(memory, analysis, "latency", {0});
  CHECK(next(0) == t0 + 1min);
  REQUIRE(observe(memory, analysis, "latency", t0 + 1min, outage()).has_value());
  CHECK(next(0) == t0 + 70s);  // ten seconds after an error
  REQUIRE(observe(memory, analysis, "errors", t0 + 30s, outage()).has_value());
  CHECK(next(1) == t0 + 40s);
  add(memory, analysis, "errors", {0});
  CHECK_FALSE(next(1).has_value());  // once is enough without an interval
  add(memory, analysis, "latency", {0, 0});
  CHECK_FALSE(next(0).has_value());
  CHECK(next(2) == t0);  // a dry run goes on
}
