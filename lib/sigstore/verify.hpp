// Does this bundle prove that one of these people signed this artifact? Bytes in, checks out: no clock, no
// network, no file. The only moments that count are those that the bundle proves (sigstore/architecture-docs,
// client-spec.md, section 4): timestamps by a trusted authority, and the time in a log's signed promise.
//
// The checks run in the order in which a cause is best named: first what needs no trust (the signer, the
// artifact, the signature, the log entry's body), then the log, the time, the certificate and the identity.
// The first that fails gives the reason.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/public_key.hpp"
#include "sigstore/bundle.hpp"
#include "sigstore/reason.hpp"
#include "sigstore/trusted_root.hpp"

namespace tranche::sigstore {

struct SignerIdentity {
  std::string identity;  // a subject alternative name, exactly
  std::string issuer;    // url of the OIDC provider, exactly
};
// Any one of them is enough. A bundle with a certificate asks for an identity, one with a key for a key.
struct Policy {
  std::vector<SignerIdentity> identities;
  std::vector<crypto::AnyPublicKey> keys;
};

// Digests in bytes. SHA-256 is always known; the others where the caller has the file (needs_of says which).
struct Artifact {
  std::string sha256;
  std::string sha384, sha512;
  // Whether `signature` is pure Ed25519 by `key` over the file; unset: the file is not here.
  std::function<bool(const crypto::AnyPublicKey& key, std::string_view signature)> verify_ed25519;
};
struct Needs {
  bool sha384 = false, sha512 = false;
};
// What besides SHA-256 the check of this bundle takes from the file.
Needs needs_of(const Bundle& bundle);

struct Check {
  std::string name;  // "signature", "log-entry", ...; several rows may have one name
  bool ok = false;
  Reason reason = Reason::verified;  // of a failure
  std::string detail;
};
struct Verdict {
  std::vector<Check> checks;
  std::vector<Instant> times;  // proved times of signing
  std::string signer;          // identity, or hex SHA-256 of the key; empty: not known
  std::string issuer;
  [[nodiscard]] bool verified() const { return !checks.empty() && reason() == Reason::verified; }
  [[nodiscard]] Reason reason() const;  // of the first check that failed
};

// `root` may be null where nothing needs it: a key signed, and the bundle has neither log entries nor
// timestamps.
Verdict verify(const Bundle& bundle, const TrustedRoot* root, const Policy& policy, const Artifact& artifact);
// The same from the bundle's text.
Verdict verify(std::string_view bundle, const TrustedRoot* root, const Policy& policy,
               const Artifact& artifact);
// One row: what could not even be read.
Verdict refused(std::string name, const Refusal& refusal);

}  // namespace tranche::sigstore
