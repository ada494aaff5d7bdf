// Fulcio's API v2 (sigstore/fulcio, fulcio.proto): a short-lived certificate for a key and an identity token.
#pragma once

#include <vector>

#include "crypto/certificate.hpp"
#include "crypto/signer.hpp"
#include "sigstore/oidc.hpp"
#include "sigstore/services.hpp"

namespace tranche::sigstore {

// Leaf first. Checked before it is handed back: the leaf is for this key, for a name of the token, says the
// token's issuer, and carries at least one transparency timestamp: one that Fulcio hands out beside the
// certificate (a detached SCT) is refused, bundles having no place for it. Whether the authority is believed
// is not checked here. kind verification then; kind failed when Fulcio refuses.
Result<std::vector<crypto::Certificate>> request_certificate(ports::World& world, const std::string& url,
                                                             const IdentityToken& token,
                                                             crypto::Signer& signer);

}  // namespace tranche::sigstore
