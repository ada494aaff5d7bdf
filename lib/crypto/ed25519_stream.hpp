// Verifying Ed25519 (RFC 8032) over a message too long to hold: pieces come one after another, constant
// memory. Signing without a prehash needs the message twice and is not here.
#pragma once

#include <memory>
#include <string_view>

#include "crypto/ed25519.hpp"

namespace tranche::crypto {

class Ed25519Verifier {
 public:
  // The signature is hashed first, behind `domain`: empty for pure Ed25519, dom2 of RFC 8032 otherwise.
  Ed25519Verifier(const PublicKey& key, std::string_view signature, std::string_view domain = {});
  Ed25519Verifier(const Ed25519Verifier&) = delete;
  Ed25519Verifier& operator=(const Ed25519Verifier&) = delete;
  ~Ed25519Verifier();
  Ed25519Verifier& update(std::string_view bytes);
  // Once, at the end. False for a signature of another length, a scalar that is not reduced, and for points
  // that are not canonical or outside the prime-order group.
  [[nodiscard]] bool finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tranche::crypto
