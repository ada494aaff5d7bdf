// The JSON of a Sigstore bundle, in and out. Strict: a member that the three versions do not know is refused,
// so that nothing in an accepted bundle was passed over.
#include "sigstore/bundle.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "sigstore/proto_json.hpp"
#include "sigstore/read_bundle.hpp"

namespace tranche::sigstore {
namespace {

using Need = ProtoReader::Need;

// The public verifier of the Go client reads as many.
constexpr std::size_t max_entries = 32;
constexpr std::size_t max_timestamps = 32;
constexpr std::size_t max_certificates = 10;
constexpr std::size_t max_proof_hashes = 64;

constexpr std::string_view latest_type = "application/vnd.dev.sigstore.bundle.v0.3+json";
struct MediaType {
  std::string_view text;
  BundleVersion version;
};
constexpr auto media_types = std::to_array<MediaType>({
    {latest_type, BundleVersion::v0_3},
    {"application/vnd.dev.sigstore.bundle+json;version=0.3", BundleVersion::v0_3},
    {"application/vnd.dev.sigstore.bundle+json;version=0.2", BundleVersion::v0_2},
    {"application/vnd.dev.sigstore.bundle+json;version=0.1", BundleVersion::v0_1},
});

InclusionProof read_proof(ProtoReader& reader, const doc::Value& json, const std::string& where) {
  reader.only(json, where, {"logIndex", "rootHash", "treeSize", "hashes", "checkpoint"});
  InclusionProof proof{.log_index = reader.count(json, where, "logIndex"),
                       .root_hash = reader.bytes(json, where, "rootHash", Need::required),
                       .tree_size = reader.count(json, where, "treeSize")};
  const std::string hashes = where + ".hashes";
  for (const doc::Value& hash : reader.list(json, where, "hashes", max_proof_hashes)) {
    const auto bytes = hash.is_string() ? from_base64(hash.as_string()) : std::nullopt;
    if (!bytes) {
      reader.refuse(Reason::bad_base64, hashes + " is not base64");
      return proof;
    }
    if (bytes->size() != 32) reader.refuse_shape("{} has one of {} bytes, not 32", hashes, bytes->size());
    proof.hashes.push_back(*bytes);
  }
  if (reader.ok() && proof.root_hash.size() != 32)
    reader.refuse_shape("{}.rootHash has {} bytes, not 32", where, proof.root_hash.size());
  const doc::Value& checkpoint = reader.object(json, where, "checkpoint", Need::optional);
  reader.only(checkpoint, where + ".checkpoint", {"envelope"});
  proof.checkpoint = reader.text(checkpoint, where + ".checkpoint", "envelope", Need::optional);
  return proof;
}

void read_signer(ProtoReader& reader, const doc::Value& material, const std::string& where, Bundle& bundle) {
  const doc::Value* certificate = material.find("certificate");
  const doc::Value* chain = material.find("x509CertificateChain");
  const doc::Value* key = material.find("publicKey");
  const auto there = [](const doc::Value* value) { return value != nullptr && !value->is_null(); };
  if (there(certificate) + there(chain) + there(key) != 1) {
    reader.refuse_shape("{} needs exactly one of certificate, x509CertificateChain and publicKey", where);
    return;
  }
  if (there(certificate)) {
    const doc::Value& leaf = reader.object(material, where, "certificate", Need::required);
    reader.only(leaf, where + ".certificate", {"rawBytes"});
    bundle.certificate = reader.bytes(leaf, where + ".certificate", "rawBytes", Need::required);
    return;
  }
  if (there(key)) {
    const doc::Value& hint = reader.object(material, where, "publicKey", Need::required);
    reader.only(hint, where + ".publicKey", {"hint"});
    bundle.public_key_hint = reader.text(hint, where + ".publicKey", "hint", Need::optional);
    return;
  }
  const std::string at = where + ".x509CertificateChain";
  if (bundle.version == BundleVersion::v0_3) {
    reader.refuse_shape("{} does not belong in a bundle of version 0.3", at);
    return;
  }
  const doc::Value& certificates = reader.object(material, where, "x509CertificateChain", Need::required);
  reader.only(certificates, at, {"certificates"});
  const doc::Array& list = reader.list(certificates, at, "certificates", max_certificates);
  if (reader.ok() && list.empty()) reader.refuse_shape("{}.certificates is empty", at);
  for (std::size_t i = 0; i < list.size() && reader.ok(); ++i) {
    const std::string one = element(at + ".certificates", i);
    reader.only(list[i], one, {"rawBytes"});
    auto der = reader.bytes(list[i], one, "rawBytes", Need::required);
    if (i == 0)
      bundle.certificate = std::move(der);
    else
      bundle.intermediates.push_back(std::move(der));
  }
}

void read_timestamps(ProtoReader& reader, const doc::Value& material, const std::string& where,
                     Bundle& bundle) {
  const std::string at = where + ".timestampVerificationData";
  const doc::Value& data = reader.object(material, where, "timestampVerificationData", Need::optional);
  reader.only(data, at, {"rfc3161Timestamps"});
  const doc::Array& list = reader.list(data, at, "rfc3161Timestamps", max_timestamps);
  for (std::size_t i = 0; i < list.size() && reader.ok(); ++i) {
    const std::string one = element(at + ".rfc3161Timestamps", i);
    reader.only(list[i], one, {"signedTimestamp"});
    auto der = reader.bytes(list[i], one, "signedTimestamp", Need::required);
    if (std::find(bundle.timestamps.begin(), bundle.timestamps.end(), der) != bundle.timestamps.end())
      reader.refuse(Reason::duplicate_timestamp, one + " is there twice");
    bundle.timestamps.push_back(std::move(der));
  }
}

void read_content(ProtoReader& reader, const doc::Value& json, Bundle& bundle) {
  const doc::Value* message = json.find("messageSignature");
  const doc::Value* envelope = json.find("dsseEnvelope");
  const bool has_message = message != nullptr && !message->is_null();
  const bool has_envelope = envelope != nullptr && !envelope->is_null();
  if (has_message == has_envelope) {
    reader.refuse_shape("a bundle needs exactly one of messageSignature and dsseEnvelope");
    return;
  }
  if (has_message) {
    const std::string_view where = "messageSignature";
    const doc::Value& at = reader.object(json, "", where, Need::required);
    reader.only(at, where, {"messageDigest", "signature"});
    const doc::Value& digest = reader.object(at, where, "messageDigest", Need::optional);
    reader.only(digest, "messageSignature.messageDigest", {"algorithm", "digest"});
    bundle.message = MessageSignature{
        .digest_algorithm =
            reader.text(digest, "messageSignature.messageDigest", "algorithm", Need::optional),
        .digest = reader.bytes(digest, "messageSignature.messageDigest", "digest", Need::optional),
        .signature = reader.bytes(at, where, "signature", Need::required)};
    return;
  }
  const std::string_view where = "dsseEnvelope";
  const doc::Value& at = reader.object(json, "", where, Need::required);
  reader.only(at, where, {"payload", "payloadType", "signatures"});
  BundleEnvelope read{.payload = reader.bytes(at, where, "payload", Need::required),
                      .payload_type = reader.text(at, where, "payloadType", Need::required)};
  const doc::Array& signatures = reader.list(at, where, "signatures", 64);
  if (reader.ok() && signatures.size() != 1) {
    reader.refuse(Reason::several_signatures,
                  fmt::format("dsseEnvelope.signatures has {} elements, not one", signatures.size()));
    return;
  }
  if (!reader.ok()) return;
  reader.only(signatures[0], "dsseEnvelope.signatures[0]", {"sig", "keyid"});
  read.signature = reader.bytes(signatures[0], "dsseEnvelope.signatures[0]", "sig", Need::required);
  read.key_id = reader.text(signatures[0], "dsseEnvelope.signatures[0]", "keyid", Need::optional);
  bundle.envelope = std::move(read);
}

doc::Value digest_json(std::string_view algorithm, std::string_view digest) {
  return doc::Value::object({{"algorithm", algorithm}, {"digest", to_base64(digest)}});
}

}  // namespace

LogEntry read_log_entry(ProtoReader& reader, const doc::Value& json, const std::string& where) {
  reader.only(json, where,
              {"logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise", "inclusionProof",
               "canonicalizedBody"});
  LogEntry entry{.log_index = reader.count(json, where, "logIndex")};
  const doc::Value& log_id = reader.object(json, where, "logId", Need::required);
  reader.only(log_id, where + ".logId", {"keyId"});
  entry.log_id = reader.bytes(log_id, where + ".logId", "keyId", Need::required);
  const doc::Value& kind = reader.object(json, where, "kindVersion", Need::required);
  reader.only(kind, where + ".kindVersion", {"kind", "version"});
  entry.kind = reader.text(kind, where + ".kindVersion", "kind", Need::required);
  entry.version = reader.text(kind, where + ".kindVersion", "version", Need::required);
  entry.integrated_time = reader.count(json, where, "integratedTime");
  const doc::Value& promise = reader.object(json, where, "inclusionPromise", Need::optional);
  reader.only(promise, where + ".inclusionPromise", {"signedEntryTimestamp"});
  entry.signed_entry_timestamp =
      reader.bytes(promise, where + ".inclusionPromise", "signedEntryTimestamp", Need::optional);
  if (const doc::Value* proof = json.find("inclusionProof"); proof != nullptr && !proof->is_null())
    entry.proof = read_proof(reader, reader.object(json, where, "inclusionProof", Need::required),
                             where + ".inclusionProof");
  entry.canonicalized_body = reader.bytes(json, where, "canonicalizedBody", Need::required);
  return entry;
}

Checked<Bundle> read_bundle(std::string_view json) {
  ProtoReader reader;
  const doc::Value document = reader.parse(json, "bundle", max_bundle_bytes);
  if (!reader.ok()) return std::unexpected(reader.refusal());
  Bundle bundle;
  const std::string type = reader.text(document, "", "mediaType", Need::required);
  const auto* known =
      std::find_if(media_types.begin(), media_types.end(), [&](const auto& m) { return m.text == type; });
  if (reader.ok() && known == media_types.end())
    reader.refuse(Reason::unknown_media_type,
                  fmt::format("mediaType is '{}'; versions 0.1 to 0.3 are read", printable(type, 80)));
  if (!reader.ok()) return std::unexpected(reader.refusal());
  bundle.version = known->version;
  reader.only(document, "", {"mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"});
  const std::string where = "verificationMaterial";
  const doc::Value& material = reader.object(document, "", where, Need::required);
  reader.only(
      material, where,
      {"certificate", "x509CertificateChain", "publicKey", "tlogEntries", "timestampVerificationData"});
  if (reader.ok()) read_signer(reader, material, where, bundle);
  const doc::Array& entries = reader.list(material, where, "tlogEntries", max_entries);
  for (std::size_t i = 0; i < entries.size() && reader.ok(); ++i) {
    const std::string at = element(where + ".tlogEntries", i);
    if (!entries[i].is_object()) {
      reader.refuse_shape("{} is {}, not a map", at, entries[i].kind_name());
      break;
    }
    LogEntry entry = read_log_entry(reader, entries[i], at);
    for (const LogEntry& other : bundle.entries)
      if (other.log_id == entry.log_id && other.log_index == entry.log_index)
        reader.refuse(Reason::duplicate_log_entry,
                      fmt::format("{} has the log and index of another entry", at));
    bundle.entries.push_back(std::move(entry));
  }
  read_timestamps(reader, material, where, bundle);
  if (reader.ok()) read_content(reader, document, bundle);
  if (!reader.ok()) return std::unexpected(reader.refusal());
  return bundle;
}

Result<Bundle> parse_bundle(std::string_view json) {
  auto bundle = read_bundle(json);
  if (!bundle) return fail(to_error(bundle.error()));
  return std::move(*bundle);
}

Result<LogEntry> parse_log_entry(std::string_view json) {
  ProtoReader reader({.shape = Reason::bad_log_entry});
  const doc::Value document = reader.parse(json, "log entry", max_bundle_bytes);
  LogEntry entry = read_log_entry(reader, document, "entry");
  if (!reader.ok()) return fail(to_error(reader.refusal()));
  return entry;
}

std::string to_json(const Bundle& bundle) {
  doc::Value material = doc::Value::object();
  if (bundle.public_key_hint)
    material.set("publicKey", doc::Value::object({{"hint", *bundle.public_key_hint}}));
  else
    material.set("certificate", doc::Value::object({{"rawBytes", to_base64(bundle.certificate)}}));
  doc::Value entries = doc::Value::array();
  for (const LogEntry& entry : bundle.entries) {
    doc::Value json = doc::Value::object(
        {{"logIndex", std::to_string(entry.log_index)},
         {"logId", doc::Value::object({{"keyId", to_base64(entry.log_id)}})},
         {"kindVersion", doc::Value::object({{"kind", entry.kind}, {"version", entry.version}})}});
    if (entry.integrated_time != 0) json.set("integratedTime", std::to_string(entry.integrated_time));
    if (!entry.signed_entry_timestamp.empty())
      json.set("inclusionPromise",
               doc::Value::object({{"signedEntryTimestamp", to_base64(entry.signed_entry_timestamp)}}));
    if (entry.proof) {
      doc::Value hashes = doc::Value::array();
      for (const std::string& hash : entry.proof->hashes) hashes.push(to_base64(hash));
      doc::Value proof = doc::Value::object({{"logIndex", std::to_string(entry.proof->log_index)},
                                             {"rootHash", to_base64(entry.proof->root_hash)},
                                             {"treeSize", std::to_string(entry.proof->tree_size)},
                                             {"hashes", std::move(hashes)}});
      if (!entry.proof->checkpoint.empty())
        proof.set("checkpoint", doc::Value::object({{"envelope", entry.proof->checkpoint}}));
      json.set("inclusionProof", std::move(proof));
    }
    json.set("canonicalizedBody", to_base64(entry.canonicalized_body));
    entries.push(std::move(json));
  }
  material.set("tlogEntries", std::move(entries));
  if (!bundle.timestamps.empty()) {
    doc::Value timestamps = doc::Value::array();
    for (const std::string& der : bundle.timestamps)
      timestamps.push(doc::Value::object({{"signedTimestamp", to_base64(der)}}));
    material.set("timestampVerificationData",
                 doc::Value::object({{"rfc3161Timestamps", std::move(timestamps)}}));
  }
  doc::Value json =
      doc::Value::object({{"mediaType", latest_type}, {"verificationMaterial", std::move(material)}});
  if (bundle.message)
    json.set("messageSignature",
             doc::Value::object(
                 {{"messageDigest", digest_json(bundle.message->digest_algorithm, bundle.message->digest)},
                  {"signature", to_base64(bundle.message->signature)}}));
  if (bundle.envelope)
    json.set(
        "dsseEnvelope",
        doc::Value::object(
            {{"payload", to_base64(bundle.envelope->payload)},
             {"payloadType", bundle.envelope->payload_type},
             {"signatures", doc::Array{doc::Value::object({{"sig", to_base64(bundle.envelope->signature)},
                                                           {"keyid", bundle.envelope->key_id}})}}}));
  return doc::to_json(json) + "\n";
}

}  // namespace tranche::sigstore
