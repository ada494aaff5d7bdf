#include "signing/jwt.hpp"

#include <doctest/doctest.h>

#include "base/text.hpp"
#include "signing/jwt_testing.hpp"

using namespace tranche;
using namespace tranche::signing;
using tranche::signing::testing::base64url;
using tranche::signing::testing::Provider;

namespace {

const Instant now = *parse_instant("2026-01-01T00:00:00Z");
const std::int64_t second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
const TokenRules rules{"https://ci.example", "tranche", {{"environment", "production"}, {"run", "7"}}};

doc::Value claims() {
  return doc::Value::object({{"iss", "https://ci.example"},
                             {"aud", "tranche"},
                             {"iat", second - 5},
                             {"exp", second + 300},
                             {"environment", "production"},
                             {"run", 7},
                             {"sub", "repo:acme/notes"}});
}
doc::Value with(std::string member, doc::Value value) {
  doc::Value out = claims();
  out.set(std::move(member), std::move(value));
  return out;
}

}  // namespace

TEST_CASE("a token of the issuer with the wanted claims is taken, whichever way its audience is written") {
  const Provider provider;
  const auto keys = *parse_jwks(provider.jwks());
  for (const doc::Value& one : {claims(), with("aud", doc::Array{"other", "tranche"})}) {
    const auto token = verify_token(provider.token(one) + "\n", keys, rules, now);
    REQUIRE_MESSAGE(token.has_value(), token.error().message);
    CHECK(token->key_id == "key-1");
    CHECK(token->algorithm == "ES256");
    CHECK(token->expires == now + std::chrono::seconds(300));
    CHECK(token->claims.find("sub")->as_string() == "repo:acme/notes");
  }
}

TEST_CASE("a token that says something else is denied, one that nobody signed is no token") {
  const Provider provider;
  const Provider stranger;
  const auto keys = *parse_jwks(provider.jwks());
  const std::string good = provider.token(claims());
  const std::string head = good.substr(0, good.find('.'));
  const std::string body = good.substr(head.size() + 1, good.rfind('.') - head.size() - 1);
  const std::string tail = good.substr(good.rfind('.'));
  const std::string text = doc::to_json(claims());
  doc::Value silent = claims();
  silent.erase("exp");
  struct Case {
    const char* what;
    std::string token;
    ErrorKind kind;
    const char* message;
  };
  constexpr auto verification = ErrorKind::verification, denied = ErrorKind::denied;
  const Case cases[] = {
      {"another issuer", provider.token(with("iss", "https://evil.example")), denied, "is from"},
      {"another audience", provider.token(with("aud", "sigstore")), denied, "wanted the audience 'tranche'"},
      {"no audience", provider.token(with("aud", nullptr)), denied, "wanted the audience"},
      {"expired", provider.token(with("exp", second - 60)), denied, "expired at"},
      {"not yet", provider.token(with("nbf", second + 61)), denied, "holds from"},
      {"another environment", provider.token(with("environment", "staging")), denied,
       "says 'staging' of 'environment'"},
      {"a claim of another type", provider.token(with("environment", doc::Array{"production"})), denied,
       "environment"},
      {"no claim", provider.token(with("environment", nullptr)), denied,
       "of 'environment', wanted 'production'"},
      {"another number", provider.token(with("run", 70)), denied, "says '70' of 'run'"},
      {"no expiry", provider.token(silent), verification, "when it expires"},
      {"a stranger's key", stranger.token(claims()), verification, "not signed by a key of the issuer"},
      {"no algorithm", base64url(R"({"alg":"none"})") + "." + base64url(text) + ".", verification,
       "not signed"},
      {"the public key as a secret", provider.sign(R"({"alg":"HS256","kid":"key-1"})", text), verification,
       "not signed"},
      {"another algorithm", provider.sign(R"({"alg":"RS256","kid":"key-1"})", text), verification,
       "not signed"},
      {"a key that is not there", provider.sign(R"({"alg":"ES256","kid":"key-2"})", text), verification,
       "not signed"},
      {"extensions", provider.sign(R"({"alg":"ES256","crit":["b64"]})", text), verification, "extensions"},
      {"a claim twice", provider.sign(R"({"alg":"ES256"})", "{\"iss\":\"a\",\"iss\":\"b\"}"), verification,
       "no JSON web token"},
      {"claims that are a list", provider.sign(R"({"alg":"ES256"})", "[]"), verification,
       "no JSON web token"},
      {"changed claims", head + "." + base64url(doc::to_json(with("run", 8))) + tail, verification,
       "not signed"},
      {"no signature", head + "." + body + ".", verification, "not signed"},
      {"two parts", head + "." + body, verification, "no JSON web token"},
      {"padding", head + "=." + body + tail, verification, "no JSON web token"},
      {"nothing", "", verification, "no JSON web token"},
      {"65 KiB", std::string(65 * 1024, 'a'), verification, "no JSON web token"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const auto token = verify_token(one.token, keys, rules, now);
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().kind == one.kind);
    CHECK_MESSAGE(token.error().message.find(one.message) != std::string::npos, token.error().message);
    CHECK_FALSE(token.error().hint.empty());
    CHECK(token.error().message.find(base64url(text).substr(0, 20)) == std::string::npos);
  }
}

