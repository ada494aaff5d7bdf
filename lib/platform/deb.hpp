// Signatures inside .deb packages: the member _gpgorigin, an OpenPGP signature over the members
// debian-binary, control.tar* and data.tar*, one after another. debsigs(1) writes it, debsig-verify(1) asks
// for it.
#pragma once

#include <string>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "signing/gpg.hpp"
#include "signing/verdict.hpp"

namespace tranche::platform {

// Signs in place with debsigs, as "origin". What debsigs made is checked before the file is replaced: it
// takes members that it does not know (control.tar.zst) for none, and signs the rest. kind failed: debsigs is
// missing or fails; kind verification: the key does not sign, or the result does not hold.
Result<> sign_deb(ports::World& world, const std::string& path, signing::Gpg& gpg);

// By gpg's word, and without debsig-verify: the keys of `gpg` are those that count. Codes: those of
// Gpg::check_file, and unsigned, malformed (no .deb, a member twice, a member that dpkg would not expect).
Result<signing::Verdict> check_deb(ports::World& world, const std::string& path, signing::Gpg& gpg);

}  // namespace tranche::platform
