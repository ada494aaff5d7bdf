// PKCS #11 URIs (RFC 7512): which key in which token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::crypto {

// Absent members match anything. `id` is bytes.
struct Pkcs11Uri {
  std::optional<std::string> token, manufacturer, serial, model;
  std::optional<std::string> object, id;
};

// kind invalid: another scheme, a broken escape, an attribute twice or one that is not known, an object type
// other than private, neither object nor id. Refused with a hint: pin-value and pin-source (a PIN is named by
// reference), module-path and module-name (the file that says them may be a stranger's, and a module is code;
// x- attributes likewise).
Result<Pkcs11Uri> parse_pkcs11_uri(std::string_view uri);

}  // namespace tranche::crypto
