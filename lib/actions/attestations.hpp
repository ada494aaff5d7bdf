// Attestations that a release binds: Sigstore bundles and DSSE envelopes over in-toto statements about its
// artifacts. Binding believes nothing that they say; evidence.hpp does the checking before a rollout starts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actions/releases.hpp"
#include "artifact/manifest.hpp"
#include "attest/statement.hpp"
#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::actions {

inline constexpr std::size_t max_attestation_bytes = 16 << 20;
inline constexpr std::string_view bundle_suffix = ".sigstore.json";

struct BoundAttestations {
  std::vector<artifact::Document> documents;  // sorted by name; type: the predicate type
  std::vector<DocumentBytes> bytes;
};
// Those at `paths`, and those that lie beside an artifact as ARTIFACT.WORD.sigstore.json. kind invalid: a
// file that holds no statement, or one whose subjects name none of the artifacts (made for another build),
// two of one name with other bytes.
Result<BoundAttestations> collect_attestations(ports::Files& files,
                                               const std::vector<artifact::Artifact>& artifacts,
                                               const std::vector<std::string>& paths);

// The statement inside a bundle or an envelope, unverified. kind verification.
Result<attest::Statement> statement_inside(std::string_view json);

}  // namespace tranche::actions
