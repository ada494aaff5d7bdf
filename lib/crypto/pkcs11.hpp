// Keys that never leave their token: a PKCS #11 module (OASIS, Cryptographic Token Interface 2.40) that is
// opened when the first such key is asked for.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "crypto/pkcs11_uri.hpp"
#include "crypto/signer.hpp"

namespace tranche::crypto {

// What p11-kit's configuration offers, all modules as one.
inline constexpr const char* default_pkcs11_module = "libp11-kit.so.0";

// `module`: path or soname of the module. `pin` may be empty: no login. The URI must fit exactly one token
// and one private key, whose public half stands beside it in the token. RSA, ECDSA on P-256, P-384 and P-521,
// Ed25519. kind verification: a wrong PIN; kind invalid: no such token or key, or several; kind failed: the
// module. Each signature is checked with the public half before it is handed out.
Result<std::unique_ptr<Signer>> signer_from_token(const std::string& module, const Pkcs11Uri& uri,
                                                  const Secret& pin);

}  // namespace tranche::crypto
