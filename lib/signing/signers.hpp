// Keys of any kind that sign artifacts and attestations, by reference. The keys of the four roles that sign
// manifests, feeds and the journal are load_secret_key's (keys.hpp).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/signer.hpp"
#include "ports/ports.hpp"

namespace tranche::signing {

// env:TRANCHE_NAME or file:PATH outside the repository: PKCS#8 PEM, plain or encrypted. pkcs11:URI: a key in
// a token. `passphrase`: a reference to what opens the key or the token (its PIN); may be empty. The rules of
// read_secret hold for both.
Result<std::unique_ptr<crypto::Signer>> load_signer(ports::World& world, const std::string& repository,
                                                    std::string_view reference, std::string_view passphrase);

}  // namespace tranche::signing
