// An `argo: FILE` gate of tranche.yaml, as the gate room reads it.
#pragma once

#include "gate/argo.hpp"
#include "spec/spec.hpp"

namespace tranche::rollout {

// The templates, args and source of the gate. `gate` is of kind argo.
gate::ArgoInput argo_input(const spec::App& app, const spec::Gate& gate);
// The analysis that the gate runs. Errors: those of gate::read_argo, with what was being read.
Result<gate::ArgoAnalysis> read_analysis(const spec::App& app, const spec::Gate& gate);

}  // namespace tranche::rollout
