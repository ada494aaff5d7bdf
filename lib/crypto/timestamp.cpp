// RFC 3161 timestamps by OpenSSL's TS, judged at the time that they themselves state: a certificate that was
// good then is good enough, however old the timestamp is now.
#include <openssl/pkcs7.h>
#include <openssl/ts.h>

#include <algorithm>

#include "base/text.hpp"
#include "crypto/certificate_state.hpp"

namespace tranche::crypto {

namespace {

using OwnedResponse = std::unique_ptr<TS_RESP, FreeBy<TS_RESP_free>>;
using OwnedToken = std::unique_ptr<PKCS7, FreeBy<PKCS7_free>>;
using OwnedInfo = std::unique_ptr<TS_TST_INFO, FreeBy<TS_TST_INFO_free>>;
using OwnedRequest = std::unique_ptr<TS_REQ, FreeBy<TS_REQ_free>>;
using OwnedImprint = std::unique_ptr<TS_MSG_IMPRINT, FreeBy<TS_MSG_IMPRINT_free>>;
using OwnedAlgorithm = std::unique_ptr<X509_ALGOR, FreeBy<X509_ALGOR_free>>;
using OwnedNumber = std::unique_ptr<ASN1_INTEGER, FreeBy<ASN1_INTEGER_free>>;

constexpr std::size_t max_timestamp_bytes = 256 * 1024;
constexpr const char* hint = "ask the timestamp authority again; the bundle keeps what it answered";

struct Opened {
  OwnedResponse response;  // owns what the pointers below name, or
  OwnedToken token;
  OwnedInfo info;
  PKCS7* signed_data = nullptr;
};

// Both end with the input, which is as DER writes it: nothing may follow or be written in another way.
Result<Opened> open_timestamp(std::string_view der) {
  if (der.empty() || der.size() > max_timestamp_bytes)
    return fail_hint(ErrorKind::verification, hint, "{} bytes are no timestamp", der.size());
  const auto size = static_cast<long>(der.size());
  Opened opened;
  const unsigned char* at = raw(der);
  opened.response.reset(d2i_TS_RESP(nullptr, &at, size));
  if (opened.response != nullptr && at == raw(der) + size &&
      to_der_by<i2d_TS_RESP>(opened.response.get()) == der) {
    const TS_STATUS_INFO* status = TS_RESP_get_status_info(opened.response.get());
    const long code = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status));
    if (code != TS_STATUS_GRANTED && code != TS_STATUS_GRANTED_WITH_MODS)
      return fail_hint(ErrorKind::verification, hint, "the timestamp authority refused: status {}", code);
    opened.signed_data = TS_RESP_get_token(opened.response.get());
  } else {
    opened.response.reset();
    at = raw(der);
    opened.token.reset(d2i_PKCS7(nullptr, &at, size));
    if (opened.token != nullptr && at == raw(der) + size && to_der_by<i2d_PKCS7>(opened.token.get()) == der)
      opened.signed_data = opened.token.get();
  }
  if (opened.signed_data != nullptr) opened.info.reset(PKCS7_to_TS_TST_INFO(opened.signed_data));
  ERR_clear_error();
  if (opened.info == nullptr)
    return fail_hint(ErrorKind::verification, hint, "it is no RFC 3161 timestamp in DER");
  return opened;
}

std::string bytes_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

const EVP_MD* method_named(std::string_view name) {
  if (name == "sha256") return EVP_sha256();
  if (name == "sha384") return EVP_sha384();
  return name == "sha512" ? EVP_sha512() : nullptr;
}

