// BLAKE2b is libsodium's "generic hash" without a key.
#include "crypto/blake2b.hpp"

#include <sodium.h>

namespace tranche::crypto {

struct Blake2b::State {
  crypto_generichash_blake2b_state state;  // aligned to 64 bytes by its own declaration
  std::size_t digest_bytes;
  ~State() { sodium_memzero(&state, sizeof state); }  // keys are hashed too
};

Blake2b::Blake2b(std::size_t digest_bytes) : state_(std::make_unique<State>()) {
  static const int ready = sodium_init();
  (void)ready;
  state_->digest_bytes = digest_bytes;
  crypto_generichash_blake2b_init(&state_->state, nullptr, 0, digest_bytes);
}
Blake2b::Blake2b(Blake2b&&) noexcept = default;
Blake2b& Blake2b::operator=(Blake2b&&) noexcept = default;
Blake2b::~Blake2b() = default;

Blake2b& Blake2b::update(std::string_view bytes) {
  crypto_generichash_blake2b_update(&state_->state, reinterpret_cast<const unsigned char*>(bytes.data()),
                                    bytes.size());
  return *this;
}

std::string Blake2b::finish() {
  std::string digest(state_->digest_bytes, '\0');
  crypto_generichash_blake2b_final(&state_->state, reinterpret_cast<unsigned char*>(digest.data()),
                                   digest.size());
  return digest;
}

}  // namespace tranche::crypto
