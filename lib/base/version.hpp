// Versions: SemVer 2.0.0 precedence (semver.org, item 11), lenient to one to four numeric parts ("1",
// "1.2.3.4"; missing parts are 0), strict in all else: no leading zeros, no "v", at most 128 bytes.
#pragma once

#include <string_view>

namespace tranche {

bool valid_version(std::string_view text);

// < 0, 0, > 0. Build metadata is ignored, so "1.0.0+a" and "1.0.0+b" are equal in order. A text that is no
// version sorts below every version, and such texts among themselves by bytes: a total order on any input.
int compare_versions(std::string_view a, std::string_view b);

}  // namespace tranche
