// Identity tokens (OpenID Connect ID tokens, RFC 7519): who asks for a certificate. Where CI hands them out:
// GitHub Actions on request, GitLab CI in a variable. Their signature is the certificate authority's to
// check; here they are read to know what the certificate must say.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "ports/ports.hpp"

namespace tranche::sigstore {

inline constexpr std::string_view token_audience = "sigstore";

struct IdentityToken {
  Secret text;
  std::string issuer;
  std::string subject;             // what the proof of possession signs: a verified address, else `sub`
  std::vector<std::string> names;  // that a certificate for this token may be made out to
  Instant expires{};
};

// kind verification: no token, of another audience, without subject or issuer.
Result<IdentityToken> read_token(Secret text);
// `reference`: env:TRANCHE_NAME or file:PATH; empty: GitHub Actions' or GitLab CI's own (the variables
// ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, or SIGSTORE_ID_TOKEN). kind invalid with a
// hint when there is none; kind verification when it has expired.
Result<IdentityToken> find_token(ports::World& world, const std::string& repository,
                                 std::string_view reference);

// GitHub Actions' own (the two variables above), for any audience; nullopt: this is no job of it that may
// ask.
Result<std::optional<Secret>> ask_github_for_token(ports::World& world, std::string_view audience);

}  // namespace tranche::sigstore
