// What an AnyPublicKey holds. Not for other rooms.
#pragma once

#include "crypto/ed25519.hpp"
#include "crypto/openssl_handles.hpp"
#include "crypto/public_key.hpp"

namespace tranche::crypto {

struct AnyPublicKey::State {
  OwnedKey key;
  std::string der;
  Kind kind = Kind::ed25519;
  PublicKey ed25519;  // of that kind only
};

// Takes any EVP key of a kind that is taken. `der`: its SubjectPublicKeyInfo; empty: as OpenSSL writes it.
Result<AnyPublicKey> adopt_key(OwnedKey key, std::string der);

}  // namespace tranche::crypto
