// Bundles by a key, with log entries of every kind, made here: for tests.
#pragma once

#include <string>

#include "attest/statement.hpp"
#include "base/encoding.hpp"
#include "crypto/digest.hpp"
#include "crypto/signer.hpp"
#include "signing/dsse.hpp"
#include "sigstore/corpus_testing.hpp"
#include "sigstore/log_testing.hpp"

namespace tranche::sigstore::testing {

inline const std::string artifact = "the bytes of a package\n";

inline std::string hex_of(std::string_view bytes) { return crypto::to_hex(crypto::sha256(bytes)); }
inline std::string sha256_of(std::string_view bytes) {
  return std::string(crypto::as_bytes(crypto::sha256(bytes)));
}

struct World {
  std::unique_ptr<crypto::Signer> signer = std::move(*crypto::make_ephemeral_signer());
  TestLog log;
  TrustedRoot root;
  World() { root.logs.push_back(log.trusted()); }

  [[nodiscard]] Policy policy() const { return {.keys = {signer->public_key()}}; }
  [[nodiscard]] std::string key_base64() const { return to_base64(signer->public_key().to_pem()); }
  [[nodiscard]] Bundle sign_message() const {
    return {.public_key_hint = signer->public_key().id(),
            .message = MessageSignature{"SHA2_256", sha256_of(artifact), *signer->sign(artifact)}};
  }
  [[nodiscard]] Bundle sign_payload(std::string payload,
                                    std::string type = std::string(attest::in_toto_type)) const {
    const std::string signature = *signer->sign(signing::pre_authentication_encoding(type, payload));
    const std::string id = signer->public_key().id();
    return {.public_key_hint = id,
            .envelope = BundleEnvelope{std::move(payload), std::move(type), signature, id}};
  }
  void log_entry(Bundle& bundle, const std::string& kind, const std::string& version,
                 const std::string& spec) {
    const std::string body =
        fmt::format(R"({{"apiVersion":"{}","kind":"{}","spec":{}}})", version, kind, spec);
    bool fresh = false;
    const std::size_t index = log.add(body, fresh);
    const auto proof = log.prove(index);
    const auto at = static_cast<std::int64_t>(index);
    bundle.entries.push_back(
        {.log_index = at,
         .log_id = log.id(),
         .kind = kind,
         .version = version,
         .proof = InclusionProof{at, proof.root, static_cast<std::int64_t>(log.bodies.size()), proof.hashes,
                                 proof.checkpoint},
         .canonicalized_body = body});
  }
  // The log's promise for the last entry.
  void promise(Bundle& bundle) const {
    LogEntry& entry = bundle.entries.back();
    entry.integrated_time = log.now;
    entry.signed_entry_timestamp = *log.signer->sign(
        *doc::canonical_json(doc::Value::object({{"body", to_base64(entry.canonicalized_body)},
                                                 {"integratedTime", log.now},
                                                 {"logID", tranche::to_hex(entry.log_id)},
                                                 {"logIndex", entry.log_index}})));
  }
  [[nodiscard]] std::string_view judge(const Bundle& bundle) const {
    // Through the text: what is written is what is read.
    const Verdict verdict = verify(to_json(bundle), &root, policy(), by_digest(artifact));
    INFO(describe(verdict));
    return code_of(verdict.reason());
  }
};

inline std::string statement(std::string_view type = attest::statement_type, std::string_view digest = {}) {
  return fmt::format(
      R"({{"_type":"{}","subject":[{{"name":"a","digest":{{"sha256":"{}"}}}}],"predicateType":"https://example.org/p","predicate":{{}}}})",
      type, digest.empty() ? hex_of(artifact) : digest);
}

inline std::string hashedrekord_v1(const World& world, std::string_view message, std::string_view signature) {
  return fmt::format(
      R"({{"data":{{"hash":{{"algorithm":"sha256","value":"{}"}}}},"signature":{{"content":"{}","publicKey":{{"content":"{}"}}}}}})",
      hex_of(message), to_base64(signature), world.key_base64());
}
inline std::string hashedrekord_v2(const World& world, std::string_view message, std::string_view signature) {
  return fmt::format(
      R"({{"hashedRekordV002":{{"data":{{"algorithm":"SHA2_256","digest":"{}"}},"signature":{{"content":"{}","verifier":{{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{{"rawBytes":"{}"}}}}}}}}}})",
      to_base64(sha256_of(message)), to_base64(signature), to_base64(world.signer->public_key().to_der()));
}
inline std::string dsse_v1(const World& world, std::string_view payload, std::string_view signature) {
  return fmt::format(
      R"({{"envelopeHash":{{"algorithm":"sha256","value":"{0}"}},"payloadHash":{{"algorithm":"sha256","value":"{0}"}},"signatures":[{{"signature":"{1}","verifier":"{2}"}}]}})",
      hex_of(payload), to_base64(signature), world.key_base64());
}
inline std::string dsse_v2(const World& world, std::string_view payload, std::string_view signature) {
  return fmt::format(
      R"({{"dsseV002":{{"payloadHash":{{"algorithm":"SHA2_256","digest":"{}"}},"signatures":[{{"content":"{}","verifier":{{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{{"rawBytes":"{}"}}}}}}]}}}})",
      to_base64(sha256_of(payload)), to_base64(signature), to_base64(world.signer->public_key().to_der()));
}
inline std::string intoto_v2(const World& world, std::string_view payload, std::string_view signature_text) {
  return fmt::format(
      R"({{"content":{{"envelope":{{"payloadType":"application/vnd.in-toto+json","signatures":[{{"publicKey":"{}","sig":"{}"}}]}},"payloadHash":{{"algorithm":"sha256","value":"{}"}}}}}})",
      world.key_base64(), signature_text, hex_of(payload));
}

}  // namespace tranche::sigstore::testing
