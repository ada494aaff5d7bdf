// Opening what signs Sigstore bundles: a key, or a certificate for an identity token; with the services and
// the trusted root of tranche.yaml or of the command line. For `sign` and `attest`.
#pragma once

#include <vector>

#include "commands/command.hpp"
#include "sigstore/session.hpp"

namespace tranche::commands {

// --key --key-password --keyless --identity-token --signing-config --trusted-root
std::vector<Flag> bundle_signing_flags();

// tranche.yaml is asked where the command line does not say; none is needed with --key, or with --keyless
// and --signing-config. An Ed25519 key under `signing: release:` must stand under `trust: release:`.
Result<sigstore::Session> open_bundle_signer(const Options& options, Context& context);

}  // namespace tranche::commands
