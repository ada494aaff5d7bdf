// Opening what signs Sigstore bundles: a key, or a certificate for an identity token; with the services and
// the trusted root of tranche.yaml or of the command line. For `sign` and `attest`.
#pragma once

#include <vector>

#include "commands/command.hpp"
#include "commands/support.hpp"
#include "sigstore/session.hpp"

namespace tranche::commands {

// --key --key-password --keyless --identity-token --signing-config --trusted-root --trusted-ref
std::vector<Flag> bundle_signing_flags();

// tranche.yaml is asked where the command line does not say; none is needed with --key, or with --keyless
// and --signing-config. An Ed25519 key under `signing: release:` must stand under `trust: release:`.
// In CI of a pull request the services of a keyless signature must be those of its target branch, or
// Sigstore's public ones: kind denied otherwise.
Result<sigstore::Session> open_bundle_signer(const Options& options, Context& context);
// Keyless, with everything from tranche.yaml. `trusted_ref`: what --trusted-ref says; may be empty.
Result<sigstore::Session> open_keyless_signer(const Loaded& loaded, Context& context,
                                              const std::string& trusted_ref);

}  // namespace tranche::commands
