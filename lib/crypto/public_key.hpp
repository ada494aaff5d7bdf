// Public keys of any kind that signatures in the field are made with, and the check of a signature.
//
// Kinds: RSA (PKCS#1 v1.5 and PSS, 2048 to 8192 bits), ECDSA on P-256, P-384 and P-521, Ed25519. What a key
// may sign with is said by the caller (Scheme): a signature is never tried under several. OpenSSL's EVP;
// Ed25519ph by libsodium.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::crypto {

enum class Scheme {
  ecdsa_sha256,
  ecdsa_sha384,
  ecdsa_sha512,
  ed25519,
  ed25519ph,  // over the SHA-512 of the message (RFC 8032, section 5.1)
  rsa_pkcs1_sha256,
  rsa_pss_sha256,  // salt as long as the digest
};

class AnyPublicKey {
 public:
  // SubjectPublicKeyInfo. kind verification: not DER, trailing bytes, a kind or size that is not listed
  // above.
  static Result<AnyPublicKey> from_der(std::string_view spki);
  static Result<AnyPublicKey> from_pem(std::string_view pem);  // "PUBLIC KEY" or "RSA PUBLIC KEY"

  enum class Kind { rsa, p256, p384, p521, ed25519 };
  [[nodiscard]] Kind kind() const;
  [[nodiscard]] int bits() const;            // of the modulus or the curve: 3072, 256
  [[nodiscard]] std::string to_der() const;  // SubjectPublicKeyInfo
  [[nodiscard]] std::string to_pem() const;
  [[nodiscard]] std::string id() const;  // hex SHA-256 of to_der()
  // What the kind signs with when nothing else is said: P-256 with SHA-256, P-384 with SHA-384, P-521 with
  // SHA-512, RSA PKCS#1 v1.5 with SHA-256, pure Ed25519.
  [[nodiscard]] Scheme usual_scheme() const;
  // A hash shorter than the curve fits (P-384 with SHA-256), a longer one does not.
  [[nodiscard]] bool fits(Scheme scheme) const;

  // False also when the scheme does not fit the key or the signature is malformed.
  [[nodiscard]] bool verify(Scheme scheme, std::string_view message, std::string_view signature) const;
  // `digest` is the message's, by the scheme's hash. False for pure Ed25519, which has none.
  [[nodiscard]] bool verify_digest(Scheme scheme, std::string_view digest, std::string_view signature) const;

  struct State;
  explicit AnyPublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const State> state_;
};

// The hash that the scheme signs: 32, 48 or 64 bytes. nullopt: the message itself is signed.
std::optional<std::string> message_digest(Scheme scheme, std::string_view message);

}  // namespace tranche::crypto
