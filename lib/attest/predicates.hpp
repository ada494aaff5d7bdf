// What a statement claims, one shape a predicate type: SLSA provenance v1 (provenance.hpp), SLSA verification
// summary v1, in-toto test-result v0.1, in-toto release v0.1, SBOMs of CycloneDX and SPDX.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/statement.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"

namespace tranche::attest {

// A thing named by where it is and what it is: in-toto's ResourceDescriptor.
struct Resource {
  std::string uri;     // or
  std::string name;    // for people
  std::string sha256;  // hex; may be empty
  bool operator==(const Resource&) const = default;
};
doc::Value to_value(const Resource& resource);

// SLSA verification summary (slsa.dev/spec/v1.0/verification_summary): somebody checked the subjects against
// a policy, and says how that ended.
struct VerificationSummary {
  std::string verifier;  // uri of who checked
  Instant verified{};
  std::string resource;  // uri of what was checked
  Resource policy;       // uri is required
  std::vector<Resource> inputs;
  bool passed = false;
  std::vector<std::string>
      levels;                // "SLSA_BUILD_LEVEL_2", or words of one's own that do not begin with SLSA_
  std::string slsa_version;  // "1.0"; may be empty
};
// kind invalid: a required uri is missing or no uri, no level where it passed, a level that SLSA does not
// know.
Result<doc::Value> to_predicate(const VerificationSummary& summary);

// in-toto test-result v0.1: one run of a suite.
struct TestResult {
  std::vector<std::string> passed, warned, failed;  // names of tests
  std::vector<Resource> configuration;
  std::string url;  // of the run; may be empty
};
// FAILED when a test failed, else WARNED when one warned, else PASSED. kind invalid when no test is named.
Result<doc::Value> to_predicate(const TestResult& result);

// in-toto release v0.1: these files are that version of a package. `purl` has a version.
Result<doc::Value> release_predicate(const std::string& purl);

// The predicate type of a bill of materials by what it says of itself; nullopt: neither CycloneDX nor SPDX.
std::optional<std::string_view> sbom_type(const doc::Value& document);

// The members that the type requires, with their types; types that are not listed above pass. The kind is the
// caller's: invalid for what a user wrote, verification for what came from elsewhere.
Result<> check_predicate(std::string_view type, const doc::Value& predicate, ErrorKind kind);

}  // namespace tranche::attest
