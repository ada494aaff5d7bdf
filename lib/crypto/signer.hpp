// Something that signs: a PKCS#8 key of any kind in memory, or a key that never leaves its token (PKCS#11).
// For artifacts and attestations; what signs manifests, feeds and the journal is an Ed25519Signer
// (ed25519.hpp).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "crypto/public_key.hpp"

namespace tranche::crypto {

// May be asked from several threads.
struct Signer {
  virtual ~Signer() = default;
  [[nodiscard]] virtual const AnyPublicKey& public_key() const = 0;
  // By the key's usual scheme. kind io when the token fails.
  virtual Result<std::string> sign(std::string_view message) = 0;
  // Over a digest by the usual scheme's hash; kind bug for Ed25519, which has none.
  virtual Result<std::string> sign_digest(std::string_view digest) = 0;
};

// PKCS#8, plain or encrypted; the passphrase may be empty. kind verification when it is wrong or the kind is
// not one that AnyPublicKey takes; kind invalid with a hint when an encrypted key comes without a passphrase.
Result<std::unique_ptr<Signer>> signer_from_pem(const Secret& pem, const Secret& passphrase);
// An ephemeral P-256 key.
Result<std::unique_ptr<Signer>> make_ephemeral_signer();

}  // namespace tranche::crypto
