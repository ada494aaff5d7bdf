// `sign --format model` and `verify --format model`: model manifests of OpenSSF model signing
// (attest/model.hpp).
#pragma once

#include "commands/checks.hpp"
#include "commands/command.hpp"

namespace tranche::commands {

// Signs one directory or file: DIRECTORY/model.sig, or FILE.model.sig.
Result<Outcome> sign_model(const Options& options, Context& context);
// One directory or file against --bundle, else against the signature at its usual place.
Result<> verify_model(Checks& checks, const Options& options, Context& context);

}  // namespace tranche::commands
