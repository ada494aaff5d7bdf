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
