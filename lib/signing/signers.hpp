// What signs, by reference: a key of any kind for artifacts and attestations, an Ed25519 key for the roles of
// keys.hpp. A key in a token never leaves it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/signer.hpp"
#include "ports/ports.hpp"

namespace tranche::signing {

// env:TRANCHE_NAME or file:PATH outside the repository: PKCS#8 PEM, plain or encrypted. pkcs11:URI: a key in
// a token. `passphrase`: a reference to what opens the key or the token (its PIN); may be empty, and is read
// only where something is locked. The rules of read_secret hold for both.
Result<std::unique_ptr<crypto::Signer>> load_signer(ports::World& world, const std::string& repository,
                                                    std::string_view reference, std::string_view passphrase);

// The same for what signs manifests, feeds and the journal. kind verification when the key is no Ed25519 key:
// devices and the journal's readers know no other.
Result<std::unique_ptr<crypto::Ed25519Signer>> load_role_key(ports::World& world,
                                                             const std::string& repository,
                                                             std::string_view reference,
                                                             std::string_view passphrase);

}  // namespace tranche::signing
