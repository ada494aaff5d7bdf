// Writing a bundle into a transparency log: Rekor v1 (sigstore/rekor, openapi.yaml) and v2
// (sigstore/rekor-tiles, api/proto/rekor/v2). What the log answers is read, not believed: verify() holds the
// entry against the bundle.
#pragma once

#include <optional>
#include <string>

#include "crypto/public_key.hpp"
#include "sigstore/bundle.hpp"
#include "sigstore/services.hpp"

namespace tranche::sigstore {

// The entry for a bundle that has a signature and a certificate, or else was made by `key`. A log that has
// this very entry already answers with it: asking twice writes once (v1 says so with 409 and where the entry
// is; v2 by itself).
//
// v1: hashedrekord 0.0.1 for a message signature, dsse 0.0.1 for an envelope. v2: hashedrekord 0.0.2; of an
// envelope the digest is that of its PAE (rekor-v2-spec, section 4.3), so that a pure Ed25519 key, which
// signs no digest, has no place there: kind invalid.
Result<LogEntry> log_bundle(ports::World& world, const LogService& log, const Bundle& bundle,
                            const crypto::AnyPublicKey& key);

// v1 only: asks whether the log has the entry, without writing it. nullopt: it has not, or cannot say.
Result<std::optional<LogEntry>> find_logged(ports::World& world, const LogService& log, const Bundle& bundle,
                                            const crypto::AnyPublicKey& key);

}  // namespace tranche::sigstore
