#include "commands/statement.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

constexpr std::string_view schema_name = "tranche/artifact/v1";
constexpr auto bad = ErrorKind::verification;

Error refuse(std::string_view code) {
  if (code == "bad-signature")
    return {bad, "the signature is wrong", "the bytes were changed after signing: do not use them"};
  if (code == "wrong-role")
    return {bad, "signed by a key of another role; only a release key may sign an artifact",
            "sign it with a key that stands under trust: release:"};
  if (code == "wrong-type")
    return {bad, "the signature is of another kind of document", "another document was given, or swapped in"};
  return {bad, "no trusted release key signed it",
          "if the key is right, put its public half under trust: release:"};
}

Result<Statement> read_payload(std::string_view payload) {
  const doc::Value value = TRY(doc::parse_json(
      payload, "<signature>", {.max_bytes = max_signature_bytes, .max_depth = 4, .max_nodes = 64}));
  if (TRY(value.text("schema", bad)) != schema_name)
    return fail(bad, "the signature holds no statement of {}", schema_name);
  const std::int64_t size = TRY(value.integer("size", bad));
  if (size < 0) return fail(bad, "the signature holds a size below zero");
  const std::string sha256 = TRY(value.text("sha256", bad));
  TRY(crypto::parse_sha256(sha256));
  Statement statement;
  statement.app = TRY(value.text("app", bad));
  statement.name = TRY(value.text("name", bad));
  statement.size = static_cast<std::uint64_t>(size);
  statement.sha256 = sha256;
  return statement;
}

}  // namespace

Result<std::string> sign_statement(const Statement& statement, const crypto::Ed25519Signer& release_key) {
  const std::string payload = TRY(doc::canonical_json(doc::Value::object({{"schema", schema_name},
                                                                          {"app", statement.app},
                                                                          {"name", statement.name},
                                                                          {"size", statement.size},
                                                                          {"sha256", statement.sha256}})));
  return signing::sign_envelope(artifact_type, payload, release_key);
}

Result<Statement> open_statement(std::string_view text, const signing::Trust& trust) {
  const signing::Envelope envelope = TRY(signing::parse_envelope(text));
  if (envelope.payload_type != artifact_type) return fail(refuse("wrong-type"));
  const std::string message = signing::pre_authentication_encoding(artifact_type, envelope.payload);
  for (const auto& signature : envelope.signatures)
    for (const auto& key : trust.of(signing::Role::release))
      if (crypto::verify(key, message, signature.bytes)) return read_payload(envelope.payload);
  return fail(refuse(refusal_code(text, artifact_type, trust)));
}

std::string_view refusal_code(std::string_view text, std::string_view type, const signing::Trust& trust) {
  const auto envelope = signing::parse_envelope(text);
  if (!envelope) return "malformed";
  if (envelope->payload_type != type) return "wrong-type";
  std::string_view code = "unknown-key";
  for (const auto& signature : envelope->signatures) {
    const auto role = trust.role_of(signature.key_id);
    if (role == signing::Role::release) return "bad-signature";
    if (role) code = "wrong-role";
  }
  return code;
}

}  // namespace tranche::commands
