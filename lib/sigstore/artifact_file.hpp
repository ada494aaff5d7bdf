// The artifact of a bundle, from a file of any size: one pass, constant memory.
#pragma once

#include <span>
#include <string>

#include "ports/ports.hpp"
#include "sigstore/verify.hpp"

namespace tranche::sigstore {

// The digests that `needs` asks for, and SHA-256. A pure Ed25519 signature over the file is checked by
// reading it once more, only when a bundle has one; `files` must outlive the artifact.
Result<Artifact> read_artifact(ports::Files& files, const std::string& path, Needs needs);
// Of several bundles over one file: what any of them needs.
Needs needs_of(std::span<const Bundle> bundles);

}  // namespace tranche::sigstore
