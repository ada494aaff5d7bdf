// What signing reads from others: identity tokens, signing configs, PKCS #11 URIs, certificates and
// timestamps. The first byte says which. No bytes may crash a reader; what it accepts holds what it promises.
// rooms: sigstore crypto
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "crypto/certificate.hpp"
#include "crypto/pkcs11_uri.hpp"
#include "sigstore/oidc.hpp"
#include "sigstore/signing_config.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      if (const auto token = sigstore::read_token(Secret(std::string(text))))
        if (token->subject.empty() || token->issuer.empty() || token->names.empty()) std::abort();
      break;
    case 1:
      if (const auto services = sigstore::parse_signing_config(text, Instant(std::chrono::days(20'000))))
        if (services->fulcio.empty() || services->logs.empty()) std::abort();
      break;
    case 2:
      if (const auto uri = crypto::parse_pkcs11_uri(text))
        if (!uri->object && !uri->id) std::abort();
      break;
    case 3:
      if (const auto certificate = crypto::Certificate::from_der(text)) {
        (void)certificate->names();
        (void)certificate->extension_text("1.3.6.1.4.1.57264.1.8");
        (void)certificate->subject();
        (void)certificate->public_key();
        (void)certificate->not_after();
        (void)crypto::check_scts(*certificate, *certificate, {});
      }
      break;
    default:
      if (const auto stamp = crypto::read_timestamp(text)) {
        if (stamp->imprint.size() > size) std::abort();
        (void)crypto::verify_timestamp(text, "message", {});
      }
      break;
  }
  return 0;
}
