// Findings as SARIF 2.1.0 (docs.oasis-open.org/sarif), in the shape that code scanning of forges takes in:
// one rule an advisory, one result a finding.
#pragma once

#include <string>
#include <string_view>

#include "vuln/audit.hpp"

namespace tranche::vuln {

// `file`: what the results point at, relative to the repository. Refused findings are errors, those below the
// severity notes; ignored and suppressed ones carry a suppression with the reason.
std::string to_sarif(const Audit& audit, const std::string& file, std::string_view tool_version);

}  // namespace tranche::vuln
