// Ed25519 (RFC 8032) keys and signatures over bytes: PKCS#8 / SPKI PEM by OpenSSL, signing by libsodium.
// No files, no clock, no randomness of its own.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace tranche::crypto {

struct PublicKey {
  std::array<std::uint8_t, 32> bytes{};
  bool operator==(const PublicKey&) const = default;
};

// Signs by an Ed25519 key: one in memory, or one that never leaves its token.
struct Ed25519Signer {
  virtual ~Ed25519Signer() = default;
  [[nodiscard]] virtual const PublicKey& public_key() const = 0;
  // 64 bytes. kind failed when a token fails; a key in memory does not.
  [[nodiscard]] virtual Result<std::string> sign_message(std::string_view message) const = 0;
};

class SecretKey final : public Ed25519Signer {
 public:
  // seed: 32 bytes from the Random port.
  static Result<SecretKey> from_seed(const Secret& seed);
  static Result<SecretKey> from_pem(const Secret& pem);  // PKCS#8 "PRIVATE KEY", Ed25519 only, not locked
  [[nodiscard]] Secret to_pem() const;
  [[nodiscard]] const PublicKey& public_key() const override { return public_; }
  [[nodiscard]] Result<std::string> sign_message(std::string_view message) const override {
    return sign(message);
  }
  [[nodiscard]] std::string sign(std::string_view message) const;  // 64 bytes

 private:
  SecretKey() = default;
  Secret expanded_;  // libsodium's 64-byte form
  PublicKey public_;
};

Result<PublicKey> public_key_from_pem(std::string_view pem);  // SPKI "PUBLIC KEY", Ed25519 only
std::string to_pem(const PublicKey& key);
// Hex of SHA-256 over the SPKI DER: the keyid of DSSE signatures and of messages ("key 3f9a…").
std::string key_id(const PublicKey& key);

bool verify(const PublicKey& key, std::string_view message, std::string_view signature);

}  // namespace tranche::crypto
