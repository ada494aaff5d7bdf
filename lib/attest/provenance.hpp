// SLSA provenance v1 (slsa.dev/spec/v1.0/provenance): where the subjects come from. Filled from what the CI
// says of itself and what git says of the source; a claim, worth what the key or identity that signs it is.
//
// Read, and nothing else (documented names of the two systems; none holds a secret):
//   GitHub Actions (GITHUB_ACTIONS=true): GITHUB_SERVER_URL GITHUB_REPOSITORY GITHUB_REPOSITORY_ID
//     GITHUB_REPOSITORY_OWNER_ID GITHUB_REF GITHUB_SHA GITHUB_WORKFLOW_REF GITHUB_EVENT_NAME GITHUB_RUN_ID
//     GITHUB_RUN_ATTEMPT RUNNER_ENVIRONMENT
//   GitLab CI (GITLAB_CI=true): CI_PROJECT_URL CI_PROJECT_ID CI_COMMIT_SHA CI_COMMIT_REF_NAME CI_COMMIT_TAG
//     CI_JOB_NAME CI_JOB_ID CI_JOB_URL CI_JOB_STARTED_AT CI_PIPELINE_SOURCE CI_CONFIG_PATH CI_RUNNER_ID
// Elsewhere: the builder id says that a machine nobody vouches for made it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "ports/ports.hpp"

namespace tranche::attest {

// github.com/actions/attest-build-provenance uses it, and says what the parameters mean.
inline constexpr std::string_view github_build_type = "https://actions.github.io/buildtypes/workflow/v1";
inline constexpr std::string_view gitlab_build_type =
    "https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1";
// externalParameters: {source: {repository, ref}}; what stood there is known to git alone.
inline constexpr std::string_view local_build_type = "urn:tranche:local-build:v1";
inline constexpr std::string_view local_builder = "urn:tranche:builder:local-unverified";

struct Provenance {
  std::string build_type;
  doc::Value external_parameters = doc::Value::object();
  doc::Value internal_parameters = doc::Value::object();
  std::string source;  // uri of the source, "git+https://host/org/repo@refs/heads/main"; may be empty
  std::string commit;  // hex; may be empty
  std::string builder;
  std::string invocation;  // uri of the run; may be empty
  std::optional<Instant> started;
};
doc::Value to_predicate(const Provenance& provenance);

// Asks the environment and git in `repository`. kind invalid: a variable of the CI that is missing, too long
// or holds control characters. A machine without git or a directory without commits gives less, not an error.
Result<Provenance> gather_provenance(ports::World& world, const std::string& repository);

// The address of a remote as anybody may read it: without user and password, "git@host:org/repo" as
// ssh://host/org/repo. Empty for a path of this machine.
std::string public_remote(std::string_view remote);

}  // namespace tranche::attest
