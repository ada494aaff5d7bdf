// Is what a rollout requires of a release there, and does it hold? Asked before a rollout starts; every
// answer that is not a yes is a no.
//
//   signature        the manifest is signed by a release key (load_release refuses others already); the
//                    signatures of artifacts that are bound were made by a release key or an identity under
//                    `trust:`, and with `signing: keyless:` there is one of each artifact
//   sbom             an SBOM is bound, is stored as it was signed, and is CycloneDX or SPDX
//   provenance       SLSA provenance that a release key or an identity under `trust:` signed covers every
//                    artifact
//   vulnerabilities  the SBOM holds nothing that `vulnerabilities:` of tranche.yaml refuses
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actions/deck.hpp"
#include "actions/releases.hpp"
#include "base/error.hpp"

namespace tranche::actions {

struct EvidenceCheck {
  std::string name;  // of the evidence: "provenance"
  bool ok = false;
  // Code of a failure: no-signature artifact-not-signed no-sbom bad-sbom no-provenance bad-provenance
  // bad-statement artifact-not-covered vulnerable not-checked missing-document changed-document
  // document-too-large
  // unknown-evidence, or one of sigstore/reason.hpp.
  std::string reason;
  std::string detail;
  std::string hint;
};
struct Evidence {
  std::vector<EvidenceCheck> checks;  // at least one for each that is required, in that order
  [[nodiscard]] bool holds() const;
};
// An error only when the store or the repository cannot be read. Touches no network but the state store.
Result<Evidence> check_evidence(Deck& deck, const StoredRelease& release,
                                const std::vector<std::string>& required);
// The same for callers that go no further without it: kind denied, one error a failed check.
Result<> demand_evidence(Deck& deck, const StoredRelease& release, const std::vector<std::string>& required,
                         std::string_view rollout);

}  // namespace tranche::actions
