// OpenPGP cleartext signatures (RFC 4880 section 7) as APT's InRelease carries them: what text is signed, and
// what each signature says of itself. Reading checks no signature: gpg does (gpg.hpp).
//
// Only a message that is nothing but one signed text is taken. Words before or behind it would be read by
// people and signed by nobody.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tranche::signing {

inline constexpr std::size_t max_clearsigned_bytes = 4 << 20;

struct PgpSignature {
  std::string hash;    // "SHA512"; "hash 99" when its number is not known
  std::string key_id;  // 16 hex digits, upper case, of the issuer; the fingerprint (40) where it is given
  Instant made{};
};

struct Clearsigned {
  std::string text;  // lines end in '\n', dash escapes and blanks at their ends taken out
  std::vector<PgpSignature> signatures;
};

// kind verification: no cleartext signature, several, bytes around it, a broken armor.
Result<Clearsigned> parse_clearsigned(std::string_view bytes);
// An armored detached signature (Release.gpg). kind verification.
Result<std::vector<PgpSignature>> parse_detached(std::string_view armored);
// MD5, SHA-1 and RIPEMD-160: APT takes no signature over them.
bool is_weak_hash(std::string_view name);

}  // namespace tranche::signing
