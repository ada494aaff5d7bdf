#include "actions/environment.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "signing/jwt.hpp"
#include "signing/keys.hpp"
#include "signing/people.hpp"
#include "sigstore/oidc.hpp"
#include "sigstore/services.hpp"

namespace tranche::actions {

namespace {

constexpr std::size_t most_claims = 48;
constexpr std::size_t max_claim_bytes = 500;
constexpr std::size_t max_discovery_bytes = 64 * 1024;

Result<std::string> fetch(ports::World& world, const std::string& url, std::size_t max_bytes) {
  ports::HttpRequest request;
  request.url = url;
  request.headers.emplace_back("Accept", "application/json");
  request.max_response_bytes = max_bytes;
  auto answer = TRY(sigstore::ask_service(world, std::move(request), "the issuer of identity tokens"));
  if (answer.status != 200) return sigstore::refused_by("the issuer of identity tokens", answer);
  return std::move(answer.body);
}

// OpenID Connect Discovery 1.0, section 4: the document must be the issuer's own.
Result<std::string> discover_keys(ports::World& world, const std::string& issuer) {
  const std::string text =
      TRY(fetch(world, sigstore::join_url(issuer, "/.well-known/openid-configuration"), max_discovery_bytes));
  const auto document =
      doc::parse_json(text, "<discovery>", {.max_bytes = max_discovery_bytes, .max_depth = 8});
  const auto named = document ? document->text("issuer") : Result<std::string>(fail(document.error()));
  const auto keys = document ? document->text("jwks_uri") : Result<std::string>(fail(document.error()));
  if (!named || !keys || *named != issuer)
    return fail_hint(ErrorKind::verification, "write the issuer as its tokens do, or give its keys as jwks:",
                     "the discovery document at '{}' is not that issuer's", printable(issuer, 100));
  return fetch(world, *keys, signing::max_jwks_bytes);
}

Result<std::vector<signing::JsonWebKey>> issuer_keys(Deck& deck,
                                                     const spec::People::Environment& environment) {
  std::string text;
  if (environment.jwks.starts_with('{')) {
    text = environment.jwks;
  } else if (!environment.jwks.empty()) {
    text = TRY(signing::read_jwks_file(deck.world().files, deck.repository(), environment.jwks));
  } else {
    text = TRY(discover_keys(deck.world(), environment.issuer));
  }
  return signing::parse_jwks(text);
}

// What the token said, as far as it is short: enough to see which job of whom it was.
doc::Value kept_claims(const doc::Value& claims, const spec::People::Environment& environment) {
  doc::Value kept = doc::Value::object();
  for (const auto& [name, wanted] : environment.claims)
    if (const doc::Value* value = claims.find(name)) kept.set(name, *value);
  for (const doc::Member& member : claims.as_object()) {
    const bool text = member.value.is_string() && member.value.as_string().size() <= max_claim_bytes;
    const bool plain = text || member.value.is_int() || member.value.is_bool();
    if (plain && member.key.size() <= max_claim_bytes && kept.as_object().size() < most_claims)
      kept.set(member.key, member.value);
  }
  return kept;
}

// One token, one approval: a job that was let run for one thing does not approve another with it.
Result<> check_unused(Deck& deck, const Request& request, const std::string& digest) {
  for (const Answer& answer : TRY(answers_on_record(deck, request))) {
    if (answer.id == request.id) continue;
    const auto document = signing::parse_approval(answer.document);
    const doc::Value* used = document ? document->environment.find("token-sha256") : nullptr;
    if (used != nullptr && used->is_string() && used->as_string() == digest)
      return fail_hint(ErrorKind::denied, "let the environment's job run anew for it",
                       "the identity token has approved {} already", printable(answer.id, 100));
  }
  return {};
}

}  // namespace

Result<Secret> find_environment_token(Deck& deck, const spec::People::Environment& environment,
                                      std::string_view reference) {
  if (!reference.empty())
    return TRY_WHILE("reading the identity token",
                     signing::read_secret(deck.world(), deck.repository(), reference));
  if (auto asked = TRY(sigstore::ask_github_for_token(deck.world(), environment.audience)))
    return std::move(*asked);
  return fail_hint(
      ErrorKind::invalid,
      fmt::format("GitHub Actions: `permissions: {{ id-token: write }}`; elsewhere give one with "
                  "the audience '{}': --identity-token env:TRANCHE_NAME or file:PATH",
                  printable(environment.audience, 60)),
      "there is no identity token to approve with");
}

Result<std::string> environment_approval(Deck& deck, const spec::App& frozen, const Request& request,
                                         const signing::Approval& approval, const Secret& token,
                                         Instant now) {
  const spec::People* people = TRY(people_of(frozen, request));
  if (people->environment.issuer.empty())
    return fail_hint(
        ErrorKind::denied,
        "approve with a key (--key, --ssh-key), or name one under people: and start or amend anew",
        "people '{}' have no environment that may approve", printable(request.people, 64));
  const spec::People::Environment& environment = people->environment;
  const auto keys = TRY_WHILE("reading the keys of '" + printable(environment.issuer, 100) + "'",
                              issuer_keys(deck, environment));
  const auto verified = TRY(signing::verify_token(
      token.expose(), keys, {environment.issuer, environment.audience, environment.claims}, now));
  const std::string digest = crypto::to_hex(crypto::sha256(trim(token.expose())));
  TRY(check_unused(deck, request, digest));
  doc::Value record = doc::Value::object({{"issuer", environment.issuer},
                                          {"audience", environment.audience},
                                          {"key-id", printable(verified.key_id)},
                                          {"algorithm", verified.algorithm},
                                          {"token-sha256", digest},
                                          {"token-expires", to_text(verified.expires)},
                                          {"claims", kept_claims(verified.claims, environment)}});
  return signing::with_environment(TRY(signing::to_payload(approval)), record);
}

}  // namespace tranche::actions
