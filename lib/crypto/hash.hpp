// The digests that other tools' clients check: electron-updater reads SHA-512, Squirrel SHA-1; P-384 keys
// sign SHA-384. What tranche itself trusts is SHA-256 (digest.hpp).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tranche::crypto {

enum class HashKind { md5, sha1, sha384, sha512 };

// One pass over data that comes in pieces. Reusable: finish() starts anew.
class Hash {
 public:
  explicit Hash(HashKind kind);
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  Hash(Hash&&) noexcept;
  Hash& operator=(Hash&&) noexcept;
  ~Hash();
  Hash& update(std::string_view bytes);
  std::string finish();  // raw bytes: 16, 20, 48 or 64

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string hash(HashKind kind, std::string_view bytes);  // raw bytes

}  // namespace tranche::crypto
