#include "sigstore/trusted_root.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "sigstore/proto_json.hpp"

namespace tranche::sigstore {
namespace {

using Need = ProtoReader::Need;

constexpr std::size_t max_instances = 64;  // of each kind; the public root has 2
constexpr std::size_t max_chain = 10;

constexpr auto media_types = std::to_array<std::string_view>({
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
});

// PublicKeyDetails (sigstore_common.proto) that are known here. PKCS1: the key is bare, not in a
// SubjectPublicKeyInfo.
struct KeyDetails {
  std::string_view name;
  crypto::Scheme scheme;
  bool pkcs1 = false;
};
constexpr auto key_details = std::to_array<KeyDetails>({
    {"PKIX_ECDSA_P256_SHA_256", crypto::Scheme::ecdsa_sha256},
    {"PKIX_ECDSA_P384_SHA_384", crypto::Scheme::ecdsa_sha384},
    {"PKIX_ECDSA_P521_SHA_512", crypto::Scheme::ecdsa_sha512},
    {"PKIX_ECDSA_P384_SHA_256", crypto::Scheme::ecdsa_sha256},
    {"PKIX_ECDSA_P521_SHA_256", crypto::Scheme::ecdsa_sha256},
    {"PKIX_ED25519", crypto::Scheme::ed25519},
    {"PKIX_ED25519_PH", crypto::Scheme::ed25519ph},
    {"PKIX_RSA_PKCS1V15_2048_SHA256", crypto::Scheme::rsa_pkcs1_sha256},
    {"PKIX_RSA_PKCS1V15_3072_SHA256", crypto::Scheme::rsa_pkcs1_sha256},
    {"PKIX_RSA_PKCS1V15_4096_SHA256", crypto::Scheme::rsa_pkcs1_sha256},
    {"PKIX_RSA_PSS_2048_SHA256", crypto::Scheme::rsa_pss_sha256},
    {"PKIX_RSA_PSS_3072_SHA256", crypto::Scheme::rsa_pss_sha256},
    {"PKIX_RSA_PSS_4096_SHA256", crypto::Scheme::rsa_pss_sha256},
    {"PKIX_RSA_PKCS1V5", crypto::Scheme::rsa_pkcs1_sha256},
    {"PKCS1_RSA_PKCS1V5", crypto::Scheme::rsa_pkcs1_sha256, true},
});

std::optional<Instant> read_time(ProtoReader& reader, const doc::Value& object, const std::string& where,
                                 std::string_view key) {
  const std::string text = reader.text(object, where, key, Need::optional);
  if (text.empty()) return std::nullopt;
  const auto when = parse_instant(text);
  if (!when) {
    reader.refuse_shape("{}.{} is no time: {}", where, key, printable(text, 60));
    return std::nullopt;
  }
  return *when;
}

Validity read_validity(ProtoReader& reader, const doc::Value& object, const std::string& where) {
  const doc::Value& range = reader.object(object, where, "validFor", Need::optional);
  const std::string at = where + ".validFor";
  return {.from = read_time(reader, range, at, "start"), .until = read_time(reader, range, at, "end")};
}

struct LogKey {
  std::string id, checkpoint_id;
  crypto::AnyPublicKey key;
  crypto::Scheme scheme;
  Validity validity;
};

// nullopt: refused, or of a kind that is not known.
std::optional<LogKey> read_log_key(ProtoReader& reader, const doc::Value& log, const std::string& where) {
  const doc::Value& key = reader.object(log, where, "publicKey", Need::required);
  const std::string at = where + ".publicKey";
  const std::string details = reader.text(key, at, "keyDetails", Need::required);
  const Validity validity = read_validity(reader, key, at);
  const doc::Value& id_json = reader.object(log, where, "logId", Need::required);
  const std::string id = reader.bytes(id_json, where + ".logId", "keyId", Need::required);
  const doc::Value& checkpoint_json = reader.object(log, where, "checkpointKeyId", Need::optional);
  std::string checkpoint_id =
      reader.bytes(checkpoint_json, where + ".checkpointKeyId", "keyId", Need::optional);
  if (!reader.ok()) return std::nullopt;
  if (checkpoint_id.empty()) checkpoint_id = id;
  const auto* known = std::find_if(key_details.begin(), key_details.end(),
                                   [&](const KeyDetails& d) { return d.name == details; });
  if (known == key_details.end()) return std::nullopt;
  const std::string der = reader.bytes(key, at, "rawBytes", Need::required);
  if (!reader.ok()) return std::nullopt;
  auto read = known->pkcs1
                  ? crypto::AnyPublicKey::from_pem("-----BEGIN RSA PUBLIC KEY-----\n" + to_base64(der) +
                                                   "\n-----END RSA PUBLIC KEY-----\n")
                  : crypto::AnyPublicKey::from_der(der);
  if (!read) {
    reader.refuse_shape("{}: {}", at, read.error().message);
    return std::nullopt;
  }
  if (!read->fits(known->scheme)) {
    reader.refuse_shape("{} is no key for {}", at, details);
    return std::nullopt;
  }
  return LogKey{id, std::move(checkpoint_id), std::move(*read), known->scheme, validity};
}

std::vector<crypto::Certificate> read_chain(ProtoReader& reader, const doc::Value& authority,
                                            const std::string& where) {
  std::vector<crypto::Certificate> chain;
  const doc::Value& json = reader.object(authority, where, "certChain", Need::optional);
  const std::string at = where + ".certChain.certificates";
  const doc::Array& list = reader.list(json, where + ".certChain", "certificates", max_chain);
  for (std::size_t i = 0; i < list.size() && reader.ok(); ++i) {
    const std::string der = reader.bytes(list[i], element(at, i), "rawBytes", Need::required);
    if (!reader.ok()) break;
    auto certificate = crypto::Certificate::from_der(der);
    if (!certificate) {
      reader.refuse_shape("{}: {}", element(at, i), certificate.error().message);
      break;
    }
    chain.push_back(std::move(*certificate));
  }
  return chain;
}

}  // namespace

std::string host_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find_first_of("/?#")));
}

