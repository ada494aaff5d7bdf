// The vulnerability gate: components against advisories, less what VEX statements take away and what the
// policy ignores for some time. Pure: what is read where is the caller's business, time is a value.
//
// Whatever cannot be decided counts as affected, with the reason shown: a version that does not parse, an
// ecosystem without a known order, a severity that nobody gave.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "sbom/sbom.hpp"
#include "spec/spec.hpp"
#include "vuln/advisories.hpp"
#include "vuln/cvss.hpp"
#include "vuln/osv.hpp"
#include "vuln/vex.hpp"

namespace tranche::vuln {

struct Finding {
  enum class Status {
    refused,     // makes the gate fail
    ignored,     // by the policy, until a day
    below,       // of the severity that is refused
    suppressed,  // a VEX statement says that it does not apply
  } status = Status::refused;
  std::string component;  // "name" or "group/name"
  std::string version;
  std::string purl;
  std::string id;                    // of the advisory
  std::vector<std::string> aliases;  // all other ids, those of merged advisories too; sorted
  Severity severity = Severity::unknown;
  int score = -1;                  // CVSS in tenths; -1: none
  std::string why;                 // "before 1.2.3"
  std::vector<std::string> fixed;  // in the order of the ecosystem; may be empty
  bool undecided = false;
  std::string reason;  // of ignored and suppressed, and what expired
  std::string summary, url;
};
std::string_view to_text(Finding::Status status);

struct Audit {
  std::vector<Finding> findings;  // by status, then severity, then purl and id
  std::size_t components = 0;
  std::size_t checked = 0;  // of an ecosystem that the database is about
  std::vector<std::string>
      unchecked;  // components that advisories have no name for: no package URL, other types
  std::vector<std::string> uncovered;  // families of components that the database says nothing about, sorted
  [[nodiscard]] std::size_t count(Finding::Status status) const;
};

// The packages of a catalog, for read_advisories; components without one are passed over.
std::vector<Package> packages_of(const sbom::Catalog& catalog);

struct AuditRequest {
  const sbom::Catalog& catalog;
  std::string_view serial;  // serialNumber of the bill of materials; may be empty
  const Database& database;
  const std::vector<VexStatement>& statements;
  const spec::Vulnerabilities& policy;  // severity, ignore_until, ignore
  Instant now{};
};
// One finding for a component and a vulnerability, however many advisories (joined by their aliases) tell of
// it.
Audit audit(const AuditRequest& request);

}  // namespace tranche::vuln
