#include "sigstore/oidc.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"
#include "signing/jwt.hpp"
#include "signing/keys.hpp"
#include "sigstore/services.hpp"

namespace tranche::sigstore {

namespace {

using signing::from_base64url;
using signing::max_token_bytes;

constexpr const char* hint = "ask the CI for an ID token with the audience 'sigstore'";

bool has_audience(const doc::Value& claims) {
  const doc::Value* audience = claims.find("aud");
  if (audience == nullptr) return false;
  if (audience->is_string()) return audience->as_string() == token_audience;
  return audience->is_array() && std::ranges::any_of(audience->as_array(), [](const doc::Value& one) {
           return one.is_string() && one.as_string() == token_audience;
         });
}

std::string claim(const doc::Value& claims, std::string_view name) {
  const doc::Value* value = claims.find(name);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

// Some providers write the flag as a word.
bool email_verified(const doc::Value& claims) {
  const doc::Value* flag = claims.find("email_verified");
  if (flag == nullptr) return false;
  return flag->is_bool() ? flag->as_bool() : flag->is_string() && flag->as_string() == "true";
}

// How Fulcio names the holders of tokens (sigstore/fulcio, pkg/identity).
std::vector<std::string> names_of(const doc::Value& claims, const std::string& subject) {
  std::vector<std::string> names{subject};
  if (const std::string ref = claim(claims, "job_workflow_ref"); !ref.empty())  // GitHub Actions
    names.push_back("https://github.com/" + ref);
  if (const std::string ref = claim(claims, "ci_config_ref_uri"); !ref.empty())  // GitLab CI
    names.push_back("https://" + ref);
  return names;
}

}  // namespace

Result<std::optional<Secret>> ask_github_for_token(ports::World& world, std::string_view audience) {
  const std::string url = world.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL").value_or("");
  const std::string token = world.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN").value_or("");
  if (url.empty() || token.empty()) return std::optional<Secret>();
  ports::HttpRequest request;
  request.url =
      url + (url.find('?') == std::string::npos ? "?" : "&") + "audience=" + percent_encode(audience);
  request.secret_headers.emplace_back("Authorization", Secret("bearer " + token));
  request.headers.emplace_back("Accept", "application/json");
  request.max_response_bytes = max_token_bytes;
  const auto answer = TRY(ask_service(world, std::move(request), "GitHub's token service"));
  if (answer.status != 200)  // its words may hold the token
    return fail_hint(ErrorKind::failed, "the job needs `permissions: { id-token: write }`",
                     "GitHub's token service answered {}", answer.status);
  const auto json = doc::parse_json(answer.body, "<token>", {.max_bytes = max_token_bytes, .max_depth = 8});
  const auto value = json ? json->text("value") : Result<std::string>(fail(json.error()));
  if (!value)
    return fail_hint(
        ErrorKind::failed,
        fmt::format("ask the CI for an ID token with the audience '{}'", printable(audience, 60)),
        "GitHub's token service answered something else than a token");
  return std::optional(Secret(*value));
}

Result<IdentityToken> read_token(Secret text) {
  const auto parts = split(text.expose(), '.');
  const auto payload =
      parts.size() == 3 && text.expose().size() <= max_token_bytes ? from_base64url(parts[1]) : std::nullopt;
  const auto claims =
      payload ? doc::parse_json(*payload, "<token>", {.max_bytes = max_token_bytes, .max_depth = 8})
              : Result<doc::Value>(fail(ErrorKind::verification, "no token"));
  if (!claims || !claims->is_object())
    return fail_hint(ErrorKind::verification, hint, "the identity token is no JSON web token");
  if (!has_audience(*claims))
    return fail_hint(ErrorKind::verification, hint, "the identity token is not for the audience '{}'",
                     token_audience);
  IdentityToken token;
  token.issuer = claim(*claims, "iss");
  token.subject = email_verified(*claims) ? claim(*claims, "email") : claim(*claims, "sub");
  if (token.subject.empty()) token.subject = claim(*claims, "sub");
  const auto expires = claims->integer("exp");
  if (token.issuer.empty() || token.subject.empty() || !expires || *expires < 0 || *expires > (1LL << 40))
    return fail_hint(ErrorKind::verification, hint, "the identity token says no issuer, subject or expiry");
  token.expires = Instant(std::chrono::seconds(*expires));
  token.names = names_of(*claims, token.subject);
  token.text = std::move(text);
  return token;
}

Result<IdentityToken> find_token(ports::World& world, const std::string& repository,
                                 std::string_view reference) {
  Secret text;
  const auto variable = [&](const char* name) { return world.environ.get(name).value_or(""); };
  if (!reference.empty()) {
    text = TRY_WHILE("reading the identity token", signing::read_secret(world, repository, reference));
  } else if (auto asked = TRY(ask_github_for_token(world, token_audience))) {
    text = std::move(*asked);
  } else if (std::string given = variable("SIGSTORE_ID_TOKEN"); !given.empty()) {
    text = Secret(std::move(given));
  } else {
    return fail_hint(ErrorKind::invalid,
                     "GitHub Actions: `permissions: { id-token: write }`; GitLab CI: `id_tokens: { "
                     "SIGSTORE_ID_TOKEN: { aud: sigstore } }`; elsewhere: --identity-token env:TRANCHE_NAME "
                     "or file:PATH",
                     "there is no identity token to sign with");
  }
  IdentityToken token = TRY(read_token(std::move(text)));
  if (token.expires <= world.clock.now())
    return fail_hint(ErrorKind::verification, "ask for a new one", "the identity token expired at {}",
                     to_text(token.expires));
  return token;
}

}  // namespace tranche::sigstore