bool is_outdated(const TrustedRoot& root, Instant now) {
  const auto over = [now](const auto& one) { return one.validity.until && *one.validity.until < now; };
  return (!root.logs.empty() && std::ranges::all_of(root.logs, over)) ||
         (!root.authorities.empty() && std::ranges::all_of(root.authorities, over));
}

Checked<TrustedRoot> read_trusted_root(std::string_view json) {
  constexpr Reason bad = Reason::bad_trusted_root;
  ProtoReader reader({.json = bad, .base64 = bad, .shape = bad, .number = bad});
  const doc::Value document = reader.parse(json, "trusted root", max_trusted_root_bytes);
  const std::string type = reader.text(document, "", "mediaType", Need::required);
  if (reader.ok() && std::find(media_types.begin(), media_types.end(), type) == media_types.end())
    reader.refuse_shape("the trusted root is of type '{}'; versions 0.1 and 0.2 are read",
                        printable(type, 80));
  TrustedRoot root;
  const doc::Array& logs = reader.list(document, "", "tlogs", max_instances);
  for (std::size_t i = 0; i < logs.size() && reader.ok(); ++i) {
    const std::string where = element("tlogs", i);
    const std::string url = reader.text(logs[i], where, "baseUrl", Need::optional);
    auto key = read_log_key(reader, logs[i], where);
    if (!key) continue;
    if (!key->validity.from) {
      reader.refuse(Reason::log_key_without_start,
                    fmt::format("{}.publicKey.validFor.start is missing", where));
      break;
    }
    root.logs.push_back({url, std::move(key->id), std::move(key->checkpoint_id), std::move(key->key),
                         key->scheme, key->validity});
  }
  const doc::Array& ct_logs = reader.list(document, "", "ctlogs", max_instances);
  for (std::size_t i = 0; i < ct_logs.size() && reader.ok(); ++i)
    if (auto key = read_log_key(reader, ct_logs[i], element("ctlogs", i)))
      root.ct_logs.push_back(
          {std::move(key->id), std::move(key->key), key->validity.from, key->validity.until});
  const doc::Array& authorities = reader.list(document, "", "certificateAuthorities", max_instances);
  for (std::size_t i = 0; i < authorities.size() && reader.ok(); ++i) {
    const std::string where = element("certificateAuthorities", i);
    CertificateAuthority authority{.uri = reader.text(authorities[i], where, "uri", Need::optional)};
    authority.chain = read_chain(reader, authorities[i], where);
    authority.validity = read_validity(reader, authorities[i], where);
    if (reader.ok() && authority.chain.empty()) reader.refuse_shape("{} has no certificates", where);
    root.authorities.push_back(std::move(authority));
  }
  const doc::Array& stampers = reader.list(document, "", "timestampAuthorities", max_instances);
  for (std::size_t i = 0; i < stampers.size() && reader.ok(); ++i) {
    const std::string where = element("timestampAuthorities", i);
    TimestampAuthority authority{.uri = reader.text(stampers[i], where, "uri", Need::optional)};
    authority.tsa.chain = read_chain(reader, stampers[i], where);
    authority.validity = read_validity(reader, stampers[i], where);
    authority.tsa.from = authority.validity.from;
    authority.tsa.until = authority.validity.until;
    // An authority without certificates has made nothing.
    if (!authority.tsa.chain.empty()) root.timestamp_authorities.push_back(std::move(authority));
  }
  if (!reader.ok()) return std::unexpected(reader.refusal());
  return root;
}

Result<TrustedRoot> parse_trusted_root(std::string_view json) {
  auto root = read_trusted_root(json);
  if (!root) return fail(to_error(root.error()));
  return std::move(*root);
}

}  // namespace tranche::sigstore
