// Signed certificate timestamps inside a certificate (RFC 6962, section 3.2).
//
// A log signs the certificate as it was before the timestamps were put in. OpenSSL's CT reads the list, and
// its X509 takes the extension out and writes the rest again. Its own check wants the logs in a file, so
// what was signed is put together here.
#include <openssl/ct.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/certificate_state.hpp"
#include "crypto/digest.hpp"

namespace tranche::crypto {

namespace {

using OwnedScts = std::unique_ptr<STACK_OF(SCT), FreeBy<SCT_LIST_free>>;
constexpr int max_scts = 32;

void put_number(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<unsigned char>(number >> shift));
}

template <auto Get>
std::string field_of(const SCT* sct) {
  unsigned char* bytes = nullptr;
  const std::size_t size = Get(sct, &bytes);
  return {reinterpret_cast<const char*>(bytes), size};
}

// The certificate without its list of timestamps; empty when that fails.
std::string precertificate(X509* certificate) {
  const OwnedX509 copy(X509_dup(certificate));
  const int at = copy == nullptr ? -1 : X509_get_ext_by_NID(copy.get(), NID_ct_precert_scts, -1);
  if (at < 0) return {};
  X509_EXTENSION_free(X509_delete_ext(copy.get(), at));
  if (X509_get_ext_by_NID(copy.get(), NID_ct_precert_scts, -1) >= 0) return {};  // two lists
  return to_der_by<i2d_re_X509_tbs>(copy.get());
}

std::string issuer_key_hash(X509* issuer) {
  return std::string(as_bytes(sha256(to_der_by<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(issuer)))));
}

// digitally-signed struct of section 3.2, for a precertificate.
std::string signed_bytes(const SCT* sct, const std::string& key_hash, const std::string& tbs) {
  const std::string extensions = field_of<SCT_get0_extensions>(sct);
  std::string out;
  put_number(out, 0, 1);  // v1
  put_number(out, 0, 1);  // certificate_timestamp
  put_number(out, SCT_get_timestamp(sct), 8);
  put_number(out, 1, 2);  // precert_entry
  out += key_hash;
  put_number(out, tbs.size(), 3);
  out += tbs;
  put_number(out, extensions.size(), 2);
  return out + extensions;
}

std::optional<Scheme> scheme_of(const SCT* sct) {
  switch (SCT_get_signature_nid(sct)) {
    case NID_ecdsa_with_SHA256:
      return Scheme::ecdsa_sha256;
    case NID_sha256WithRSAEncryption:
      return Scheme::rsa_pkcs1_sha256;
    default:
      return std::nullopt;
  }
}

std::string short_name(std::string_view log_id) { return tranche::to_hex(log_id).substr(0, 16); }

// Empty: it verifies.
std::string why_not(const SCT* sct, const std::string& key_hash, const std::string& tbs,
                    std::span<const CtLog> logs) {
  const std::string id = field_of<SCT_get0_log_id>(sct);
  if (SCT_get_version(sct) != SCT_VERSION_V1 || id.size() != 32) return "it is of a version that is not read";
  const auto scheme = scheme_of(sct);
  if (!scheme) return "it is signed by an algorithm that is not taken";
  const Instant when{std::chrono::milliseconds(SCT_get_timestamp(sct))};
  std::string why = fmt::format("the log {} is not trusted", short_name(id));
  for (const CtLog& log : logs) {
    if (log.id != id) continue;
    if ((log.from && when < *log.from) || (log.until && when > *log.until))
      why = fmt::format("the log {} was not trusted at {}", short_name(id), to_text(when));
    else if (log.key.verify(*scheme, signed_bytes(sct, key_hash, tbs), field_of<SCT_get0_signature>(sct)))
      return {};
    else
      why = fmt::format("its signature is not by the log {}", short_name(id));
  }
  return why;
}

}  // namespace

Result<SctCheck> check_scts(const Certificate& leaf, const Certificate& issuer, std::span<const CtLog> logs) {
  X509* certificate = leaf.state().x509.get();
  int found = -1;
  const OwnedScts scts(
      static_cast<STACK_OF(SCT)*>(X509_get_ext_d2i(certificate, NID_ct_precert_scts, &found, nullptr)));
  ERR_clear_error();
  if (scts == nullptr && found == -1)  // there is none
    return SctCheck{.why = "the certificate has no timestamp of a transparency log"};
  SctCheck check;
  const int count = scts == nullptr ? 0 : sk_SCT_num(scts.get());
  const std::string tbs = precertificate(certificate);
  if (count <= 0 || count > max_scts || tbs.empty())
    return fail_hint(ErrorKind::verification, "ask for another certificate",
                     "the certificate's transparency timestamps cannot be read");
  const std::string key_hash = issuer_key_hash(issuer.state().x509.get());
  for (int i = 0; i < count; ++i) {
    const std::string why = why_not(sk_SCT_value(scts.get(), i), key_hash, tbs, logs);
    ++check.embedded;
    if (why.empty()) ++check.verified;
    const std::string id = field_of<SCT_get0_log_id>(sk_SCT_value(scts.get(), i));
    if (std::none_of(logs.begin(), logs.end(), [&](const CtLog& log) { return log.id == id; }))
      ++check.unknown;
    if (check.why.empty()) check.why = why;
  }
  return check;
}

}  // namespace tranche::crypto
