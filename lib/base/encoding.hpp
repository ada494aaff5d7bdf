// hex and base64 (RFC 4648). Decoders are strict: no blanks, right padding, canonical trailing bits; they say
// nullopt.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tranche {

std::string to_hex(std::string_view bytes);                     // lower case
std::optional<std::string> from_hex(std::string_view text);     // either case
std::string to_base64(std::string_view bytes);                  // standard alphabet, padded
std::optional<std::string> from_base64(std::string_view text);  // standard alphabet, padded
std::string percent_encode(std::string_view text);              // RFC 3986 unreserved stay, all else %XX
std::optional<std::string> percent_decode(
    std::string_view text);  // nullopt on a broken escape; '+' is a plus

}  // namespace tranche
