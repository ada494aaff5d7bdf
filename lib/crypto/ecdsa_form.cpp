#include "crypto/ecdsa_form.hpp"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "crypto/openssl_handles.hpp"

namespace tranche::crypto {
namespace {

using OwnedEcSignature = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;

std::unexpected<Error> bad_form() {
  return fail_hint(ErrorKind::verification, "sign again", "this is no ECDSA signature of that size");
}

}  // namespace

Result<std::string> ecdsa_pair(std::string_view der, std::size_t scalar_bytes) {
  const unsigned char* at = raw(der);
  const OwnedEcSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  const int half = static_cast<int>(scalar_bytes);
  std::string pair(2 * scalar_bytes, '\0');
  if (signature == nullptr || at != raw(der) + der.size() ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw(pair), half) != half ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw(pair) + half, half) != half) {
    ERR_clear_error();
    return bad_form();
  }
  return pair;
}

Result<std::string> ecdsa_der(std::string_view pair) {
  const auto half = static_cast<int>(pair.size() / 2);
  const OwnedEcSignature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(raw(pair), half, nullptr);
  BIGNUM* s = BN_bin2bn(raw(pair) + half, half, nullptr);
  if (signature == nullptr || pair.empty() || pair.size() % 2 != 0 ||
      ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return bad_form();
  }
  return to_der_by<i2d_ECDSA_SIG>(signature.get());
}

}  // namespace tranche::crypto
