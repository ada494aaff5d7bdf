// A path of certificates at a moment in time, by OpenSSL's X509_verify_cert.
//
// Two of its habits are set right: a certificate is good up to and including its last second (RFC 5280,
// section 4.1.2.5; OpenSSL stops one before), and code signing is asked for here, OpenSSL 3.0 having no such
// purpose.
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/text.hpp"
#include "crypto/certificate_state.hpp"

namespace tranche::crypto {

namespace {

using OwnedStoreContext = std::unique_ptr<X509_STORE_CTX, FreeBy<X509_STORE_CTX_free>>;

constexpr int auth_level = 2;  // 112 bits: no SHA-1, no RSA below 2048 bits
constexpr int max_depth = 8;

int allow_last_second(int good, X509_STORE_CTX* context) {
  if (good == 1 || X509_STORE_CTX_get_error(context) != X509_V_ERR_CERT_HAS_EXPIRED) return good;
  const X509* certificate = X509_STORE_CTX_get_current_cert(context);
  const time_t when = X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(context));
  if (certificate == nullptr || ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), when) != 0) return good;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

// `leaf`: must say that it is for code signing; an authority that says what it is for must say this too.
Result<> check_code_signing(X509* certificate, bool leaf) {
  const std::uint32_t uses = X509_get_extended_key_usage(certificate);
  const bool says = uses != UINT32_MAX;
  const bool allowed = says && (uses & (XKU_CODE_SIGN | (leaf ? 0U : std::uint32_t{XKU_ANYEKU}))) != 0;
  if (!allowed && (leaf || says))
    return fail_hint(ErrorKind::verification, "ask for a certificate with the extended key usage codeSigning",
                     "{} certificate is not for code signing", leaf ? "the" : "an authority's");
  if (leaf && (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) == 0)
    return fail_hint(ErrorKind::verification, "ask for a certificate with the key usage digitalSignature",
                     "the certificate is not for signatures");
  return {};
}

}  // namespace

OwnedX509Stack stack_of(std::span<const Certificate> certificates) {
  OwnedX509Stack stack(sk_X509_new_null());
  for (const Certificate& certificate : certificates)
    if (stack != nullptr &&
        X509_add_cert(stack.get(), certificate.state().x509.get(), X509_ADD_FLAG_UP_REF) != 1)
      stack.reset();
  return stack;
}

OwnedStore store_of(std::span<const Certificate> roots, Instant when) {
  OwnedStore store(X509_STORE_new());
  if (store == nullptr) return store;
  for (const Certificate& root : roots)
    if (X509_STORE_add_cert(store.get(), root.state().x509.get()) != 1) return nullptr;
  X509_VERIFY_PARAM* param = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(param,
                             std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count());
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_auth_level(param, auth_level);
  X509_VERIFY_PARAM_set_depth(param, max_depth);
  X509_STORE_set_verify_cb(store.get(), allow_last_second);
  return store;
}

Result<std::vector<Certificate>> find_path(const Certificate& leaf,
                                           std::span<const Certificate> intermediates,
                                           std::span<const Certificate> roots, Instant when,
                                           Purpose purpose) {
  const std::string hint = "the trusted root must hold the authority that issued it, valid at that time";
  const OwnedStore store = store_of(roots, when);
  const OwnedX509Stack untrusted = stack_of(intermediates);
  const OwnedStoreContext context(X509_STORE_CTX_new());
  if (store == nullptr || untrusted == nullptr || context == nullptr ||
      X509_STORE_CTX_init(context.get(), store.get(), leaf.state().x509.get(), untrusted.get()) != 1)
    return fail_hint(ErrorKind::verification, hint, "no path can be looked for: {}", take_openssl_error());
  if (purpose == Purpose::timestamping)
    X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_TIMESTAMP_SIGN);
  const int good = X509_verify_cert(context.get());
  ERR_clear_error();
  if (good != 1) {
    const X509* at = X509_STORE_CTX_get_current_cert(context.get());
    const int depth = X509_STORE_CTX_get_error_depth(context.get());
    return fail_hint(
        ErrorKind::verification, hint, "no path at {} from '{}': {}{}", to_text(when),
        printable(leaf.subject(), 100),
        X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())),
        at != nullptr && depth > 0 ? fmt::format(" (certificate {} of the path)", depth + 1) : "");
  }
  const STACK_OF(X509)* found = X509_STORE_CTX_get0_chain(context.get());
  std::vector<Certificate> path;
  for (int i = 0; i < sk_X509_num(found); ++i) {
    X509* certificate = sk_X509_value(found, i);
    const bool anchor = i > 0 && i == sk_X509_num(found) - 1;
    if (purpose == Purpose::code_signing && !anchor) TRY(check_code_signing(certificate, i == 0));
    path.push_back(TRY(Certificate::from_der(to_der_by<i2d_X509>(certificate))));
  }
  return path;
}

}  // namespace tranche::crypto
