#include "metrics/kayenta.hpp"

#include <algorithm>

namespace tranche::metrics {

namespace {

constexpr int most_steps = 11'000;

gate::KayentaMetric to_metric(const spec::KayentaMetric& from) {
  using Metric = gate::KayentaMetric;
  using Spec = spec::KayentaMetric;
  Metric out;
  out.name = from.name;
  switch (from.direction) {
    case Spec::Direction::either:
      out.direction = Metric::Direction::either;
      break;
    case Spec::Direction::increase:
      out.direction = Metric::Direction::increase;
      break;
    case Spec::Direction::decrease:
      out.direction = Metric::Direction::decrease;
      break;
  }
  out.missing = from.nan == Spec::Nan::replace ? Metric::Missing::replace : Metric::Missing::remove;
  out.critical = from.critical;
  out.muted = from.muted;
  out.must_have_data = from.must_have_data;
  out.groups = from.groups;
  out.remove_outliers = from.outliers == Spec::Outliers::remove;
  out.outlier_factor = from.outlier_factor;
  out.effect = from.measure == Spec::Measure::cles ? Metric::Effect::cles : Metric::Effect::mean_ratio;
  out.allowed_increase = from.allowed_increase;
  out.allowed_decrease = from.allowed_decrease;
  out.critical_increase = from.critical_increase;
  out.critical_decrease = from.critical_decrease;
  return out;
}

}  // namespace

gate::KayentaConfig kayenta_config(const spec::Kayenta& judge) {
  gate::KayentaConfig out;
  for (const spec::KayentaMetric& metric : judge.metrics) out.metrics.push_back(to_metric(metric));
  out.weights = judge.weights;
  out.pass = judge.pass;
  out.marginal = judge.marginal;
  out.unit_safe = judge.unit_safe;
  out.points = static_cast<std::size_t>(judge.points);
  return out;
}

Result<std::map<std::string, gate::KayentaSeries>> kayenta_series(Source& source, const spec::Kayenta& judge,
                                                                  const Variables& variables, Instant since,
                                                                  Instant until) {
  Instant from = std::max(since, until - most_steps * judge.step);
  if (judge.lookback > Duration::zero()) from = std::max(from, until - judge.lookback);
  std::map<std::string, gate::KayentaSeries> out;
  if (from >= until) return out;
  for (const spec::KayentaMetric& metric : judge.metrics) {
    gate::KayentaSeries& series = out[metric.name];
    series.canary = TRY(source.series(metric.query, variables, Arm::canary, from, until, judge.step));
    series.control = TRY(source.series(metric.query, variables, Arm::control, from, until, judge.step));
  }
  return out;
}

}  // namespace tranche::metrics
