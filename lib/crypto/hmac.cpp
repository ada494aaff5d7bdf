#include "crypto/hmac.hpp"

#include <algorithm>
#include <array>

namespace tranche::crypto {

Sha256Digest hmac_sha256(std::string_view key, std::string_view message) {
  constexpr std::size_t block = 64;  // of SHA-256
  std::array<char, block> inner{};
  if (key.size() > block) {
    const Sha256Digest hashed = sha256(key);
    std::copy_n(as_bytes(hashed).begin(), hashed.size(), inner.begin());
  } else {
    std::copy(key.begin(), key.end(), inner.begin());
  }
  std::array<char, block> outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  Sha256 hash;
  const Sha256Digest within = hash.update({inner.data(), block}).update(message).finish();
  const Sha256Digest mac = hash.update({outer.data(), block}).update(as_bytes(within)).finish();
  volatile char* wipe[] = {inner.data(), outer.data()};  // volatile: the compiler may not drop the writes
  for (volatile char* bytes : wipe)
    for (std::size_t i = 0; i < block; ++i) bytes[i] = 0;
  return mac;
}

}  // namespace tranche::crypto
