// C2SP signed notes (c2sp.org/signed-note): the text form of the journal's checkpoint.
//   text "\n" "\n" then lines "— <name> base64(key hash 4 bytes ‖ signature)"; Ed25519 algorithm byte 0x01,
//   key hash = SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]; verifier key = name+hex(hash)+base64(0x01 ‖
//   public key).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/ed25519.hpp"
#include "signing/keys.hpp"

namespace tranche::signing {

// What a key signs: a note's text as it stands, or a witness's statement about it (cosignature.hpp).
enum class NoteAlgorithm : std::uint8_t { ed25519 = 0x01, cosignature = 0x04 };

// "name+hash+base64(algorithm ‖ key)": how operators of logs and witnesses publish their keys.
struct VerifierKey {
  std::string name;
  crypto::PublicKey key;
  NoteAlgorithm algorithm = NoteAlgorithm::ed25519;
  bool operator==(const VerifierKey&) const = default;
};
std::string to_text(const VerifierKey& verifier);
// kind invalid: of another form, its hash is of another key, or of an algorithm that we do not know.
Result<VerifierKey> parse_verifier_key(std::string_view text);
std::string verifier_key(std::string_view name,
                         const crypto::PublicKey& key);  // to_text() of an Ed25519 one

struct NoteSignature {
  std::string name;
  std::string key_hash;   // 4 bytes
  std::string signature;  // bytes, at least one
};
struct Note {
  std::string text;  // with its final newline
  std::vector<NoteSignature> signatures;
};
// Form only; no signature is checked. kind verification.
Result<Note> read_note(std::string_view note);
// "— name base64\n"
std::string to_line(const NoteSignature& signature);
// Whether a signature line is of this key: by its name and hash.
bool is_by(const NoteSignature& signature, const VerifierKey& verifier);

// `text` ends with a newline; `name` has no blanks and no '+'.
Result<std::string> sign_note(std::string_view text, std::string_view name, const crypto::Ed25519Signer& key);
// The signature line alone, to stand below others.
Result<std::string> sign_line(std::string_view text, std::string_view name, const crypto::Ed25519Signer& key);
// The text (with its final newline), if a line by `name` verifies with one of `keys`. kind verification
// otherwise.
Result<std::string> open_note(std::string_view note, std::string_view name,
                              std::span<const crypto::PublicKey> keys);
// The same, and which of the keys signed it: at least one, in their order.
struct SignedNote {
  std::string text;
  std::vector<crypto::PublicKey> signers;
};
Result<SignedNote> open_signed_note(std::string_view note, std::string_view name,
                                    std::span<const crypto::PublicKey> keys);

}  // namespace tranche::signing
