// token.revoke { kind, url, token, ... }: makes a credential worthless.
//
//   oauth                RFC 7009: POST url, token=...; 200 for tokens that nobody knows, too
//   vault-lease          POST url/v1/sys/leases/revoke { lease_id, sync: true }
//   vault-token          POST url/v1/auth/token/revoke-self
//   github-installation  DELETE url/installation/token
//
// Revoking twice is what revoking once is, so a try that was cut short is repeated. Where the token itself is
// the credential, the answer to the second try is that it is worthless already: that is done as well, when
// the service says so in its own words. A mere 403 is not enough, a proxy can say that.
#include "actions/web.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

struct Revocation {
  std::string kind, url, token, lease, client, client_secret, vault_namespace;
};

Result<Revocation> revocation_of(const Call& call) {
  Revocation what;
  what.kind = TRY(call.step.with.text("kind"));
  what.token = TRY(call.step.with.text("token"));
  what.lease = TRY(web::argument_or(call, "lease", ""));
  what.client = TRY(web::argument_or(call, "client-id", ""));
  what.client_secret = TRY(call.step.with.text_or("client-secret", ""));
  what.vault_namespace = TRY(web::argument_or(call, "namespace", ""));
  if (printable(what.vault_namespace, 500) != what.vault_namespace)
    return fail_hint(ErrorKind::invalid, "namespace: team/apps",
                     "token.revoke names no namespace of Vault: '{}'", printable(what.vault_namespace, 64));
  const bool github = what.kind == "github-installation";
  what.url = TRY(web::address_or(call, "url", github ? "https://api.github.com" : ""));
  if (what.url.empty())
    return fail_hint(
        ErrorKind::invalid,
        what.kind == "oauth" ? "url: the provider's revocation endpoint" : "url: Vault's address",
        "token.revoke of kind {} has no url", printable(what.kind, 32));
  if (what.kind == "vault-lease" && what.lease.empty())
    return fail_hint(ErrorKind::invalid, "lease: its id, as Vault gave it",
                     "token.revoke of kind vault-lease names no lease");
  if (!what.client_secret.empty() && what.client.empty())
    return fail_hint(ErrorKind::invalid, "client-id: the client's",
                     "token.revoke has a client-secret and no client-id");
  return what;
}

Result<std::vector<Need>> revoke_needs(Deck&, const Call& call) {
  const Revocation what = TRY(revocation_of(call));
  std::vector<Need> needs{{Need::Kind::secret, what.token}, {Need::Kind::url, what.url}};
  if (!what.client_secret.empty()) needs.push_back({Need::Kind::secret, what.client_secret});
  return needs;
}

std::string what_is_revoked(const Revocation& what) {
  if (what.kind == "vault-lease") return fmt::format("Vault's lease '{}'", printable(what.lease, 120));
  return fmt::format("the token in {} ({})", printable(what.token, 120), printable(what.kind, 32));
}

Result<std::string> revoke_changes(Deck&, const Call& call) {
  return "revokes " + what_is_revoked(TRY(revocation_of(call)));
}

// RFC 6749 section 2.3.1: id and secret are form-encoded before they become a Basic header. A client without
// a secret names itself in the form.
Result<web::Answer> revoke_oauth(web::Service& service, const Revocation& what) {
  const Secret token = TRY(service.read_secret(what.token));
  std::vector<std::pair<std::string, std::string>> form{{"token", std::string(token.expose())}};
  if (!what.client_secret.empty()) {
    const Secret secret = TRY(service.read_secret(what.client_secret));
    service.add_secret_header("Authorization", Secret("Basic " + to_base64(percent_encode(what.client) + ":" +
                                                                           percent_encode(secret.expose()))));
  } else if (!what.client.empty()) {
    form.emplace_back("client_id", what.client);
  }
  return service.send_bytes("POST", "", web::form_encode(form), "application/x-www-form-urlencoded");
}

Result<web::Answer> revoke_in_vault(web::Service& service, const Revocation& what) {
  const Secret token = TRY(service.read_secret(what.token));
  service.add_secret_header("X-Vault-Token", token);
  service.add_header("X-Vault-Request", "true");  // Vault's agent refuses requests without it
  if (!what.vault_namespace.empty()) service.add_header("X-Vault-Namespace", what.vault_namespace);
  if (what.kind == "vault-token") return service.send("POST", "/v1/auth/token/revoke-self");
  return service.send("POST", "/v1/sys/leases/revoke",
                      doc::Value::object({{"lease_id", what.lease}, {"sync", true}}));
}

Result<web::Answer> revoke_on_github(web::Service& service, const Revocation& what) {
  const Secret token = TRY(service.read_secret(what.token));
  service.add_secret_header("Authorization", Secret("Bearer " + std::string(token.expose())));
  service.add_header("Accept", "application/vnd.github+json");
  service.add_header("X-GitHub-Api-Version", "2022-11-28");
  return service.send("DELETE", "/installation/token");
}

// Vault since 1.10: errors: ["... invalid token"]. GitHub: "Bad credentials".
bool says_worthless(const web::Service& service, const Revocation& what, const web::Answer& answer) {
  const std::string words = lower(service.words_of(answer));
  if (what.kind == "vault-token")
    return answer.status == 403 && words.find("invalid token") != std::string::npos;
  return what.kind == "github-installation" && answer.status == 401 &&
         words.find("bad credentials") != std::string::npos;
}

Result<Outcome> revoke_perform(Deck& deck, const Call& call) {
  const Revocation what = TRY(revocation_of(call));
  const bool vault = what.kind == "vault-lease" || what.kind == "vault-token";
  const bool github = what.kind == "github-installation";
  if (!vault && !github && what.kind != "oauth")
    return fail_hint(ErrorKind::invalid, "oauth, vault-lease, vault-token or github-installation",
                     "there is no kind '{}' of tokens", printable(what.kind, 32));
  web::Service service(deck, call, vault ? "Vault" : github ? "GitHub" : "the OAuth server", what.url);
  const web::Answer answer = TRY(vault    ? revoke_in_vault(service, what)
                                 : github ? revoke_on_github(service, what)
                                          : revoke_oauth(service, what));
  const std::string shown = what_is_revoked(what);
  if (answer.ok()) return Outcome{shown + " is revoked"};
  if (says_worthless(service, what, answer)) return Outcome{shown + " was worthless already"};
  return service.ended(fail(service.refusal(answer, "to revoke " + shown)));
}

Result<Outcome> revoke_undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "make a new one", "a token that was revoked stays revoked");
}

Result<Asked> revoke_ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action token_revoke() {
  return {"token.revoke", revoke_needs, revoke_changes, revoke_perform, revoke_undo, revoke_ask};
}

}  // namespace tranche::actions
