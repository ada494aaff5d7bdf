#include "rollout/argo.hpp"

namespace tranche::rollout {
namespace {

// As a template's provider is called.
std::string provider_of(const spec::Source* source) {
  if (source == nullptr) return {};
  switch (source->kind) {
    case spec::Source::Kind::prometheus:
      return "prometheus";
    case spec::Source::Kind::datadog:
      return "datadog";
    case spec::Source::Kind::graphite:
      return "graphite";
    case spec::Source::Kind::influxdb:
      return "influxdb";
    default:
      return {};
  }
}

}  // namespace

gate::ArgoInput argo_input(const spec::App& app, const spec::Gate& gate) {
  return {gate.argo.templates, gate.argo.args,
          gate.source.empty() ? std::string() : provider_of(app.source(gate.source)), gate.strict_argo,
          gate.no_data == spec::Gate::NoData::fail};
}

Result<gate::ArgoAnalysis> read_analysis(const spec::App& app, const spec::Gate& gate) {
  auto analysis = gate::read_argo(argo_input(app, gate));
  if (analysis) {
    Result<> askable;
    for (const gate::ArgoMetric& metric : analysis->metrics)
      if (askable && metric.measured)
        if (auto question = question_of(app, gate, metric); !question)
          askable = fail(std::move(question.error()));
    if (askable) return analysis;
    analysis = fail(std::move(askable.error()));
  }
  Error error = std::move(analysis.error()).during("reading the template of gate '" + gate.name + "'");
  if (gate.place.line > 0 && !error.mark) error.mark = doc::to_mark(gate.place);
  return fail(std::move(error));
}

}  // namespace tranche::rollout
