// Who vouched for the identity in a certificate: Fulcio's extensions (sigstore/fulcio, docs/oid-info.md) name
// the OIDC issuer in two generations.
#pragma once

#include <optional>
#include <string>

#include "crypto/certificate.hpp"

namespace tranche::sigstore {

inline std::optional<std::string> issuer_of(const crypto::Certificate& certificate) {
  auto issuer = certificate.extension_text("1.3.6.1.4.1.57264.1.8");
  return issuer ? issuer : certificate.extension_text("1.3.6.1.4.1.57264.1.1");
}

}  // namespace tranche::sigstore
