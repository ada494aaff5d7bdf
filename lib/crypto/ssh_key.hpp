// Public keys and signatures in OpenSSH's forms: RFC 4251 (strings, mpints), RFC 4253 section 6.6 (blobs),
// RFC 5656 (ECDSA), RFC 8332 (RSA with SHA-2), RFC 8709 (Ed25519), and PROTOCOL.u2f of OpenSSH (keys that
// never leave a security key, "sk-").
//
// The kinds are those of AnyPublicKey; DSA, and RSA signatures over SHA-1 ("ssh-rsa"), are refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/public_key.hpp"

namespace tranche::crypto {

struct SshKey {
  AnyPublicKey key;
  std::string application;  // of a security key: "ssh:"; empty: an ordinary key
  std::string comment;      // of its line; may be empty
};

// "TYPE BASE64 [COMMENT]", the one line of a .pub file; at most 16 KiB. kind verification: options before the
// type, a certificate, a kind that is not taken, a blob of another type than the line says.
Result<SshKey> ssh_key_from_line(std::string_view line);
Result<SshKey> ssh_key_from_blob(std::string_view blob);

// kind verification: an ECDSA key with a compressed point, which SSH does not know.
Result<std::string> to_ssh_blob(const SshKey& key);
Result<std::string> to_ssh_line(const SshKey& key);  // without a newline

// `signature` is a blob: string type, string bytes, of a security key also flags and counter. False also when
// its type does not fit the key, and when a security key was not touched for it.
bool verify_ssh(const SshKey& key, std::string_view message, std::string_view signature);

// Reads RFC 4251's data from bytes that nobody vouches for. nullopt: there is less than that.
class SshReader {
 public:
  explicit SshReader(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::string_view> string();
  std::optional<std::uint32_t> number();
  std::optional<std::uint8_t> byte();
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::optional<std::string_view> take(std::size_t count);
  std::string_view rest_;
};
std::string ssh_string(std::string_view bytes);  // its length in four bytes, big-endian, then the bytes

}  // namespace tranche::crypto
