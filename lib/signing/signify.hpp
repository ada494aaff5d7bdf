// signify: OpenBSD's signatures, over files of any size, as Debian's signify-openbsd makes and reads them.
// Formats: signify(1) and signify.c of OpenBSD. Every text has two lines, "untrusted comment: ..." and
// base64:
//
//   public key   "Ed" ‖ key number 8 ‖ Ed25519 key 32
//   signature    "Ed" ‖ key number 8 ‖ Ed25519 signature 64, of the file itself (no prehash)
//   secret key   "Ed" ‖ "BK" ‖ rounds 4, big-endian ‖ salt 16 ‖ first 8 of SHA-512(secret) ‖ key number 8 ‖
//                secret 64 (seed ‖ public key)
//
// Rounds of 0 mean no password. Locked keys need bcrypt_pbkdf, which no library here has: they are refused.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/stream_signer.hpp"
#include "ports/ports.hpp"

namespace tranche::signing {

inline constexpr std::size_t max_signify_text = 4 << 10;  // of a key or signature file

using SignifyKeyNumber = std::array<std::uint8_t, 8>;
std::string signify_number_text(const SignifyKeyNumber& number);  // sixteen hex digits, in file order

struct SignifyPublicKey {
  SignifyKeyNumber number{};  // says which key signed; proves nothing
  crypto::PublicKey key;
  bool operator==(const SignifyPublicKey&) const = default;
};

struct SignifySignature {
  SignifyKeyNumber number{};
  std::string signature;  // 64 bytes
};

// kind verification, each flaw with its own message: too large, not two lines, a wrong prefix or algorithm,
// bytes too many or too few.
Result<SignifyPublicKey> parse_signify_public_key(std::string_view text);
Result<SignifySignature> parse_signify_signature(std::string_view text);

class SignifySecretKey {
 public:
  // kind verification: damaged; kind invalid: locked with a password.
  static Result<SignifySecretKey> parse(const Secret& text);
  [[nodiscard]] const SignifyPublicKey& public_key() const { return public_; }
  // The signature file's text. The file is read twice, in constant memory; one that changes meanwhile is kind
  // failed. `comment`: one line, at most 1023 bytes.
  [[nodiscard]] Result<std::string> sign(ports::Files& files, const std::string& path,
                                         std::string_view comment) const;

 private:
  SignifySecretKey(crypto::StreamSigner signer, SignifyPublicKey pub)
      : signer_(std::move(signer)), public_(pub) {}
  crypto::StreamSigner signer_;
  SignifyPublicKey public_;
};

// One pass. kind verification: another key, or other bytes.
Result<> verify_signify(ports::Files& files, const std::string& path, const SignifySignature& signature,
                        const SignifyPublicKey& key);

}  // namespace tranche::signing
