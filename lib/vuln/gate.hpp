// The whole gate: the files that `vulnerabilities:` names, read and held against a catalog. What `sbom audit`
// shows and what a release must pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "sbom/sbom.hpp"
#include "spec/spec.hpp"
#include "vuln/audit.hpp"

namespace tranche::vuln {

// What is checked. `statements` are those of the document itself (CycloneDX vulnerabilities).
struct Subject {
  sbom::Catalog catalog;
  std::string serial;  // serialNumber; may be empty
  std::vector<VexStatement> statements;
  std::string file;  // where it came from; may be empty
};
// A bill of materials in any format that sbom::read_bom knows. kind invalid when it is none.
Result<Subject> read_subject(std::string_view text, const std::string& file);

struct GateRequest {
  std::string repository;  // that the policy's paths are relative to and stay in
  const spec::Vulnerabilities& policy;
  std::string advisories;        // instead of the policy's: a path that a person named, anywhere
  std::vector<std::string> vex;  // besides the policy's: files that a person named, anywhere
  const Subject& subject;
  Instant now{};
  bool lenient = false;             // records that cannot be read are passed over
  std::optional<Duration> max_age;  // of the newest record; older databases are refused
};
inline constexpr Duration old_after = std::chrono::days(30);  // said as a warning
struct Gate {
  Audit audit;
  Database database;  // the advisories that may concern the subject, and counts
  std::size_t statements = 0;
  std::vector<std::string> warnings;
  [[nodiscard]] bool passed() const { return audit.count(Finding::Status::refused) == 0; }
};
// Fails closed: no advisories, one that cannot be read, components of which none can be looked up, a VEX
// pattern that matches nothing are errors, kind invalid.
Result<Gate> run_gate(ports::Files& files, const GateRequest& request);

}  // namespace tranche::vuln
