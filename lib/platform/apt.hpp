// An APT suite's signatures (dists/SUITE): InRelease, which apt asks for first, and Release with Release.gpg,
// for those that know no InRelease. Both must say the same: else two machines see two repositories.
#pragma once

#include <string>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "signing/gpg.hpp"
#include "signing/verdict.hpp"

namespace tranche::platform {

// `path`: the directory, or the InRelease or Release in it. Also checked are the indices (Packages and
// others) that Release lists by SHA-256 and that lie here; packages themselves are not read. Codes: those of
// Gpg::check_file, and missing-artifact, unsigned, malformed, different-release, expired (Valid-Until is
// over), weak-digest (also: Release lists no SHA-256), changed-bytes.
Result<signing::Verdict> check_apt(ports::World& world, const std::string& path, signing::Gpg& gpg);

}  // namespace tranche::platform
