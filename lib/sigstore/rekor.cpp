#include "sigstore/rekor.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/certificate.hpp"
#include "doc/value.hpp"
#include "signing/dsse.hpp"

namespace tranche::sigstore {

namespace {

constexpr std::size_t max_answer_bytes = 32 << 20;  // a dsse entry repeats its envelope's payload
constexpr std::string_view entries_path = "/api/v1/log/entries";
constexpr const char* hint = "see that `rekor:` names a Rekor of the version that `rekor-version:` says";

std::unexpected<Error> no_entry() {
  return fail_hint(ErrorKind::verification, hint, "Rekor's answer holds no log entry");
}

doc::Value json_of(std::initializer_list<std::pair<std::string, doc::Value>> members) {
  return doc::Value::object(members);
}

// The certificate or the key, as Rekor v1 wants it: base64 of PEM.
Result<std::string> verifier_text(const Bundle& bundle, const crypto::AnyPublicKey& key) {
  if (bundle.certificate.empty()) return to_base64(key.to_pem());
  return to_base64(TRY(crypto::Certificate::from_der(bundle.certificate)).to_pem());
}

std::string_view hash_name(const crypto::AnyPublicKey& key) {
  switch (key.usual_scheme()) {
    case crypto::Scheme::ecdsa_sha384:
      return "sha384";
    case crypto::Scheme::ecdsa_sha512:
      return "sha512";
    default:
      return "sha256";
  }
}

Result<doc::Value> v1_request(const Bundle& bundle, const crypto::AnyPublicKey& key) {
  const std::string verifier = TRY(verifier_text(bundle, key));
  if (bundle.message) {
    doc::Value hash =
        json_of({{"algorithm", hash_name(key)}, {"value", tranche::to_hex(bundle.message->digest)}});
    doc::Value signature = json_of(
        {{"content", to_base64(bundle.message->signature)}, {"publicKey", json_of({{"content", verifier}})}});
    doc::Value spec = json_of({{"data", json_of({{"hash", std::move(hash)}})}});
    spec.set("signature", std::move(signature));
    return json_of({{"apiVersion", "0.0.1"}, {"kind", "hashedrekord"}, {"spec", std::move(spec)}});
  }
  doc::Value signature = json_of({{"sig", to_base64(bundle.envelope->signature)}});
  if (!bundle.envelope->key_id.empty()) signature.set("keyid", bundle.envelope->key_id);
  const doc::Value envelope = json_of({{"payload", to_base64(bundle.envelope->payload)},
                                       {"payloadType", bundle.envelope->payload_type},
                                       {"signatures", doc::Array{std::move(signature)}}});
  doc::Value content =
      json_of({{"envelope", doc::to_json(envelope)}, {"verifiers", doc::Array{doc::Value(verifier)}}});
  return json_of({{"apiVersion", "0.0.1"},
                  {"kind", "dsse"},
                  {"spec", json_of({{"proposedContent", std::move(content)}})}});
}

// PublicKeyDetails of sigstore_common.proto.
Result<std::string_view> key_details(const crypto::AnyPublicKey& key) {
  using Kind = crypto::AnyPublicKey::Kind;
  switch (key.kind()) {
    case Kind::p256:
      return "PKIX_ECDSA_P256_SHA_256";
    case Kind::p384:
      return "PKIX_ECDSA_P384_SHA_384";
    case Kind::p521:
      return "PKIX_ECDSA_P521_SHA_512";
    case Kind::rsa:
      switch (key.bits()) {
        case 2048:
          return "PKIX_RSA_PKCS1V15_2048_SHA256";
        case 3072:
          return "PKIX_RSA_PKCS1V15_3072_SHA256";
        case 4096:
          return "PKIX_RSA_PKCS1V15_4096_SHA256";
        default:
          return fail_hint(ErrorKind::invalid, "use RSA of 2048, 3072 or 4096 bits, or ECDSA",
                           "Rekor v2 takes no RSA keys of {} bits", key.bits());
      }
    case Kind::ed25519:
      break;
  }
  return fail_hint(ErrorKind::invalid, "sign with ECDSA or RSA, or use `rekor-version: 1`",
                   "Rekor v2 takes no pure Ed25519 signatures");
}

Result<doc::Value> v2_request(const Bundle& bundle, const crypto::AnyPublicKey& key) {
  const std::string_view details = TRY(key_details(key));
  std::string digest;
  if (bundle.message) {
    digest = bundle.message->digest;
  } else {
    const std::string pae =
        signing::pre_authentication_encoding(bundle.envelope->payload_type, bundle.envelope->payload);
    digest = crypto::message_digest(key.usual_scheme(), pae).value_or("");
  }
  doc::Value verifier;
  if (bundle.certificate.empty())
    verifier = json_of({{"publicKey", json_of({{"rawBytes", to_base64(key.to_der())}})}});
  else
    verifier = json_of({{"x509Certificate", json_of({{"rawBytes", to_base64(bundle.certificate)}})}});
  verifier.set("keyDetails", std::string(details));
  const std::string& bytes = bundle.message ? bundle.message->signature : bundle.envelope->signature;
  doc::Value signature = json_of({{"content", to_base64(bytes)}, {"verifier", std::move(verifier)}});
  return json_of({{"hashedRekordRequestV002",
                   json_of({{"digest", to_base64(digest)}, {"signature", std::move(signature)}})}});
}

Result<std::string> bytes_at(const doc::Value& json, std::string_view key, bool hex, std::size_t length = 0) {
  const std::string text = TRY(json.text(key, ErrorKind::verification));
  auto bytes = hex ? from_hex(text) : from_base64(text);
  if (!bytes || (length != 0 && bytes->size() != length)) return no_entry();
  return std::move(*bytes);
}

// {uuid: {body, integratedTime, logID, logIndex, verification}}
Result<LogEntry> read_v1_entry(const doc::Value& answer) {
  if (!answer.is_object() || answer.as_object().size() != 1) return no_entry();
  const doc::Value& json = answer.as_object().front().value;
  if (!json.is_object()) return no_entry();
  constexpr ErrorKind kind = ErrorKind::verification;
  LogEntry entry;
  entry.canonicalized_body = TRY(bytes_at(json, "body", false));
  entry.integrated_time = TRY(json.integer("integratedTime", kind));
  entry.log_id = TRY(bytes_at(json, "logID", true));
  entry.log_index = TRY(json.integer("logIndex", kind));
  const doc::Value& verification = *TRY(json.object_at("verification", kind));
  entry.signed_entry_timestamp = TRY(bytes_at(verification, "signedEntryTimestamp", false));
  const doc::Value& proof_json = *TRY(verification.object_at("inclusionProof", kind));
  InclusionProof proof;
  proof.log_index = TRY(proof_json.integer("logIndex", kind));
  proof.tree_size = TRY(proof_json.integer("treeSize", kind));
  proof.root_hash = TRY(bytes_at(proof_json, "rootHash", true, 32));
  proof.checkpoint = TRY(proof_json.text("checkpoint", kind));
  for (const doc::Value& hash : TRY(proof_json.array_at("hashes", kind))->as_array()) {
    const auto bytes = hash.is_string() ? from_hex(hash.as_string()) : std::nullopt;
    if (!bytes || bytes->size() != 32) return no_entry();
    proof.hashes.push_back(*bytes);
  }
  if (entry.log_index < 0 || proof.log_index < 0 || proof.tree_size < 0 || proof.hashes.size() > 64)
    return no_entry();
  entry.proof = std::move(proof);
  const auto body = doc::parse_json(entry.canonicalized_body, "<log entry>",
                                    {.max_bytes = max_answer_bytes, .max_depth = 32});
  if (!body) return no_entry();
  entry.kind = TRY(body->text("kind", kind));
  entry.version = TRY(body->text("apiVersion", kind));
  return entry;
}

ports::HttpRequest request_to(std::string url, const doc::Value& body) {
  ports::HttpRequest request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = doc::to_json(body);
  request.max_response_bytes = max_answer_bytes;
  request.timeout = std::chrono::seconds(60);  // v2 answers once the entry is in the tree: seconds
  return request;
}

Result<doc::Value> read_answer(const ports::HttpResponse& answer) {
  auto json = doc::parse_json(answer.body, "<Rekor>", {.max_bytes = max_answer_bytes, .max_depth = 32});
  if (!json) return no_entry();
  return std::move(*json);
}

// The last part of "/api/v1/log/entries/<uuid>"; only that is believed of the place.
Result<std::string> uuid_of(std::string_view location) {
  const std::string_view uuid = location.substr(location.rfind('/') + 1);
  const bool hex =
      std::ranges::all_of(uuid, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (uuid.size() < 64 || uuid.size() > 80 || !hex)
    return fail_hint(ErrorKind::verification, hint, "Rekor has the entry and does not say where");
  return std::string(uuid);
}

Result<LogEntry> log_v1(ports::World& world, const std::string& url, const doc::Value& body) {
  auto answer = TRY(ask_service(world, request_to(join_url(url, entries_path), body), "Rekor"));
  if (answer.status == 409) {  // it was written before: by a run of ours that ended before it could use it
    ports::HttpRequest again;
    again.url = join_url(url, entries_path) + "/" + TRY(uuid_of(answer.header("location")));
    again.max_response_bytes = max_answer_bytes;
    answer = TRY(ask_service(world, std::move(again), "Rekor"));
  }
  if (answer.status != 200 && answer.status != 201) return refused_by("Rekor", answer);
  return read_v1_entry(TRY(read_answer(answer)));
}

}  // namespace

Result<LogEntry> log_bundle(ports::World& world, const LogService& log, const Bundle& bundle,
                            const crypto::AnyPublicKey& key) {
  if (log.version == 1) {
    const doc::Value body = TRY(v1_request(bundle, key));
    return TRY_WHILE("writing the signature into the log", log_v1(world, log.url, body));
  }
  const doc::Value body = TRY(v2_request(bundle, key));
  const auto answer =
      TRY(ask_service(world, request_to(join_url(log.url, "/api/v2/log/entries"), body), "Rekor"));
  if (answer.status != 200 && answer.status != 201) return refused_by("Rekor", answer);
  return TRY_WHILE("reading Rekor's answer", parse_log_entry(answer.body));
}

Result<std::optional<LogEntry>> find_logged(ports::World& world, const LogService& log, const Bundle& bundle,
                                            const crypto::AnyPublicKey& key) {
  if (log.version != 1) return std::nullopt;
  const doc::Value entry = TRY(v1_request(bundle, key));
  const doc::Value body = json_of({{"entries", doc::Array{entry}}});
  const auto answer =
      TRY(ask_service(world, request_to(join_url(log.url, "/api/v1/log/entries/retrieve"), body), "Rekor"));
  if (answer.status == 404) return std::nullopt;
  if (answer.status != 200) return refused_by("Rekor", answer);
  const doc::Value found = TRY(read_answer(answer));
  if (!found.is_array() || found.as_array().empty()) return std::nullopt;
  return std::optional(TRY(read_v1_entry(found.as_array().front())));
}

}  // namespace tranche::sigstore
