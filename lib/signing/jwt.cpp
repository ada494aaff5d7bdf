#include "signing/jwt.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/ecdsa_form.hpp"
#include "crypto/ssh_key.hpp"

namespace tranche::signing {

namespace {

constexpr std::size_t max_keys = 64;
constexpr std::size_t p256_bytes = 32;
constexpr Duration clock_skew = std::chrono::minutes(1);
constexpr doc::Limits token_limits{.max_bytes = max_token_bytes, .max_depth = 8, .max_nodes = 2'000};
constexpr doc::Limits jwks_limits{.max_bytes = max_jwks_bytes, .max_depth = 8, .max_nodes = 5'000};
constexpr const char* token_hint = "ask the CI for a new ID token, and hand it over unchanged";

using Kind = crypto::AnyPublicKey::Kind;

std::unexpected<Error> bad_token(std::string_view what) {
  return fail_hint(ErrorKind::verification, token_hint, "the identity token {}", what);
}

std::optional<std::string> bytes_at(const doc::Value& object, std::string_view member) {
  const doc::Value* value = object.find(member);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return from_base64url(value->as_string());
}
std::string text_at(const doc::Value& object, std::string_view member) {
  const doc::Value* value = object.find(member);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

std::string mpint(std::string digits) {
  digits.erase(0, std::min(digits.find_first_not_of('\0'), digits.size()));
  if (!digits.empty() && (digits[0] & 0x80) != 0) digits.insert(0, 1, '\0');
  return digits;
}

// An OpenSSH blob is the shortest way from the numbers to a key.
std::optional<std::string> blob_of(const doc::Value& key) {
  const std::string type = text_at(key, "kty");
  if (type == "RSA") {
    const auto modulus = bytes_at(key, "n"), exponent = bytes_at(key, "e");
    if (!modulus || !exponent) return std::nullopt;
    return crypto::ssh_string("ssh-rsa") + crypto::ssh_string(mpint(*exponent)) +
           crypto::ssh_string(mpint(*modulus));
  }
  const auto x = bytes_at(key, "x"), y = bytes_at(key, "y");
  if (type != "EC" || text_at(key, "crv") != "P-256" || !x || !y || x->size() != p256_bytes ||
      y->size() != p256_bytes)
    return std::nullopt;
  return crypto::ssh_string("ecdsa-sha2-nistp256") + crypto::ssh_string("nistp256") +
         crypto::ssh_string("\x04" + *x + *y);
}

std::string_view algorithm_of(const crypto::AnyPublicKey& key) {
  return key.kind() == Kind::rsa ? "RS256" : "ES256";
}

std::string to_base64url(std::string_view bytes) {
  std::string text = to_base64(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::optional<doc::Value> object_of(std::string_view part) {
  const auto bytes = from_base64url(part);
  if (!bytes) return std::nullopt;
  auto value = doc::parse_json(*bytes, "<token>", token_limits);
  if (!value || !value->is_object()) return std::nullopt;
  return std::move(*value);
}

bool has_audience(const doc::Value& claims, const std::string& audience) {
  const doc::Value* value = claims.find("aud");
  if (value == nullptr) return false;
  if (value->is_string()) return value->as_string() == audience;
  return value->is_array() && std::ranges::any_of(value->as_array(), [&](const doc::Value& one) {
           return one.is_string() && one.as_string() == audience;
         });
}

std::string shown(const doc::Value* value) {
  if (value == nullptr) return "nothing";
  return "'" + printable(value->is_string() ? value->as_string() : doc::to_json(*value), 100) + "'";
}

// Seconds since 1970; a fraction is cut (RFC 7519 allows one).
std::optional<Instant> time_at(const doc::Value& claims, std::string_view member) {
  const doc::Value* value = claims.find(member);
  constexpr double latest = 1e11;  // the year 5138
  if (value == nullptr || !value->is_number() || value->as_double() < 0 || value->as_double() > latest)
    return std::nullopt;
  return Instant(std::chrono::seconds(static_cast<std::int64_t>(value->as_double())));
}

bool is_signed_by(const crypto::AnyPublicKey& key, std::string_view message, std::string_view signature) {
  if (key.kind() == Kind::rsa) return key.verify(crypto::Scheme::rsa_pkcs1_sha256, message, signature);
  if (signature.size() != 2 * p256_bytes) return false;
  const auto der = crypto::ecdsa_der(signature);
  return der && key.verify(crypto::Scheme::ecdsa_sha256, message, *der);
}

Result<> check_time(const doc::Value& claims, Instant now, VerifiedToken& out) {
  const auto expires = time_at(claims, "exp");
  if (!expires) return bad_token("does not say when it expires");
  out.expires = *expires;
  if (now >= *expires + clock_skew)
    return fail_hint(ErrorKind::denied, "ask for a new one", "the identity token expired at {}",
                     tranche::to_text(*expires));
  for (const char* member : {"nbf", "iat"}) {
    if (claims.find(member) == nullptr) continue;
    const auto from = time_at(claims, member);
    if (!from) return bad_token(fmt::format("holds no time at '{}'", member));
    out.issued = *from;
    if (*from > now + clock_skew)
      return fail_hint(ErrorKind::denied, "set the clock of this machine",
                       "the identity token holds from {} on, and it is {}", tranche::to_text(*from),
                       tranche::to_text(now));
  }
  return {};
}

}  // namespace

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  while (standard.size() % 4 != 0) standard += '=';
  return from_base64(standard);
}

Result<std::vector<JsonWebKey>> parse_jwks(std::string_view json) {
  constexpr const char* hint = "give the document at the provider's jwks_uri: RSA or P-256 keys";
  const auto document = doc::parse_json(json, "<jwks>", jwks_limits);
  const doc::Value* list = document && document->is_object() ? document->find("keys") : nullptr;
  if (list == nullptr || !list->is_array())
    return fail_hint(ErrorKind::verification, hint, "this is no JSON web key set");
  if (list->as_array().size() > max_keys)
    return fail_hint(ErrorKind::verification, hint, "the key set has {} keys, more than {}",
                     list->as_array().size(), max_keys);
  std::vector<JsonWebKey> keys;
  for (const doc::Value& one : list->as_array()) {
    const auto blob = blob_of(one);
    auto key = blob ? crypto::ssh_key_from_blob(*blob)
                    : Result<crypto::SshKey>(fail(ErrorKind::verification, "another kind"));
    if (!key) continue;
    const std::string use = text_at(one, "use"), algorithm = text_at(one, "alg");
    if ((!use.empty() && use != "sig") || (!algorithm.empty() && algorithm != algorithm_of(key->key)))
      continue;
    keys.push_back({text_at(one, "kid"), std::move(key->key)});
  }
  if (keys.empty())
    return fail_hint(ErrorKind::verification, hint, "the key set holds no RSA or P-256 key for signatures");
  return keys;
}

std::string to_jwks(std::span<const JsonWebKey> keys) {
  doc::Value list = doc::Value::array();
  for (const JsonWebKey& one : keys) {
    const auto blob = crypto::to_ssh_blob({one.key, {}, {}});
    if (!blob) continue;
    crypto::SshReader reader(*blob);
    reader.string();
    const std::string first(reader.string().value_or("")), second(reader.string().value_or(""));
    doc::Value key = doc::Value::object({{"kid", one.id}});
    if (one.key.kind() == Kind::rsa) {
      key.set("kty", "RSA");
      key.set("e", to_base64url(first));
      key.set("n", to_base64url(second[0] == '\0' ? second.substr(1) : second));
    } else {
      key.set("kty", "EC");
      key.set("crv", "P-256");
      key.set("x", to_base64url(second.substr(1, p256_bytes)));
      key.set("y", to_base64url(second.substr(1 + p256_bytes)));
    }
    list.push(std::move(key));
  }
  return doc::to_json(doc::Value::object({{"keys", std::move(list)}}));
}

Result<> check_claims(const doc::Value& claims, const TokenRules& rules) {
  for (const auto& [name, wanted] : rules.claims) {
    const doc::Value* value = claims.find(name);
    const bool plain = value != nullptr && (value->is_string() || value->is_bool() || value->is_int());
    if (plain && (value->is_string() ? value->as_string() : doc::to_json(*value)) == wanted) continue;
    return fail_hint(ErrorKind::denied,
                     "let the job approve that people: environment: claims: describes, or correct them",
                     "the identity token says {} of '{}', wanted '{}'", shown(value), printable(name, 60),
                     printable(wanted, 100));
  }
  return {};
}

Result<VerifiedToken> verify_token(std::string_view token, std::span<const JsonWebKey> keys,
                                   const TokenRules& rules, Instant now) {
  token = trim(token);
  const auto parts = token.size() <= max_token_bytes ? split(token, '.') : std::vector<std::string_view>();
  if (parts.size() != 3) return bad_token("is no JSON web token");
  const auto header = object_of(parts[0]);
  auto claims = object_of(parts[1]);
  const auto signature = from_base64url(parts[2]);
  if (!header || !claims || !signature) return bad_token("is no JSON web token");
  if (header->find("crit") != nullptr) return bad_token("wants extensions that nobody here knows");
  VerifiedToken out;
  out.key_id = text_at(*header, "kid");
  out.algorithm = text_at(*header, "alg");
  const std::string_view message = token.substr(0, parts[0].size() + 1 + parts[1].size());
  const bool good = std::ranges::any_of(keys, [&](const JsonWebKey& one) {
    return (out.key_id.empty() || out.key_id == one.id) && out.algorithm == algorithm_of(one.key) &&
           is_signed_by(one.key, message, *signature);
  });
  if (!good)
    return bad_token(fmt::format("is not signed by a key of the issuer (it names key '{}', {})",
                                 printable(out.key_id, 60), printable(out.algorithm, 20)));
  if (const std::string issuer = text_at(*claims, "iss"); issuer != rules.issuer)
    return fail_hint(ErrorKind::denied, "people: environment: issuer: says who must have made it",
                     "the identity token is from '{}', wanted '{}'", printable(issuer, 100),
                     printable(rules.issuer, 100));
  if (!has_audience(*claims, rules.audience))
    return fail_hint(ErrorKind::denied, "ask the CI for one with that audience",
                     "the identity token is for {}, wanted the audience '{}'", shown(claims->find("aud")),
                     printable(rules.audience, 100));
  TRY(check_time(*claims, now, out));
  TRY(check_claims(*claims, rules));
  out.claims = std::move(*claims);
  return out;
}

}  // namespace tranche::signing
