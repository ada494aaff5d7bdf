// Findings as SARIF 2.1.0 (docs.oasis-open.org/sarif), in the shape that code scanning of forges takes in:
// one rule an advisory, one result a finding.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "vuln/audit.hpp"

namespace tranche::vuln {

// Code scanning of GitHub refuses logs with more results or rules in a run.
inline constexpr std::size_t max_sarif_results = 25'000;

// The first max_sarif_results findings, which are the worst. `file`: what the results point at, relative to
// the repository. Refused findings are errors, those below the severity notes; ignored and suppressed ones
// carry a suppression with the reason.
std::string to_sarif(const Audit& audit, const std::string& file, std::string_view tool_version);

}  // namespace tranche::vuln
