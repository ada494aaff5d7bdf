// Digests through OpenSSL EVP (it has SHA-NI) with the method fetched once. Only crypto's .cpp files see
// OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::crypto {

using Sha256Digest = std::array<std::uint8_t, 32>;

Sha256Digest sha256(std::string_view bytes);
std::string to_hex(const Sha256Digest& digest);
std::string_view as_bytes(const Sha256Digest& digest);
Result<Sha256Digest> parse_sha256(std::string_view hex);  // exactly 64 hex digits, kind invalid

// One pass over data that comes in pieces. Reusable: finish() starts anew.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  Sha256& update(std::string_view bytes);
  Sha256Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// True when equal; time does not depend on where they differ. Lengths are not secret.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace tranche::crypto
