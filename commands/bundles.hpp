// `verify` with Sigstore bundles: which bundle, whom to believe, and the rows of what was found.
#pragma once

#include <optional>
#include <string>

#include "commands/checks.hpp"
#include "commands/command.hpp"

namespace tranche::commands {

// Whether the command line asks for bundles by itself: --bundle, --certificate-identity, --trusted-root.
bool asks_for_bundle(const Options& options);
// FILE.sigstore.json, FILE.sigstore or FILE.sigstore.jsonl beside the file, in this order.
Result<std::optional<std::string>> find_bundle_beside(Context& context, const std::string& path);
// One file, or a digest "sha256:HEX", against --bundle or the bundle beside it. Of several bundles in one
// file one is enough. `several`: the rows name the file.
Result<> verify_with_bundle(Checks& checks, const Options& options, Context& context, const std::string& path,
                            bool several);

}  // namespace tranche::commands
