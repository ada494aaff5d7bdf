// `verify` with Sigstore bundles: which bundle, whom to believe, and the rows of what was found.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "commands/checks.hpp"
#include "commands/command.hpp"
#include "sigstore/verify.hpp"

namespace tranche::commands {

// Whether the command line asks for bundles by itself: --bundle, --certificate-identity, --trusted-root.
bool asks_for_bundle(const Options& options);
// FILE.sigstore.json, FILE.sigstore or FILE.sigstore.jsonl beside the file, in this order.
Result<std::optional<std::string>> find_bundle_beside(Context& context, const std::string& path);
// Files, or digests "sha256:HEX" and IMAGE@sha256:HEX, against `at`, --bundle or the bundle beside each. Of
// several bundles in one file one is enough. Whom to believe, and the trusted root, are read once, when the
// first bundle asks.
class BundleVerifier {
 public:
  // `several`: the rows name the file.
  BundleVerifier(const Options& options, Context& context, bool several);
  ~BundleVerifier();
  BundleVerifier(const BundleVerifier&) = delete;
  BundleVerifier& operator=(const BundleVerifier&) = delete;
  Result<> verify(Checks& checks, const std::string& path, std::string at = {});
  // One bundle that the caller has read, over what the caller knows of the artifact.
  Result<> judge(Checks& checks, const sigstore::Bundle& bundle, const sigstore::Artifact& artifact);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tranche::commands
