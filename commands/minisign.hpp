// `sign` and `verify` with minisign's signatures, which Tauri's updater reads. No tranche.yaml is needed: the
// key is named on the command line.
#pragma once

#include "commands/checks.hpp"
#include "commands/command.hpp"

namespace tranche::commands {

// --key REF [--key-password REF] [--release VERSION] FILE...: writes FILE.minisig, or Tauri's FILE.sig.
Result<Outcome> sign_with_minisign(const Options& options, Context& context);
// --key PATH [--signature PATH] FILE...
Result<> verify_with_minisign(Checks& checks, const Options& options, Context& context);

}  // namespace tranche::commands
