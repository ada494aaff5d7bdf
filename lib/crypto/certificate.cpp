// One certificate: read, and asked what it says.
#include "crypto/certificate.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "base/text.hpp"
#include "crypto/certificate_state.hpp"
#include "crypto/pem.hpp"
#include "crypto/public_key_state.hpp"

namespace tranche::crypto {

namespace {

constexpr std::size_t max_certificate_bytes = 64 * 1024;
constexpr std::size_t max_chain = 16;
constexpr const char* fulcio_name = "1.3.6.1.4.1.57264.1.7";

using OwnedObject = std::unique_ptr<ASN1_OBJECT, FreeBy<ASN1_OBJECT_free>>;
using OwnedNames = std::unique_ptr<GENERAL_NAMES, FreeBy<GENERAL_NAMES_free>>;
using OwnedText = std::unique_ptr<ASN1_UTF8STRING, FreeBy<ASN1_UTF8STRING_free>>;

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

}  // namespace

std::optional<Instant> instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  Instant instant{std::chrono::seconds(timegm(&parts))};
  // 20260115224924.925Z: OpenSSL drops what follows the point.
  const std::string text = text_of(time);
  const std::size_t point = text.find('.');
  int scale = 100;
  for (std::size_t i = point; i < text.size() && ++i < text.size() && scale > 0; scale /= 10) {
    if (text[i] < '0' || text[i] > '9') break;
    instant += std::chrono::milliseconds((text[i] - '0') * scale);
  }
  return instant;
}

Result<Certificate> Certificate::from_der(std::string_view der) {
  const std::string hint = "it must be one X.509 certificate in DER";
  if (der.empty() || der.size() > max_certificate_bytes)
    return fail_hint(ErrorKind::verification, hint, "{} bytes are no certificate", der.size());
  const unsigned char* at = raw(der);
  OwnedX509 x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (x509 == nullptr)
    return fail_hint(ErrorKind::verification, hint, "the certificate cannot be read: {}",
                     take_openssl_error());
  if (at != raw(der) + der.size())
    return fail_hint(ErrorKind::verification, hint, "bytes follow the certificate");
  // Reads the extensions, which verifying relies on.
  if (X509_check_purpose(x509.get(), -1, 0) != 1) {
    ERR_clear_error();
    return fail_hint(ErrorKind::verification, hint, "the certificate has extensions that cannot be read");
  }
  if (!instant_of(X509_get0_notBefore(x509.get())) || !instant_of(X509_get0_notAfter(x509.get())))
    return fail_hint(ErrorKind::verification, hint, "the certificate has no validity that can be read");
  auto state = std::make_shared<State>();
  state->x509 = std::move(x509);
  state->der = std::string(der);
  return Certificate(std::move(state));
}

Result<std::vector<Certificate>> Certificate::chain_from_pem(std::string_view pem) {
  const std::string hint = "it must hold -----BEGIN CERTIFICATE-----";
  if (pem.size() > max_chain * max_certificate_bytes)
    return fail_hint(ErrorKind::verification, hint, "{} bytes of PEM are no certificate chain", pem.size());
  const PemText text = read_pem_blocks(pem);
  std::vector<Certificate> chain;
  for (const PemBlock& block : text.blocks) {
    if (block.label != PEM_STRING_X509) continue;
    if (chain.size() == max_chain)
      return fail_hint(ErrorKind::verification, hint, "more than {} certificates", max_chain);
    chain.push_back(TRY(from_der(block.der.expose())));
  }
  if (text.broken || chain.empty())
    return fail_hint(ErrorKind::verification, hint, "{}",
                     text.broken ? "a block of the PEM is broken" : "there is no certificate in the PEM");
  return chain;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) { return TRY(chain_from_pem(pem)).front(); }

std::string Certificate::to_der() const { return state_->der; }
std::string Certificate::to_pem() const {
  return std::string(write_pem(PEM_STRING_X509, state_->der).expose());
}

Result<AnyPublicKey> Certificate::public_key() const {
  OwnedKey key(X509_get_pubkey(state_->x509.get()));
  if (key == nullptr)
    return fail_hint(ErrorKind::verification, "ask whoever made the certificate",
                     "the certificate's key cannot be read: {}", take_openssl_error());
  std::string der = to_der_by<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(state_->x509.get()));
  return adopt_key(std::move(key), std::move(der));
}

Instant Certificate::not_before() const { return *instant_of(X509_get0_notBefore(state_->x509.get())); }
Instant Certificate::not_after() const { return *instant_of(X509_get0_notAfter(state_->x509.get())); }

std::string Certificate::subject() const {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  if (bio == nullptr ||
      X509_NAME_print_ex(bio.get(), X509_get_subject_name(state_->x509.get()), 0, XN_FLAG_RFC2253) < 0)
    return {};
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

bool Certificate::is_authority() const { return X509_check_ca(state_->x509.get()) == 1; }
bool Certificate::self_signed() const { return X509_self_signed(state_->x509.get(), 0) == 1; }

std::vector<std::string> Certificate::names() const {
  std::vector<std::string> names;
  const OwnedNames list(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(state_->x509.get(), NID_subject_alt_name, nullptr, nullptr)));
  const OwnedObject fulcio(OBJ_txt2obj(fulcio_name, 1));
  for (int i = 0; list != nullptr && i < sk_GENERAL_NAME_num(list.get()); ++i) {
    int kind = 0;
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list.get(), i);
    const void* value = GENERAL_NAME_get0_value(name, &kind);
    if (kind == GEN_EMAIL || kind == GEN_URI)
      names.push_back(text_of(static_cast<const ASN1_STRING*>(value)));
    if (kind != GEN_OTHERNAME) continue;
    ASN1_OBJECT* type = nullptr;
    ASN1_TYPE* other = nullptr;
    if (GENERAL_NAME_get0_otherName(name, &type, &other) == 1 && OBJ_cmp(type, fulcio.get()) == 0 &&
        other != nullptr && other->type == V_ASN1_UTF8STRING)
      names.push_back(text_of(other->value.utf8string));
  }
  ERR_clear_error();
  return names;
}

std::optional<std::string> Certificate::extension_text(std::string_view oid) const {
  const OwnedObject object(OBJ_txt2obj(std::string(oid).c_str(), 1));
  X509* x509 = state_->x509.get();
  const int at = object == nullptr ? -1 : X509_get_ext_by_OBJ(x509, object.get(), -1);
  // One that is there twice would say two things: it says nothing.
  if (at < 0 || X509_get_ext_by_OBJ(x509, object.get(), at) >= 0) return std::nullopt;
  const std::string bytes = text_of(X509_EXTENSION_get_data(X509_get_ext(x509, at)));
  const unsigned char* read = raw(bytes);
  const OwnedText text(d2i_ASN1_UTF8STRING(nullptr, &read, static_cast<long>(bytes.size())));
  ERR_clear_error();
  if (text != nullptr && read == raw(bytes) + bytes.size()) return text_of(text.get());
  return bytes;
}

}  // namespace tranche::crypto
