// Signatures in .rpm packages, through rpmsign(8) and rpmkeys(8). rpmkeys is content with a package that is
// not signed at all: its exit code alone never counts here.
#pragma once

#include <string>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "signing/gpg.hpp"
#include "signing/verdict.hpp"

namespace tranche::platform {

// Signs in place with rpmsign; checked with rpmkeys before the file is replaced. kind failed: a tool is
// missing; kind verification: the key does not sign, or the result does not hold.
Result<> sign_rpm(ports::World& world, const std::string& path, signing::Gpg& gpg);

// `keys`: armored OpenPGP keys, the only ones that count. Codes: unsigned, changed-bytes, unknown-key,
// bad-signature, weak-digest, malformed.
Result<signing::Verdict> check_rpm(ports::World& world, const std::string& path, const std::string& keys);

// What `rpmkeys -Kv` said, read.
signing::Verdict read_rpmkeys(std::string_view said, int exit_code);

}  // namespace tranche::platform