TEST_CASE("clocks may differ by a minute and no more") {
  const Provider provider;
  const auto keys = *parse_jwks(provider.jwks());
  CHECK(verify_token(provider.token(with("exp", second - 59)), keys, rules, now).has_value());
  CHECK(verify_token(provider.token(with("nbf", second + 60)), keys, rules, now).has_value());
  CHECK_FALSE(verify_token(provider.token(with("iat", second + 61)), keys, rules, now).has_value());
  CHECK_FALSE(verify_token(provider.token(with("exp", "soon")), keys, rules, now).has_value());
}

TEST_CASE("a key set gives its RSA and P-256 signing keys, and is refused without one") {
  // RFC 7517, appendix A.1, and RFC 7638, section 3.1; with keys of other kinds and uses around them.
  const std::string rsa =
      R"({"kty":"RSA","kid":"2011-04-29","alg":"RS256","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"})";
  const std::string ec =
      R"({"kty":"EC","crv":"P-256","kid":"1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})";
  const auto keys = parse_jwks(
      R"({"keys":[{"kty":"oct","k":"AAAA"},{"kty":"OKP","crv":"Ed25519","x":"AAAA"},)" + rsa + "," + ec +
      R"(,{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},7,{"kty":"RSA","use":"enc","e":"AQAB","n":"AQAB"}]})");
  REQUIRE(keys.has_value());
  REQUIRE(keys->size() == 2);
  CHECK((*keys)[0].id == "2011-04-29");
  CHECK((*keys)[0].key.bits() == 2048);
  CHECK((*keys)[1].key.kind() == crypto::AnyPublicKey::Kind::p256);
  const auto again = parse_jwks(to_jwks(*keys));
  REQUIRE(again.has_value());
  REQUIRE(again->size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK((*again)[i].key.id() == (*keys)[i].key.id());
  std::string many = R"({"keys":[)";
  for (int i = 0; i < 65; ++i) many += (i == 0 ? "" : ",") + ec;
  for (const std::string& bad : {std::string("{}"), std::string("[]"), std::string(R"({"keys":{}})"),
                                 std::string(R"({"keys":[]})"), many + "]}", std::string("x")}) {
    const auto refused = parse_jwks(bad);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::verification);
  }
}

TEST_CASE("RFC 7515's own RS256 example holds, and with one letter changed it does not") {
  // Appendix A.2.
  const std::string jwks =
      R"({"keys":[{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]})";
  const std::string token =
      "eyJhbGciOiJSUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
      "Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
      "O8W2Fp5jujG"
      "bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
      "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9"
      "383LcOLn6_dO--xi12jzDwusC-"
      "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywl"
      "VmtVrBp0igcN_IoypGlUPQGe77Rw";
  const auto keys = parse_jwks(jwks);
  REQUIRE(keys.has_value());
  // Signed well, but for nobody: the audience is asked for after the signature.
  const auto held = verify_token(token, *keys, {"joe", "tranche", {}}, now);
  REQUIRE_FALSE(held.has_value());
  CHECK(held.error().kind == ErrorKind::denied);
  std::string changed = token;
  changed.back() = 'A';
  CHECK(verify_token(changed, *keys, {"joe", "tranche", {}}, now).error().kind == ErrorKind::verification);
}
