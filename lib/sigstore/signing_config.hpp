// Sigstore's signing_config.json v0.2 (sigstore/protobuf-specs, sigstore_trustroot.proto, SigningConfig):
// which services a client should use now.
#pragma once

#include <string_view>

#include "base/time.hpp"
#include "sigstore/services.hpp"

namespace tranche::sigstore {

inline constexpr std::size_t max_signing_config_bytes = 1 << 20;

// Of the services in their validity at `now` and of a version that we speak: one an operator, the highest
// version and then the newest; ordered newest first. Of these ANY takes the first, EXACT the first `count`,
// ALL all. kind invalid: another media type, an unknown selector, fewer than EXACT asks for, no certificate
// authority.
Result<Services> parse_signing_config(std::string_view json, Instant now);

}  // namespace tranche::sigstore
