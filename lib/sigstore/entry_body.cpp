#include "sigstore/entry_body.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/pem.hpp"
#include "crypto/public_key.hpp"
#include "sigstore/proto_json.hpp"

namespace tranche::sigstore {
namespace {

using Need = ProtoReader::Need;
constexpr std::size_t max_body_bytes = 16 << 20;
constexpr std::size_t max_pem_bytes = 64 << 10;

struct Verifier {
  std::string der;
  bool is_certificate = false;
};

// The first block of a PEM text. What it holds is compared, not parsed.
Verifier read_pem(ProtoReader& reader, std::string_view pem, std::string_view where) {
  const auto text = pem.size() > max_pem_bytes ? crypto::PemText() : crypto::read_pem_blocks(pem);
  const bool found = !text.blocks.empty() && !text.blocks.front().locked;
  const std::string label = found ? text.blocks.front().label : "";
  if (label != "CERTIFICATE" && label != "PUBLIC KEY" && label != "RSA PUBLIC KEY") {
    reader.refuse_shape("{} is no PEM text of a certificate or a public key", where);
    return {};
  }
  return {std::string(text.blocks.front().der.expose()), label == "CERTIFICATE"};
}

void set_verifier(EntryBody& body, Verifier verifier) {
  body.verifier = std::move(verifier.der);
  body.verifier_is_certificate = verifier.is_certificate;
}

// {"keyDetails", "x509Certificate": {"rawBytes"} | "publicKey": {"rawBytes"}} of Rekor v2
Verifier read_verifier(ProtoReader& reader, const doc::Value& holder, const std::string& where) {
  const doc::Value& verifier = reader.object(holder, where, "verifier", Need::required);
  const std::string at = where + ".verifier";
  const bool is_certificate = verifier.find("x509Certificate") != nullptr;
  const std::string_view key = is_certificate ? "x509Certificate" : "publicKey";
  const doc::Value& raw = reader.object(verifier, at, key, Need::required);
  return {reader.bytes(raw, fmt::format("{}.{}", at, key), "rawBytes", Need::required), is_certificate};
}

// "SHA2_256" of protobuf-specs, or "sha256" of Rekor v1
std::string algorithm_of(ProtoReader& reader, const std::string& text) {
  if (text == "SHA2_256" || text == "sha256") return "sha256";
  if (text == "SHA2_384" || text == "sha384") return "sha384";
  if (text == "SHA2_512" || text == "sha512") return "sha512";
  reader.refuse_shape("the log entry's digest is by '{}'", printable(text, 40));
  return {};
}

void read_hex_digest(ProtoReader& reader, const doc::Value& holder, const std::string& where,
                     std::string_view key, EntryBody& body) {
  const doc::Value& hash = reader.object(holder, where, key, Need::required);
  const std::string at = fmt::format("{}.{}", where, key);
  body.algorithm = algorithm_of(reader, reader.text(hash, at, "algorithm", Need::required));
  auto digest = from_hex(reader.text(hash, at, "value", Need::required));
  if (!digest) {
    reader.refuse_shape("{}.value is not hex", at);
    return;
  }
  body.digest = std::move(*digest);
}

void read_digest(ProtoReader& reader, const doc::Value& holder, const std::string& where,
                 std::string_view key, EntryBody& body) {
  const doc::Value& data = reader.object(holder, where, key, Need::required);
  const std::string at = fmt::format("{}.{}", where, key);
  body.algorithm = algorithm_of(reader, reader.text(data, at, "algorithm", Need::required));
  body.digest = reader.bytes(data, at, "digest", Need::required);
}

// The one element of a list of signatures.
const doc::Value& one_of(ProtoReader& reader, const doc::Value& holder, const std::string& where) {
  static const doc::Value nothing = doc::Value::object();
  const doc::Array& list = reader.list(holder, where, "signatures", 16);
  if (reader.ok() && list.size() != 1)
    reader.refuse_shape("{}.signatures has {} elements, not one", where, list.size());
  return reader.ok() ? list[0] : nothing;
}

void read_hashedrekord_v1(ProtoReader& reader, const doc::Value& spec, EntryBody& body) {
  read_hex_digest(reader, reader.object(spec, "spec", "data", Need::required), "spec.data", "hash", body);
  const doc::Value& signature = reader.object(spec, "spec", "signature", Need::required);
  body.signature = reader.bytes(signature, "spec.signature", "content", Need::required);
  const doc::Value& key = reader.object(signature, "spec.signature", "publicKey", Need::required);
  const std::string pem = reader.bytes(key, "spec.signature.publicKey", "content", Need::required);
  if (reader.ok()) set_verifier(body, read_pem(reader, pem, "spec.signature.publicKey.content"));
}

void read_hashedrekord_v2(ProtoReader& reader, const doc::Value& spec, EntryBody& body) {
  const doc::Value& entry = reader.object(spec, "spec", "hashedRekordV002", Need::required);
  const std::string where = "spec.hashedRekordV002";
  read_digest(reader, entry, where, "data", body);
  const doc::Value& signature = reader.object(entry, where, "signature", Need::required);
  body.signature = reader.bytes(signature, where + ".signature", "content", Need::required);
  set_verifier(body, read_verifier(reader, signature, where + ".signature"));
}

void read_dsse_v1(ProtoReader& reader, const doc::Value& spec, EntryBody& body) {
  body.digest_of = DigestOf::payload;
  read_hex_digest(reader, spec, "spec", "payloadHash", body);
  const doc::Value& signature = one_of(reader, spec, "spec");
  body.signature = reader.bytes(signature, "spec.signatures[0]", "signature", Need::required);
  const std::string pem = reader.bytes(signature, "spec.signatures[0]", "verifier", Need::required);
  if (reader.ok()) set_verifier(body, read_pem(reader, pem, "spec.signatures[0].verifier"));
}

void read_dsse_v2(ProtoReader& reader, const doc::Value& spec, EntryBody& body) {
  body.digest_of = DigestOf::payload;
  const doc::Value& entry = reader.object(spec, "spec", "dsseV002", Need::required);
  read_digest(reader, entry, "spec.dsseV002", "payloadHash", body);
  const doc::Value& signature = one_of(reader, entry, "spec.dsseV002");
  body.signature = reader.bytes(signature, "spec.dsseV002.signatures[0]", "content", Need::required);
  set_verifier(body, read_verifier(reader, signature, "spec.dsseV002.signatures[0]"));
}

void read_intoto_v2(ProtoReader& reader, const doc::Value& spec, EntryBody& body) {
  body.digest_of = DigestOf::payload;
  body.double_base64 = true;
  const doc::Value& content = reader.object(spec, "spec", "content", Need::required);
  read_hex_digest(reader, content, "spec.content", "payloadHash", body);
  const doc::Value& envelope = reader.object(content, "spec.content", "envelope", Need::required);
  const doc::Value& signature = one_of(reader, envelope, "spec.content.envelope");
  const std::string where = "spec.content.envelope.signatures[0]";
  body.signature = reader.bytes(signature, where, "sig", Need::required);
  const std::string pem = reader.bytes(signature, where, "publicKey", Need::required);
  if (reader.ok()) set_verifier(body, read_pem(reader, pem, where + ".publicKey"));
}

struct Kind {
  std::string_view kind, version;
  void (*read)(ProtoReader&, const doc::Value&, EntryBody&);
};
constexpr Kind kinds[] = {
    {"hashedrekord", "0.0.1", read_hashedrekord_v1},
    {"hashedrekord", "0.0.2", read_hashedrekord_v2},
    {"dsse", "0.0.1", read_dsse_v1},
    {"dsse", "0.0.2", read_dsse_v2},
    {"intoto", "0.0.2", read_intoto_v2},
};

std::string_view digest_by(std::string_view algorithm, std::string_view sha256, std::string_view sha384,
                           std::string_view sha512) {
  return algorithm == "sha256" ? sha256 : algorithm == "sha384" ? sha384 : sha512;
}

// Two encodings of one key are one key.
bool same_key(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto left = crypto::AnyPublicKey::from_der(a);
  const auto right = crypto::AnyPublicKey::from_der(b);
  return left && right && left->to_der() == right->to_der();
}

}  // namespace

Checked<EntryBody> read_entry_body(const LogEntry& entry) {
  constexpr Reason bad = Reason::bad_log_entry;
  const Kind* known = nullptr;
  for (const Kind& kind : kinds)
    if (kind.kind == entry.kind && kind.version == entry.version) known = &kind;
  if (known == nullptr)
    return std::unexpected(Refusal{
        Reason::unknown_entry_kind,
        fmt::format("the log entry is {} {}", printable(entry.kind, 40), printable(entry.version, 20))});
  ProtoReader reader({.json = bad, .base64 = bad, .shape = bad, .number = bad});
  const doc::Value json = reader.parse(entry.canonicalized_body, "log entry's body", max_body_bytes);
  if (reader.text(json, "", "kind", Need::required) != entry.kind ||
      reader.text(json, "", "apiVersion", Need::required) != entry.version)
    reader.refuse_shape("the log entry's body is of another kind than {} {}", entry.kind, entry.version);
  EntryBody body;
  known->read(reader, reader.object(json, "", "spec", Need::required), body);
  if (!reader.ok()) return std::unexpected(reader.refusal());
  return body;
}

Checked<> match_entry(const EntryBody& body, const SignedThing& thing) {
  const std::string_view digest =
      body.digest_of == DigestOf::message
          ? digest_by(body.algorithm, thing.message_sha256, thing.message_sha384, thing.message_sha512)
          : digest_by(body.algorithm, thing.payload_sha256, thing.payload_sha384, thing.payload_sha512);
  const bool wrong_digest = digest.empty() || body.digest != digest;
  const bool wrong_signature =
      body.signature != thing.signature &&
      !(body.double_base64 && from_base64(body.signature) == std::optional(thing.signature));
  const bool wrong_key = body.verifier_is_certificate != thing.verifier_is_certificate ||
                         (body.verifier_is_certificate ? body.verifier != thing.verifier
                                                       : !same_key(body.verifier, thing.verifier));
  if (wrong_digest && wrong_signature && wrong_key)
    return std::unexpected(
        Refusal{Reason::other_log_entry, "digest, signature and key of the log entry are all others"});
  if (wrong_digest)
    return std::unexpected(
        Refusal{Reason::entry_wrong_digest,
                fmt::format("the log entry has {} {}", body.algorithm, to_hex(body.digest))});
  if (wrong_signature)
    return std::unexpected(
        Refusal{Reason::entry_wrong_signature, "the log entry holds another signature than the bundle"});
  if (wrong_key)
    return std::unexpected(
        Refusal{Reason::entry_wrong_key, "the log entry holds another key than the bundle"});
  return {};
}

}  // namespace tranche::sigstore
