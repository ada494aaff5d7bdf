#include "commands/seal.hpp"

#include <memory>
#include <optional>

#include "attest/statement.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/signer.hpp"
#include "signing/dsse.hpp"
#include "sigstore/bundle.hpp"

namespace tranche::commands {
namespace {

// A key of tranche's own role, or one of any kind that --key names.
struct Key {
  std::optional<crypto::SecretKey> release;
  std::unique_ptr<crypto::Signer> other;
  std::string id;   // hex SHA-256 of the public half
  std::string pem;  // the public half

  [[nodiscard]] Result<std::string> sign(std::string_view message) const {
    if (release) return release->sign(message);
    return other->sign(message);
  }
};

Result<Key> load_named_key(const Options& options, Context& context) {
  const Secret pem = TRY(signing::read_secret(context.world, "", options.text("key")));
  Secret passphrase;
  if (options.given("key-password"))
    passphrase = TRY_WHILE("reading --key-password",
                           signing::read_secret(context.world, "", options.text("key-password")));
  Key key;
  key.other = TRY(crypto::signer_from_pem(pem, passphrase));
  key.id = key.other->public_key().id();
  key.pem = key.other->public_key().to_pem();
  return key;
}

Result<Key> load_release_key(const Options& options, Context& context) {
  const Loaded loaded = TRY(load_app(context, options));
  Key key;
  key.release = TRY(load_signing_key(context, loaded.spec, loaded.app(), signing::Role::release));
  key.id = crypto::key_id(key.release->public_key());
  key.pem = crypto::to_pem(key.release->public_key());
  const signing::Trust trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  if (trust.role_of(key.id) != signing::Role::release)
    return fail_hint(ErrorKind::denied,
                     "put its public half under trust: release:, or sign with one that stands there",
                     "key {} is no release key of app '{}': nobody would believe the statement",
                     short_id(key.id), printable(loaded.app().name));
  return key;
}

std::string envelope_json(std::string_view payload, const std::string& signature, const std::string& key_id) {
  doc::Value signatures = doc::Value::array();
  signatures.push(doc::Value::object({{"keyid", key_id}, {"sig", to_base64(signature)}}));
  return doc::to_json(doc::Value::object({{"payload", to_base64(payload)},
                                          {"payloadType", attest::in_toto_type},
                                          {"signatures", std::move(signatures)}})) +
         "\n";
}

}  // namespace

std::vector<Flag> seal_flags() {
  return {{.name = "format",
           .value = "FORMAT",
           .help = "a Sigstore bundle, or the DSSE envelope alone",
           .default_text = "bundle",
           .choices = {"bundle", "dsse"}},
          {.name = "key",
           .value = "REF",
           .help = "signs, instead of the release key: PKCS#8 in env:TRANCHE_NAME or file:PATH"},
          {.name = "key-password", .value = "REF", .help = "opens it, when it is locked"}};
}

Result<Sealed> seal_statement(const Options& options, Context& context, std::string_view payload,
                              KeyHint hint) {
  const Key key = options.given("key") ? TRY_WHILE("reading --key", load_named_key(options, context))
                                       : TRY(load_release_key(options, context));
  std::string signature = TRY(key.sign(signing::pre_authentication_encoding(attest::in_toto_type, payload)));
  if (options.text("format") == "dsse")
    return Sealed{envelope_json(payload, signature, key.id), key.id, "dsse.json"};
  sigstore::Bundle bundle;
  const bool by_pem = hint == KeyHint::pem;
  bundle.public_key_hint = by_pem ? crypto::to_hex(crypto::sha256(key.pem)) : key.id;
  bundle.envelope = sigstore::BundleEnvelope{.payload = std::string(payload),
                                             .payload_type = std::string(attest::in_toto_type),
                                             .signature = std::move(signature),
                                             .key_id = by_pem ? std::string() : key.id};
  return Sealed{sigstore::to_json(bundle), key.id, "sigstore.json"};
}

}  // namespace tranche::commands
