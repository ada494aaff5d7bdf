// Licences as the SPDX specification 2.3 names them (annex D): ids of its list, and expressions of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranche::sbom {

// The id as the list spells it, whatever the case of `text`; empty when it is none.
std::string_view find_license_id(std::string_view text);
std::string_view find_exception_id(std::string_view text);

struct LicenseExpression {
  std::string text;               // ids as the list spells them, operators in capitals, single blanks
  std::vector<std::string> refs;  // "LicenseRef-..." and "DocumentRef-...:LicenseRef-..." in it
  bool compound = false;          // more than one id: wants parentheses beside an operator
};
// nullopt: no expression, or it names an id that is not in the list. At most 4096 bytes and 32 parentheses
// deep.
std::optional<LicenseExpression> parse_license_expression(std::string_view text);

}  // namespace tranche::sbom
