// Asking a timestamp authority (RFC 3161, section 3.4: over HTTP).
#pragma once

#include <string>
#include <string_view>

#include "sigstore/services.hpp"

namespace tranche::sigstore {

// The DER of the answer, which is over `signature` and carries our nonce. Whether the authority is believed
// is not checked here. kind verification, kind failed.
Result<std::string> request_timestamp(ports::World& world, const std::string& url,
                                      std::string_view signature);

}  // namespace tranche::sigstore
