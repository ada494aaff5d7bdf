// An `argo: FILE` gate of tranche.yaml, as the gate room reads it.
#pragma once

#include <optional>

#include "base/time.hpp"
#include "gate/argo.hpp"
#include "spec/spec.hpp"

namespace tranche::rollout {

// The templates, args and source of the gate. `gate` is of kind argo.
gate::ArgoInput argo_input(const spec::App& app, const spec::Gate& gate);
// The analysis that the gate runs. Errors: those of gate::read_argo, with what was being read.
Result<gate::ArgoAnalysis> read_analysis(const spec::App& app, const spec::Gate& gate);

// How a metric is asked: make_source(source)->measure(gate, ...), or with `range` its course from
// now - start_before to now - end_before, whose values are the measurement's list.
struct ArgoQuestion {
  spec::Source source;  // the gate's, or one made of the template; secrets are references
  spec::Gate gate;      // a threshold gate with the query; its interval is how far the query looks back
  struct Range {
    Duration start_before, end_before, step;
  };
  std::optional<Range> range;
};
// Errors (kind invalid): the metric is not measured; what its provider asks for and sources cannot do:
// secrets amid a text, a datadog formula, Flux, parameters of graphite's beside target and from.
Result<ArgoQuestion> question_of(const spec::App& app, const spec::Gate& gate,
                                 const gate::ArgoMetric& metric);

}  // namespace tranche::rollout