Result<Timestamp> read_info(TS_TST_INFO* info) {
  TS_MSG_IMPRINT* imprint = TS_TST_INFO_get_msg_imprint(info);
  const ASN1_OBJECT* algorithm = nullptr;
  X509_ALGOR_get0(&algorithm, nullptr, nullptr, TS_MSG_IMPRINT_get_algo(imprint));
  Timestamp timestamp;
  switch (OBJ_obj2nid(algorithm)) {
    case NID_sha256:
      timestamp.algorithm = "sha256";
      break;
    case NID_sha384:
      timestamp.algorithm = "sha384";
      break;
    case NID_sha512:
      timestamp.algorithm = "sha512";
      break;
    default:
      return fail_hint(ErrorKind::verification, hint,
                       "the timestamp is over a hash that is not taken; SHA-256, SHA-384 and SHA-512 are");
  }
  timestamp.imprint = bytes_of(TS_MSG_IMPRINT_get_msg(imprint));
  if (const ASN1_INTEGER* nonce = TS_TST_INFO_get_nonce(info)) timestamp.nonce = bytes_of(nonce);
  const auto when = instant_of(TS_TST_INFO_get_time(info));
  if (!when || TS_TST_INFO_get_version(info) != 1)
    return fail_hint(ErrorKind::verification, hint, "the timestamp is of another version, or states no time");
  timestamp.when = *when;
  return timestamp;
}

// OpenSSL finds the signer by name whatever its letters' case.
bool names_signer(const PKCS7* signed_data, const PKCS7_SIGNER_INFO* signer,
                  std::span<const Certificate> chain) {
  const std::string name = to_der_by<i2d_X509_NAME>(signer->issuer_and_serial->issuer);
  const auto is_signer = [&](const X509* certificate) {
    return ASN1_INTEGER_cmp(X509_get0_serialNumber(certificate), signer->issuer_and_serial->serial) == 0 &&
           to_der_by<i2d_X509_NAME>(X509_get_issuer_name(certificate)) == name;
  };
  const STACK_OF(X509)* carried = signed_data->d.sign->cert;
  for (int i = 0; i < sk_X509_num(carried); ++i)
    if (is_signer(sk_X509_value(carried, i))) return true;
  return std::any_of(chain.begin(), chain.end(),
                     [&](const Certificate& one) { return is_signer(one.state().x509.get()); });
}

// What OpenSSL passes over in the frame around what is signed: versions (RFC 5652, section 5.1: 3 for a
// TSTInfo), the name of the signature's algorithm, the signer's name.
Result<> check_frame(PKCS7* signed_data, std::span<const Certificate> chain) {
  const PKCS7_SIGNED* frame = signed_data->d.sign;
  PKCS7_SIGNER_INFO* signer = sk_PKCS7_SIGNER_INFO_value(frame->signer_info, 0);
  X509_ALGOR* digest = nullptr;
  X509_ALGOR* signature = nullptr;
  if (signer != nullptr) PKCS7_SIGNER_INFO_get0_algs(signer, nullptr, &digest, &signature);
  const ASN1_OBJECT* digest_name = nullptr;
  const ASN1_OBJECT* signature_name = nullptr;
  if (digest != nullptr) X509_ALGOR_get0(&digest_name, nullptr, nullptr, digest);
  if (signature != nullptr) X509_ALGOR_get0(&signature_name, nullptr, nullptr, signature);
  const int nid = OBJ_obj2nid(signature_name);
  int hash = NID_undef;
  int key = NID_undef;
  const bool named = OBJ_find_sigid_algs(nid, &hash, &key) == 1;
  const bool good = ASN1_INTEGER_get(frame->version) == 3 && signer != nullptr &&
                    ASN1_INTEGER_get(signer->version) == 1 &&
                    (named ? hash == OBJ_obj2nid(digest_name)
                           : nid == NID_rsaEncryption || nid == NID_X9_62_id_ecPublicKey) &&
                    names_signer(signed_data, signer, chain);
  if (!good)
    return fail_hint(ErrorKind::verification, hint, "the timestamp's frame does not fit its signature");
  return {};
}

// Certificates that come with a token are outside its signature. Those of the authority are known; another
// must lead to it: what nobody vouches for has no place in what is accepted.
Result<> check_carried(PKCS7* signed_data, std::span<const Certificate> chain, Instant when) {
  const STACK_OF(X509)* carried = signed_data->d.sign->cert;
  for (int i = 0; i < sk_X509_num(carried); ++i) {
    const auto certificate = TRY(Certificate::from_der(to_der_by<i2d_X509>(sk_X509_value(carried, i))));
    const bool known = std::any_of(chain.begin(), chain.end(), [&](const Certificate& other) {
      return other.to_der() == certificate.to_der();
    });
    if (!known &&
        !find_path(certificate, chain.first(chain.size() - 1), chain.last(1), when, Purpose::timestamping))
      return fail_hint(ErrorKind::verification, hint, "the timestamp carries a certificate of somebody else");
  }
  return {};
}

}  // namespace

