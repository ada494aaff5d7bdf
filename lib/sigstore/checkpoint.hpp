// A transparency log's signed checkpoint: the size and root of its tree (C2SP, tlog-checkpoint.md) in a
// signed note (C2SP, signed-note.md), with the log's signature and those of any witnesses.
//
//   origin "\n" size "\n" base64(root) "\n" [extension lines] "\n" then "— " name " " base64(hint ‖
//   signature)
//
// Rekor v1 writes "name - tree id" as origin and an ECDSA signature over the text; Rekor v2 its name and
// Ed25519. Witnesses whose keys nobody gave are passed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sigstore/trusted_root.hpp"

namespace tranche::sigstore {

inline constexpr std::size_t max_checkpoint_bytes = 64 << 10;

struct NoteSignature {
  std::string name;
  std::string hint;       // 4 bytes
  std::string signature;  // bytes
};
struct Checkpoint {
  std::string text;  // what is signed, with its last newline
  std::string origin;
  std::uint64_t size = 0;
  std::string root;  // 32 bytes
  std::vector<NoteSignature> signatures;
};

// bad_checkpoint; checkpoint_unsigned where the text is whole and no signature follows it.
Checked<Checkpoint> read_checkpoint(std::string_view envelope);
// checkpoint_wrong_key, checkpoint_wrong_origin, bad_checkpoint_signature. One good signature by the log's
// key is enough; what else stands there is nobody's.
Checked<> check_checkpoint(const Checkpoint& checkpoint, const TransparencyLog& log);

}  // namespace tranche::sigstore
