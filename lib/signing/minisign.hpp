// minisign: signatures over files of any size, as Debian's minisign, rsign and Tauri's updater make and read
// them. Formats: jedisct1.github.io/minisign ("Key format", "Signature format").
//
//   public key   "untrusted comment: ...\n" base64("Ed" ‖ key number 8 ‖ Ed25519 key 32)
//   signature    "untrusted comment: ...\n" base64("ED" | "Ed" ‖ key number 8 ‖ Ed25519 signature 64)
//                "trusted comment: ...\n"   base64(Ed25519 signature over signature ‖ trusted comment)
//   secret key   "untrusted comment: ...\n" base64("Ed" ‖ "Sc" | 0 0 ‖ "B2" ‖ salt 32 ‖ operations 8 ‖
//                memory 8 ‖ (key number 8 ‖ seed 32 ‖ public key 32 ‖ BLAKE2b-256 checksum 32) XOR scrypt)
//
// "ED" signs the file's BLAKE2b-512, "Ed" (before minisign 0.10) the file itself. Tauri wraps each of these
// texts in base64 once more; the readers take either form.
//
// The trusted comment is what binds a signature to more than bytes: Tauri's updater refuses a release whose
// number is not the comment's "version:" field, where there is one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "crypto/ed25519.hpp"
#include "ports/ports.hpp"

namespace tranche::signing {

inline constexpr std::size_t max_minisign_text = 32 << 10;            // of a key or signature file
inline constexpr std::size_t max_minisign_trusted_comment = 8 << 10;  // bytes, as minisign

using MinisignKeyNumber = std::array<std::uint8_t, 8>;
std::string to_text(const MinisignKeyNumber& number);  // "E7620F1842B4E81F", as minisign shows it

struct MinisignPublicKey {
  MinisignKeyNumber number{};  // says which key signed; proves nothing
  crypto::PublicKey key;
  bool operator==(const MinisignPublicKey&) const = default;
};

struct MinisignSignature {
  bool prehashed = true;
  MinisignKeyNumber number{};
  std::string signature;  // 64 bytes
  std::string trusted_comment;
  std::string global_signature;  // 64 bytes
  std::string untrusted_comment;
  bool operator==(const MinisignSignature&) const = default;
};

// The text of a key or signature file, Tauri's base64 of it, or (a public key) the bare base64 of its second
// line. kind verification, each flaw with its own message: larger than max_minisign_text, a missing line, a
// wrong prefix, bytes too many or too few, an unknown algorithm, anything after the last line.
Result<MinisignPublicKey> parse_minisign_public_key(std::string_view text);
Result<MinisignSignature> parse_minisign_signature(std::string_view text);
std::string to_text(const MinisignPublicKey& key);        // the file
std::string to_text(const MinisignSignature& signature);  // the file

// The value of a "key:value" field of a trusted comment ("timestamp:1700000000\tfile:a.zip\tversion:1.2.3").
std::optional<std::string_view> comment_field(std::string_view trusted_comment, std::string_view key);
// The comment that minisign and Tauri's signer write; version may be empty. Control characters in the name
// or version are dropped: the comment is one line.
std::string usual_comment(Instant when, std::string_view file_name, std::string_view version);

class MinisignSecretKey {
 public:
  // A key file's text, or Tauri's base64 of it. A key that is locked is opened with the password, which may
  // be empty: Tauri locks with an empty one. kind verification when the password is wrong or the key is
  // damaged.
  static Result<MinisignSecretKey> parse(const Secret& text, const Secret& password);
  // A new one. 32 and 8 bytes from the Random port.
  static Result<MinisignSecretKey> make(const Secret& seed, std::string_view number);

  [[nodiscard]] const MinisignPublicKey& public_key() const { return public_; }
  // The key file, locked with the password by rsign's parameters, so that Tauri's signer and minisign open
  // it.
  [[nodiscard]] Result<Secret> to_text(const Secret& password,
                                       std::string_view salt) const;  // salt: 32 bytes

 private:
  friend Result<std::string> sign_minisign_digest(const MinisignSecretKey&, std::string_view,
                                                  std::string_view, std::string_view);
  MinisignSecretKey(crypto::SecretKey key, Secret expanded, MinisignPublicKey pub)
      : key_(std::move(key)), expanded_(std::move(expanded)), public_(pub) {}
  crypto::SecretKey key_;
  Secret expanded_;  // seed ‖ public key
  MinisignPublicKey public_;
};

// A new key pair, by the rules of generate_key (keys.hpp): the secret half locked with the password.
Result<MinisignPublicKey> generate_minisign_key(ports::World& world, const std::string& repository,
                                                const std::string& secret_path,
                                                const std::string& public_path, const Secret& password);

// The signature's text over a BLAKE2b-512 digest, prehashed. kind invalid when a comment is no one line of
// printable UTF-8 (tabs apart) or too long.
Result<std::string> sign_minisign_digest(const MinisignSecretKey& key, std::string_view digest,
                                         std::string_view trusted_comment,
                                         std::string_view untrusted_comment = "signature from tranche");
// The same over a file, in constant memory.
Result<std::string> sign_minisign(ports::Files& files, const std::string& path, const MinisignSecretKey& key,
                                  std::string_view trusted_comment);

// Whose signature it is and that its comment is the signed one; says nothing of any file. kind verification.
Result<> verify_minisign_comment(const MinisignSignature& signature, const MinisignPublicKey& key);
// That, and the file. kind verification with a message of its own for another key, comment, and bytes.
Result<> verify_minisign(ports::Files& files, const std::string& path, const MinisignSignature& signature,
                         const MinisignPublicKey& key);
Result<> verify_minisign_bytes(std::string_view bytes, const MinisignSignature& signature,
                               const MinisignPublicKey& key);

}  // namespace tranche::signing
