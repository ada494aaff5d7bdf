// JSON web tokens (RFC 7519) that an OpenID Connect provider signed (RFC 7515), held against its keys (RFC
// 7517). RS256 and ES256 only: what the CIs use. The algorithm is the key's, never the token's choice.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "crypto/public_key.hpp"
#include "doc/value.hpp"

namespace tranche::signing {

inline constexpr std::size_t max_token_bytes = 64 * 1024;
inline constexpr std::size_t max_jwks_bytes = 256 * 1024;

// base64url without padding (RFC 7515, appendix C). nullopt: it is none.
std::optional<std::string> from_base64url(std::string_view text);

struct JsonWebKey {
  std::string id;  // kid; may be empty
  crypto::AnyPublicKey key;
};
// {"keys": [...]}; keys of other kinds or for other uses are passed over. kind verification: no such
// document, more than 64 keys, or none that is taken.
Result<std::vector<JsonWebKey>> parse_jwks(std::string_view json);
// The same keys again, with nothing else: what a plan freezes.
std::string to_jwks(std::span<const JsonWebKey> keys);

// What a token must say.
struct TokenRules {
  std::string issuer, audience;
  std::map<std::string, std::string> claims;  // equal as text; booleans and integers as JSON writes them
};
struct VerifiedToken {
  std::string key_id, algorithm;
  doc::Value claims;  // object
  Instant issued{}, expires{};
};
// kind verification: malformed, not signed by one of `keys`, "crit" in its header; kind denied: another
// issuer or audience, expired, not valid yet, another claim. Clocks may differ by a minute. Messages name the
// claim and what it says, never the token.
Result<VerifiedToken> verify_token(std::string_view token, std::span<const JsonWebKey> keys,
                                   const TokenRules& rules, Instant now);

// Whether claims say what the rules want, word for word; else which does not.
Result<> check_claims(const doc::Value& claims, const TokenRules& rules);

}  // namespace tranche::signing
