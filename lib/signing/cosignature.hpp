// C2SP cosignatures (c2sp.org/tlog-cosignature, version 1): a witness says that at some time this was the
// largest tree of the log that it had seen, and that it grew out of all it had seen before.
//   signature = time (8 bytes, big-endian, seconds since 1970) ‖ Ed25519 over "cosignature/v1\ntime T\n" ‖
//   text
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "signing/note.hpp"

namespace tranche::signing {

// What is signed; `seconds` is the time of the line.
std::string cosigned_text(std::string_view text, std::uint64_t seconds);

// When the witness signed. `signature` is a line by this verifier (is_by), whose algorithm is cosignature.
// kind verification: of another text, another key, or broken.
Result<Instant> check_cosignature(std::string_view text, const NoteSignature& signature,
                                  const VerifierKey& verifier);

}  // namespace tranche::signing
