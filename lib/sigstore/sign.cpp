#include "sigstore/sign.hpp"

#include "attest/statement.hpp"
#include "base/encoding.hpp"
#include "signing/dsse.hpp"

namespace tranche::sigstore {

namespace {

Bundle bundle_of(const KeyMaterial& key) {
  Bundle bundle;
  if (key.certificate)
    bundle.certificate = key.certificate->to_der();
  else
    bundle.public_key_hint = key.signer.public_key().id();
  return bundle;
}

}  // namespace

FileHash file_hash(const crypto::AnyPublicKey& key) {
  switch (key.usual_scheme()) {
    case crypto::Scheme::ecdsa_sha384:
      return FileHash::sha384;
    case crypto::Scheme::ecdsa_sha512:
      return FileHash::sha512;
    default:
      return FileHash::sha256;
  }
}

Result<Bundle> sign_payload(const KeyMaterial& key, std::string_view payload_type, std::string_view payload) {
  Bundle bundle = bundle_of(key);
  BundleEnvelope envelope;
  envelope.payload = std::string(payload);
  envelope.payload_type = std::string(payload_type);
  envelope.signature = TRY(key.signer.sign(signing::pre_authentication_encoding(payload_type, payload)));
  envelope.key_id = bundle.public_key_hint.value_or("");
  bundle.envelope = std::move(envelope);
  return bundle;
}

Result<std::string> file_statement(const FileDigest& file) {
  attest::Statement statement;
  statement.subjects = {{file.name, {{"sha256", to_hex(file.sha256)}}}};
  statement.predicate_type = std::string(cosign_sign_type);
  statement.predicate = doc::Value::object();
  return attest::to_payload(statement);
}

Result<Bundle> sign_file(const KeyMaterial& key, const FileDigest& file) {
  if (key.signer.public_key().kind() == crypto::AnyPublicKey::Kind::ed25519)
    return sign_payload(key, attest::in_toto_type, TRY(file_statement(file)));
  Bundle bundle = bundle_of(key);
  MessageSignature message;
  switch (file_hash(key.signer.public_key())) {
    case FileHash::sha256:
      message.digest_algorithm = "SHA2_256";
      message.digest = file.sha256;
      break;
    case FileHash::sha384:
      message.digest_algorithm = "SHA2_384";
      message.digest = file.sha384;
      break;
    case FileHash::sha512:
      message.digest_algorithm = "SHA2_512";
      message.digest = file.sha512;
      break;
  }
  message.signature = TRY(key.signer.sign_digest(message.digest));
  bundle.message = std::move(message);
  return bundle;
}

}  // namespace tranche::sigstore
