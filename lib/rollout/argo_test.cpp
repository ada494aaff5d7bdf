#include "rollout/argo.hpp"

#include <doctest/doctest.h>

#include "rollout/plan.hpp"

using namespace tranche;
using namespace tranche::rollout;

namespace {

spec::App app_with(const std::string& gate, const std::string& condition) {
  auto spec = spec::parse(
      "version: 1\napp: a\nchannels: { stable: { store: \"dir:s\" } }\n"
      "sources: { prom: { prometheus: \"http://127.0.0.1:9090\" } }\n"
      "gates:\n  g: { argo: t.yaml" +
      gate + " }\n");
  REQUIRE_MESSAGE(spec.has_value(), (spec ? "" : spec.error().message));
  spec::App app = spec->apps.front();
  app.gates.front().argo.templates = {*doc::parse_yaml(
      "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nspec:\n  args: [{ name: job }]\n  metrics:\n"
      "  - name: up\n    successCondition: " +
          condition + "\n    provider: { prometheus: { query: \"up{job='{{args.job}}'}\" } }\n",
      "t.yaml")};
  return app;
}

}  // namespace

TEST_CASE("a gate's source, args and strictness reach the analysis") {
  const spec::App app =
      app_with(", source: prom, args: { job: x }, strict-argo: true, no-data: fail", "result[0] > 0");
  const auto analysis = read_analysis(app, app.gates.front());
  REQUIRE_MESSAGE(analysis.has_value(), (analysis ? "" : analysis.error().message));
  CHECK(analysis->metrics[0].provider.from_source);
  CHECK(analysis->metrics[0].provider.query == "up{job='x'}");
  CHECK(analysis->metrics[0].config.strict);
  CHECK(analysis->metrics[0].config.no_data_fails);
  CHECK(check_conditions(app, app.gates.front()).has_value());
}

TEST_CASE("what is wrong with a template is found before a rollout, at its place") {
  const spec::App app = app_with(", source: prom, args: { job: x }", "reslt[0] > 0");
  const auto got = check_conditions(app, app.gates.front());
  REQUIRE_FALSE(got.has_value());
  REQUIRE(got.error().mark.has_value());
  CHECK(got.error().mark->file == "t.yaml");
  CHECK(got.error().mark->line == 7);
  spec::App bare = app;
  bare.gates.front().argo.templates.clear();
  CHECK_FALSE(check_conditions(bare, bare.gates.front()).has_value());
}

namespace {

Result<ArgoQuestion> ask(const std::string& provider, const std::string& args = "token: env:TRANCHE_T",
                         const std::string& source = "") {
  spec::App app = app_with(source + ", args: { " + args + " }", "result[0] > 0");
  app.gates.front().argo.templates = {*doc::parse_yaml(
      "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nspec:\n"
      "  args: [{ name: token, valueFrom: { secretKeyRef: { name: s, key: k } } }]\n  metrics:\n"
      "  - { name: m, successCondition: result > 1, provider: { " +
          provider + " } }\n",
      "t.yaml")};
  const auto analysis = TRY(gate::read_argo(argo_input(app, app.gates.front())));
  return question_of(app, app.gates.front(), analysis.metrics[0]);
}

}  // namespace

TEST_CASE("a provider becomes a source and a question") {
  auto got = ask(
      "prometheus: { address: 'http://127.0.0.1:1', query: up, timeout: 7, headers: [{ key: X-Scope, value: "
      "a }, "
      "{ key: Authorization, value: 'Bearer {{args.token}}' }, { key: X-Key, value: '{{ args.token }}' }], "
      "rangeQuery: { start: 'now() - duration(\"1h\")', end: now(), step: 1m } }");
  REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
  CHECK(got->source.kind == spec::Source::Kind::prometheus);
  CHECK(got->source.url == "http://127.0.0.1:1");
  CHECK(got->source.timeout == std::chrono::seconds(7));
  CHECK(got->source.token == "env:TRANCHE_T");
  CHECK(got->source.headers ==
        std::map<std::string, std::string>{{"X-Scope", "a"}, {"X-Key", "env:TRANCHE_T"}});
  CHECK(got->gate.query == "up");
  REQUIRE(got->range.has_value());
  CHECK(got->range->start_before == std::chrono::hours(1));

  got = ask("web: { url: 'http://127.0.0.1:1/x', method: POST, body: '{}', jsonPath: '{$.a}' }");
  REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
  CHECK(got->source.kind == spec::Source::Kind::web);
  CHECK(got->source.method == "POST");
  CHECK(got->source.json_path == "{$.a}");
  CHECK(got->source.body == "{}");

  got = ask(
      "graphite: { address: 'http://127.0.0.1:1', query: 'target=summarize(a.b, \"1min\")&from=-15min' }");
  REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
  CHECK(got->gate.query == "summarize(a.b, \"1min\")");
  CHECK(got->gate.interval == std::chrono::minutes(15));

  got = ask("prometheus: { address: 'http://127.0.0.1:1', query: up }", "token: env:TRANCHE_T",
            ", source: prom");
  REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
  CHECK(got->source.url == "http://127.0.0.1:9090");
  CHECK(got->source.name == "prom");
}

TEST_CASE("what no source can ask is refused with what to do instead") {
  for (const char* provider : {"web: { url: 'http://h', headers: [{ key: A, value: 'x {{args.token}}' }] }",
                               "web: { url: 'http://h', method: POST, body: '{{args.token}}' }",
                               "web: { url: 'http://h', headers: [{ key: A, value: 'env:TRANCHE_X' }] }",
                               "prometheus: { address: 'http://h', query: up, authentication: { basicAuth: { "
                               "username: a, password: b } } }",
                               "prometheus: { address: 'http://h', query: up, authentication: { basicAuth: { "
                               "username: '{{args.token}}', password: '{{args.token}}' } } }",
                               "graphite: { address: 'http://h', query: 'target=a&until=now' }",
                               "graphite: { address: 'http://h', query: 'target=a&from=yesterday' }",
                               "graphite: { address: 'http://h', query: 'target=a&from=' }"}) {
    CAPTURE(provider);
    const auto got = ask(provider);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().kind == ErrorKind::invalid);
    CHECK_FALSE(got.error().hint.empty());
    CHECK(got.error().message.starts_with("metric 'm' "));
  }
}
