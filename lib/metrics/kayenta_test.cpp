#include "metrics/kayenta.hpp"

#include <doctest/doctest.h>

using namespace tranche;
using namespace tranche::metrics;

namespace {

struct Asked {
  std::string query;
  Arm arm;
  Instant after, until;
  Duration step;
};

// Answers with as many tens (canary) or ones (control) as there are steps.
class FakeSource : public Source {
 public:
  std::vector<Asked> asked;
  std::string fails;  // the query that fails

  Result<std::vector<WindowCounts>> compare(const spec::Gate&, const Variables&, Instant, Instant) override {
    return fail(ErrorKind::bug, "not asked here");
  }
  Result<gate::Measurement> measure(const spec::Gate&, const Variables&, Instant) override {
    return fail(ErrorKind::bug, "not asked here");
  }
  Result<std::vector<double>> series(const std::string& query, const Variables&, Arm arm, Instant after,
                                     Instant until, Duration step) override {
    asked.push_back({query, arm, after, until, step});
    if (query == fails) return fail_hint(ErrorKind::failed, "start it", "no answer");
    return std::vector<double>(static_cast<std::size_t>((until - after) / step), arm == Arm::canary ? 10 : 1);
  }
};

Instant at(int seconds) { return Instant{} + std::chrono::seconds(seconds); }

constexpr std::string_view yaml = R"(version: 1
gates:
  k:
    judge: kayenta
    metrics:
      - { name: errors, query: "e{arm='$arm'}", direction: increase, nan: replace, critical: true, must-have-data: true, group: [errors, all] }
      - { name: p99, query: "l{arm='$arm'}", direction: decrease, muted: true, outliers: remove, outlier-factor: 1.5,
          effect: { measure: cles, allowed-increase: 0.7, allowed-decrease: 0.3, critical-increase: 0.9, critical-decrease: 0.1 } }
    weights: { errors: 60 }
    pass: 90
    marginal: 60
    step: 30s
    unit-safe: true
    points: 20
)";

spec::Kayenta parsed() {
  auto gates = spec::parse_gates(yaml, "gates.yaml");
  REQUIRE(gates.has_value());
  return gates->front().kayenta;
}

}  // namespace

TEST_CASE("every key of a kayenta gate reaches the judge") {
  const gate::KayentaConfig config = kayenta_config(parsed());
  REQUIRE(gate::check(config).has_value());
  REQUIRE(config.metrics.size() == 2);
  const gate::KayentaMetric& errors = config.metrics[0];
  CHECK(errors.name == "errors");
  CHECK(errors.direction == gate::KayentaMetric::Direction::increase);
  CHECK(errors.missing == gate::KayentaMetric::Missing::replace);
  CHECK(errors.critical);
  CHECK(errors.must_have_data);
  CHECK_FALSE(errors.muted);
  CHECK_FALSE(errors.remove_outliers);
  CHECK(errors.effect == gate::KayentaMetric::Effect::mean_ratio);
  CHECK_FALSE(errors.allowed_increase);
  CHECK(errors.groups == std::vector<std::string>{"errors", "all"});
  const gate::KayentaMetric& latency = config.metrics[1];
  CHECK(latency.direction == gate::KayentaMetric::Direction::decrease);
  CHECK(latency.missing == gate::KayentaMetric::Missing::remove);
  CHECK(latency.muted);
  CHECK(latency.remove_outliers);
  CHECK(latency.outlier_factor == 1.5);
  CHECK(latency.effect == gate::KayentaMetric::Effect::cles);
  CHECK(latency.allowed_increase == 0.7);
  CHECK(latency.allowed_decrease == 0.3);
  CHECK(latency.critical_increase == 0.9);
  CHECK(latency.critical_decrease == 0.1);
  CHECK(latency.groups == std::vector<std::string>{"metrics"});
  CHECK(config.weights == std::map<std::string, double>{{"errors", 60}});
  CHECK(config.pass == 90);
  CHECK(config.marginal == 60);
  CHECK(config.unit_safe);
  CHECK(config.points == 20);
}

TEST_CASE("both arms of each metric are asked for since the arms began to differ") {
  FakeSource source;
  spec::Kayenta judge = parsed();
  const auto series = kayenta_series(source, judge, {}, at(600), at(1800));
  REQUIRE(series.has_value());
  REQUIRE(source.asked.size() == 4);
  CHECK(source.asked[0].query == "e{arm='$arm'}");
  CHECK(source.asked[0].arm == Arm::canary);
  CHECK(source.asked[1].arm == Arm::control);
  CHECK(source.asked[3].query == "l{arm='$arm'}");
  for (const Asked& asked : source.asked) {
    CHECK(asked.after == at(600));
    CHECK(asked.until == at(1800));
    CHECK(asked.step == std::chrono::seconds(30));
  }
  const auto judged = gate::judge(kayenta_config(judge), *series);
  REQUIRE(judged.has_value());
  CHECK(judged->verdict == gate::Verdict::fail);
  CHECK(judged->metrics[0].canary_points == 40);

  source.asked.clear();
  judge.lookback = std::chrono::minutes(10);
  REQUIRE(kayenta_series(source, judge, {}, at(600), at(1800)).has_value());
  CHECK(source.asked[0].after == at(1200));
  source.asked.clear();
  judge.lookback = std::chrono::hours(10);
  REQUIRE(kayenta_series(source, judge, {}, at(600), at(1800)).has_value());
  CHECK(source.asked[0].after == at(600));
  source.asked.clear();
  judge.step = std::chrono::seconds(1);
  judge.lookback = Duration::zero();
  REQUIRE(kayenta_series(source, judge, {}, at(0), at(20'000)).has_value());
  CHECK(source.asked[0].after == at(9'000));
}

TEST_CASE("nothing is asked before there is time, and an outage is an error and no judgement") {
  FakeSource source;
  const spec::Kayenta judge = parsed();
  const auto none = kayenta_series(source, judge, {}, at(600), at(600));
  REQUIRE(none.has_value());
  CHECK(source.asked.empty());
  CHECK(gate::judge(kayenta_config(judge), *none)->verdict == gate::Verdict::no_data);
  source.fails = "l{arm='$arm'}";
  const auto outage = kayenta_series(source, judge, {}, at(600), at(1200));
  REQUIRE_FALSE(outage.has_value());
  CHECK(outage.error().message == "no answer");
}
