#include "crypto/scrypt.hpp"

#include <sodium.h>

namespace tranche::crypto {

static_assert(scrypt_salt_bytes == crypto_pwhash_scryptsalsa208sha256_SALTBYTES);

Result<Secret> scrypt(const Secret& password, std::string_view salt, std::uint64_t operations,
                      std::uint64_t memory, std::size_t count) {
  static const int ready = sodium_init();
  (void)ready;
  if (salt.size() != scrypt_salt_bytes)
    return fail(ErrorKind::bug, "a scrypt salt has {} bytes, this has {}", scrypt_salt_bytes, salt.size());
  if (operations > max_scrypt_operations || memory > max_scrypt_memory)
    return fail_hint(ErrorKind::invalid, "make the key anew with usual parameters",
                     "the key asks for scrypt with {} operations and {} MiB, more than {} and {} MiB",
                     operations, memory >> 20, max_scrypt_operations, max_scrypt_memory >> 20);
  std::string out(count, '\0');
  const int failed = crypto_pwhash_scryptsalsa208sha256(
      reinterpret_cast<unsigned char*>(out.data()), out.size(), password.expose().data(),
      password.expose().size(), reinterpret_cast<const unsigned char*>(salt.data()), operations, memory);
  if (failed != 0)
    return fail_hint(ErrorKind::failed, "run it where that much memory is free",
                     "opening the key takes {} MiB, which could not be had", memory >> 20);
  return Secret(std::move(out));
}

}  // namespace tranche::crypto
