// Versions of Debian packages: [epoch:]upstream[-revision], in the order of deb-version(7). dpkg and APT
// agree on it; SemVer does not: "1.0~rc1" is below "1.0", "1.0-rc1" above it.
#pragma once

#include <string_view>

namespace tranche {

// As Debian Policy 5.6.12 has it: an epoch of digits that fits an int, an upstream version that begins with a
// digit, then [A-Za-z0-9.+~-] (and ':' behind an epoch), a revision of [A-Za-z0-9.+~]. At most 256 bytes.
bool valid_debian_version(std::string_view text);

// < 0, 0, > 0. Any two texts compare, also such as are no versions: a missing epoch is 0, a missing revision
// is equal to "0", letters sort before other signs, '~' before the end of the text. Digits of any length.
int compare_debian_versions(std::string_view a, std::string_view b);

}  // namespace tranche
