// Authenticode: signatures inside Windows programs, installers and cabinets (PE, MSI, CAB), through
// osslsigncode(1).
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "ports/ports.hpp"
#include "signing/verdict.hpp"

namespace tranche::platform {

struct AuthenticodeSigner {
  Secret key;                 // PEM: PKCS#8, locked or not; empty with `token`
  std::string token;          // a pkcs11: URI (RFC 7512): the key stays where it is
  std::string module;         // that opens the token: a path, or a library's name
  Secret password;            // of a locked key; the token's PIN
  std::string certificates;   // PEM: the signer's first, then those above it
  std::string timestamp_url;  // of an RFC 3161 authority, asked by osslsigncode; may be empty
};

// Signs in place, replacing a signature that is there. Key and password reach the tool through files and
// stdin. kind invalid: the URI is none, or holds a PIN; kind verification: the key does not open, does not
// belong to the certificate, or the file is of no kind that is signed so; kind failed: osslsigncode is
// missing.
Result<> sign_authenticode(ports::World& world, const std::string& path, const AuthenticodeSigner& signer);

// `authorities`: path of the PEM certificates that the signer, and a timestamp, must lead to. No revocation
// list is fetched. With several signatures all must hold, and so must a timestamp. Codes: unsigned,
// malformed, changed-bytes, untrusted-certificate, untrusted-timestamp, certificate-outside-validity,
// wrong-purpose, bad-signature.
Result<signing::Verdict> check_authenticode(ports::World& world, const std::string& path,
                                            const std::string& authorities);

// What `osslsigncode verify` said, read.
signing::Verdict read_osslsigncode(std::string_view out, std::string_view err, int exit_code);

}  // namespace tranche::platform
