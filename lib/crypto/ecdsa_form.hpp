// The two forms of an ECDSA signature: DER (X.509 and most others) and r ‖ s (JSON Web Signatures, RFC 7518,
// section 3.4).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::crypto {

// `scalar_bytes`: of each half, 32 for P-256. kind verification: no DER signature, or a scalar that is
// longer.
Result<std::string> ecdsa_pair(std::string_view der, std::size_t scalar_bytes);
// kind verification when the halves do not make one.
Result<std::string> ecdsa_der(std::string_view pair);

}  // namespace tranche::crypto