Result<Timestamp> read_timestamp(std::string_view der) {
  const Opened opened = TRY(open_timestamp(der));
  return read_info(opened.info.get());
}

Result<Timestamp> verify_timestamp(std::string_view der, std::string_view message, const Tsa& authority) {
  const Opened opened = TRY(open_timestamp(der));
  Timestamp timestamp = TRY(read_info(opened.info.get()));
  const EVP_MD* method = method_named(timestamp.algorithm);
  std::string digest(static_cast<std::size_t>(EVP_MD_get_size(method)), '\0');
  EVP_Digest(message.data(), message.size(), raw(digest), nullptr, method, nullptr);
  if (digest != timestamp.imprint)
    return fail_hint(ErrorKind::verification, "the timestamp belongs to another signature",
                     "the timestamp is of other bytes");
  if (authority.chain.empty())
    return fail_hint(ErrorKind::verification, "give the authority's certificates in the trusted root",
                     "the timestamp authority has no certificate");
  const std::span<const Certificate> chain(authority.chain);
  const OwnedStore store = store_of(chain.last(1), timestamp.when);
  const OwnedX509Stack others = stack_of(chain.first(chain.size() - 1));
  const bool good = store != nullptr && others != nullptr &&
                    TS_RESP_verify_signature(opened.signed_data, others.get(), store.get(), nullptr) == 1;
  if (!good) {
    const char* data = nullptr;
    int flags = 0;
    ERR_peek_last_error_data(&data, &flags);
    const std::string detail = data != nullptr && (flags & ERR_TXT_STRING) != 0 ? data : "";
    return fail_hint(ErrorKind::verification,
                     "the trusted root must hold the authority that made it, valid at that time",
                     "the timestamp of {} is not by this authority: {}{}{}", to_text(timestamp.when),
                     take_openssl_error(), detail.empty() ? "" : ": ", printable(detail, 100));
  }
  ERR_clear_error();
  TRY(check_frame(opened.signed_data, chain));
  TRY(check_carried(opened.signed_data, chain, timestamp.when));
  return timestamp;
}

Result<std::string> make_timestamp_request(std::string_view message, std::string_view nonce) {
  std::string digest(32, '\0');
  EVP_Digest(message.data(), message.size(), raw(digest), nullptr, EVP_sha256(), nullptr);
  const OwnedRequest request(TS_REQ_new());
  const OwnedImprint imprint(TS_MSG_IMPRINT_new());
  const OwnedAlgorithm algorithm(X509_ALGOR_new());
  const OwnedNumber number(ASN1_INTEGER_new());
  bool good = request != nullptr && imprint != nullptr && algorithm != nullptr && number != nullptr &&
              ASN1_STRING_set(number.get(), nonce.data(), static_cast<int>(nonce.size())) == 1;
  if (good) X509_ALGOR_set_md(algorithm.get(), EVP_sha256());
  good = good && TS_REQ_set_version(request.get(), 1) == 1 &&
         TS_MSG_IMPRINT_set_algo(imprint.get(), algorithm.get()) == 1 &&
         TS_MSG_IMPRINT_set_msg(imprint.get(), raw(digest), static_cast<int>(digest.size())) == 1 &&
         TS_REQ_set_msg_imprint(request.get(), imprint.get()) == 1 &&
         TS_REQ_set_nonce(request.get(), number.get()) == 1 && TS_REQ_set_cert_req(request.get(), 0xff) == 1;
  std::string der = good ? to_der_by<i2d_TS_REQ>(request.get()) : std::string();
  ERR_clear_error();
  if (der.empty()) return fail(ErrorKind::bug, "the timestamp request cannot be written");
  return der;
}

}  // namespace tranche::crypto
