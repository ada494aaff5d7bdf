// Signatures of artifacts that a release binds: Sigstore bundles, one an artifact, ARTIFACT.sigstore.json as
// `tranche sign` writes it; and whom tranche.yaml believes. Binding believes nothing: evidence.hpp checks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/releases.hpp"
#include "artifact/manifest.hpp"
#include "base/error.hpp"
#include "ports/ports.hpp"
#include "signing/keys.hpp"
#include "sigstore/trusted_root.hpp"
#include "sigstore/verify.hpp"
#include "spec/spec.hpp"

namespace tranche::actions {

// Who may have signed, by `trust:`: its release keys and its identities, and the root that certificates, logs
// and timestamps are held against.
struct Believed {
  sigstore::Policy policy;
  std::optional<sigstore::TrustedRoot> root;
};
// kind invalid: a trusted root that is named and cannot be read.
Result<Believed> load_believed(ports::Files& files, const std::string& repository,
                               const spec::Trust& declared, const signing::Trust& keys);

// Why a bundle does not prove that one of them signed what has this SHA-256 (hex). `reason`: a code of
// sigstore/reason.hpp; empty: it proves it.
struct SignatureProblem {
  std::string reason, detail;
};
SignatureProblem find_problem(std::string_view bundle, const Believed& believed, std::string_view sha256);

// Whether a bundle says of itself that it is about this SHA-256 (hex). kind verification: it is no bundle.
Result<bool> is_about(std::string_view bundle, std::string_view sha256);

struct BoundSignatures {
  std::vector<artifact::Document> documents;  // in the order of the artifacts
  std::vector<DocumentBytes> bytes;
};
// Those that lie beside artifacts. kind invalid: a file that is no bundle, or one about other bytes.
Result<BoundSignatures> collect_signatures(ports::Files& files,
                                           const std::vector<artifact::Artifact>& artifacts);

// "notes.deb.sigstore.json"
std::string signature_name(std::string_view artifact);

}  // namespace tranche::actions
