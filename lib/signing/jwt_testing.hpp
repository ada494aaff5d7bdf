// Tokens and key sets made for a test: ES256 with an ephemeral key.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "base/encoding.hpp"
#include "crypto/ecdsa_form.hpp"
#include "crypto/signer.hpp"
#include "doc/value.hpp"
#include "signing/jwt.hpp"

namespace tranche::signing::testing {

inline std::string base64url(std::string_view bytes) {
  std::string text = to_base64(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  while (text.ends_with('=')) text.pop_back();
  return text;
}

struct Provider {
  std::unique_ptr<crypto::Signer> signer = std::move(*crypto::make_ephemeral_signer());
  std::string kid = "key-1";

  [[nodiscard]] std::string jwks() const {
    const std::vector<JsonWebKey> keys{{kid, signer->public_key()}};
    return to_jwks(keys);
  }
  // Of the parts as they are, signed.
  [[nodiscard]] std::string sign(const std::string& header, const std::string& claims) const {
    const std::string message = base64url(header) + "." + base64url(claims);
    return message + "." + base64url(*crypto::ecdsa_pair(*signer->sign(message), 32));
  }
  [[nodiscard]] std::string token(const doc::Value& claims) const {
    return sign("{\"alg\":\"ES256\",\"kid\":\"" + kid + "\",\"typ\":\"JWT\"}", doc::to_json(claims));
  }
};

}  // namespace tranche::signing::testing
