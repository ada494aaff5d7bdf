// What a gate has seen, in sentences: which metric, which arm, how much worse and how sure, since when. PURE.
#pragma once

#include <string>
#include <vector>

#include "rollout/gate_memory.hpp"

namespace tranche::rollout {

// "the canary's rate is 2.1 times the control's, between 1.4 and 3.2 (95%, at every look)". Empty while there
// is nothing to tell, and for gates that compare nothing.
std::string ratio_text(const GateMemory& memory, const spec::Gate& gate);
// The whole of it, a sentence a line: verdict and ratio, since when, the counts, noise, gaps.
std::vector<std::string> explain(const std::string& name, const GateMemory& memory, const spec::Gate& gate);

}  // namespace tranche::rollout
