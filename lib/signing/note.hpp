// C2SP signed notes (c2sp.org/signed-note): the text form of the journal's checkpoint.
//   text "\n" "\n" then lines "— <name> base64(key hash 4 bytes ‖ signature)"; Ed25519 algorithm byte 0x01,
//   key hash = SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]; verifier key = name+hex(hash)+base64(0x01 ‖
//   public key).
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/ed25519.hpp"
#include "signing/keys.hpp"

namespace tranche::signing {

// `text` ends with a newline; `name` has no blanks and no '+'.
Result<std::string> sign_note(std::string_view text, std::string_view name, const crypto::Ed25519Signer& key);
// The text (with its final newline), if a line by `name` verifies with one of `keys`. kind verification
// otherwise.
Result<std::string> open_note(std::string_view note, std::string_view name,
                              std::span<const crypto::PublicKey> keys);
std::string verifier_key(std::string_view name,
                         const crypto::PublicKey& key);  // "name+hash+base64", for other tools

}  // namespace tranche::signing
