// Ranges of versions: ">=2.3", ">=2.3 <3", ">=2.3, !=2.4.1", "1.2.3". Parts are joined by blanks or commas,
// and all must hold; the order is that of base/version.hpp. A text that is no version is in no range.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche {

class VersionRange {
 public:
  [[nodiscard]] bool admits(std::string_view version) const;

 private:
  friend Result<VersionRange> parse_version_range(std::string_view text);
  enum class Is { equal, other, less, at_most, more, at_least };
  struct Part {
    Is is = Is::equal;
    std::string version;
  };
  std::vector<Part> parts_;
};

Result<VersionRange> parse_version_range(std::string_view text);  // kind invalid; at most 256 bytes

}  // namespace tranche
