// Keyless signatures of a release's artifacts, made while it is created.
#pragma once

#include <string>
#include <vector>

#include "artifact/manifest.hpp"
#include "commands/command.hpp"
#include "commands/support.hpp"
#include "signing/keys.hpp"

namespace tranche::commands {

// ARTIFACT.sigstore.json beside each artifact that has none which `trust:` believes. A run that was cut short
// is carried on: what is signed stays, and a signature under way is logged once. With --dry-run it only says
// what it would sign. `trusted_ref`: what --trusted-ref says.
Result<> sign_artifacts(Context& context, const Loaded& loaded, const signing::Trust& trust,
                        const std::vector<artifact::Artifact>& artifacts, const std::string& trusted_ref);

}  // namespace tranche::commands
