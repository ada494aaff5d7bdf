// scrypt (RFC 7914) as libsodium parameterises it: what minisign and rsign lock their secret keys with.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace tranche::crypto {

// What a key file may ask for: a hostile one must not take all memory, nor run for minutes. minisign's own
// default is exactly max_scrypt_memory and half of max_scrypt_operations; rsign's is 32 MiB and 2^20.
inline constexpr std::uint64_t max_scrypt_operations = 1ULL << 26;
inline constexpr std::uint64_t max_scrypt_memory = 1ULL << 30;
inline constexpr std::size_t scrypt_salt_bytes = 32;

// `count` bytes from the password. kind invalid beyond the limits above, kind failed when there is not so
// much memory.
Result<Secret> scrypt(const Secret& password, std::string_view salt, std::uint64_t operations,
                      std::uint64_t memory, std::size_t count);

}  // namespace tranche::crypto
