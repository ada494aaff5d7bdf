// The order of versions that Sparkle's clients use (Sparkle/SUStandardVersionComparator.m, since 2.2):
// numbers and words in turn, "1.0" equals "1.0.0", a word is older than its absence ("1.0b1" < "1.0"), and
// whatever follows a dash is not looked at ("1.2.0-rc.1" equals "1.2.0").
#pragma once

#include <string_view>

namespace tranche {

// < 0, 0, > 0 on any text. Digits, blanks and punctuation are ASCII's; other bytes are letters.
int compare_sparkle_versions(std::string_view a, std::string_view b);

}  // namespace tranche
