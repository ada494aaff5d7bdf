// Signatures that `ssh-keygen -Y sign` makes (OpenSSH's PROTOCOL.sshsig): people sign with the key that they
// have. Verified here, without a process; `ssh-keygen -Y verify` says the same.
//
//   armor of: "SSHSIG" · uint32 1 · string key · string namespace · string reserved · string hash ·
//   string signature, which is over "SSHSIG" · namespace · reserved · hash · string H(message)
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/ssh_key.hpp"

namespace tranche::signing {

inline constexpr std::string_view ssh_namespace = "tranche";  // ssh-keygen -n

struct SshSignature {
  crypto::SshKey key;  // as the signature names it: nobody has vouched for it
  std::string space;   // the namespace
  std::string hash;    // "sha256" or "sha512"
  std::string reserved;
  std::string signature;  // blob
};

// At most 16 KiB. kind verification: no armor, another version, another hash, a key that is not taken.
Result<SshSignature> parse_sshsig(std::string_view armored);
// Whether that key made it over `message` in the namespace `space`.
bool verify_sshsig(const SshSignature& signature, const crypto::SshKey& key, std::string_view space,
                   std::string_view message);

}  // namespace tranche::signing
