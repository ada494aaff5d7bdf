// libsodium verifies whole messages only. RFC 8032 section 5.1.7 reads the message once, in
// k = SHA-512(R ‖ A ‖ M), so the same check can be made over pieces: R = [S]B - [k]A.
#include "crypto/ed25519_stream.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace tranche::crypto {

namespace {

using Bytes32 = std::array<unsigned char, 32>;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// S < L: each signature has one valid S only (little-endian order of the group's prime).
bool is_reduced(const Bytes32& scalar) {
  std::array<unsigned char, 64> wide{};
  std::copy(scalar.begin(), scalar.end(), wide.begin());
  Bytes32 reduced;
  crypto_core_ed25519_scalar_reduce(reduced.data(), wide.data());
  return reduced == scalar;
}

}  // namespace

struct Ed25519Verifier::State {
  Bytes32 key{}, r{}, s{};
  bool possible = false;
  crypto_hash_sha512_state hash;
};

Ed25519Verifier::Ed25519Verifier(const PublicKey& key, std::string_view signature, std::string_view domain)
    : state_(std::make_unique<State>()) {
  static const int ready = sodium_init();
  (void)ready;
  crypto_hash_sha512_init(&state_->hash);
  if (signature.size() != crypto_sign_BYTES) return;
  std::copy(key.bytes.begin(), key.bytes.end(), state_->key.begin());
  std::copy_n(raw(signature), 32, state_->r.begin());
  std::copy_n(raw(signature) + 32, 32, state_->s.begin());
  state_->possible = is_reduced(state_->s) && crypto_core_ed25519_is_valid_point(state_->key.data()) == 1 &&
                     crypto_core_ed25519_is_valid_point(state_->r.data()) == 1;
  crypto_hash_sha512_update(&state_->hash, raw(domain), domain.size());
  crypto_hash_sha512_update(&state_->hash, state_->r.data(), state_->r.size());
  crypto_hash_sha512_update(&state_->hash, state_->key.data(), state_->key.size());
}
Ed25519Verifier::~Ed25519Verifier() = default;

Ed25519Verifier& Ed25519Verifier::update(std::string_view bytes) {
  crypto_hash_sha512_update(&state_->hash, raw(bytes), bytes.size());
  return *this;
}

bool Ed25519Verifier::finish() {
  std::array<unsigned char, crypto_hash_sha512_BYTES> digest;
  crypto_hash_sha512_final(&state_->hash, digest.data());
  Bytes32 k, sb, ka, expected;
  crypto_core_ed25519_scalar_reduce(k.data(), digest.data());
  return state_->possible && crypto_scalarmult_ed25519_base_noclamp(sb.data(), state_->s.data()) == 0 &&
         crypto_scalarmult_ed25519_noclamp(ka.data(), k.data(), state_->key.data()) == 0 &&
         crypto_core_ed25519_sub(expected.data(), sb.data(), ka.data()) == 0 &&
         sodium_memcmp(expected.data(), state_->r.data(), expected.size()) == 0;
}

}  // namespace tranche::crypto
