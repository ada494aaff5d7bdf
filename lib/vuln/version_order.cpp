#include "vuln/version_order.hpp"

#include "base/debian_version.hpp"
#include "base/version.hpp"

namespace tranche::vuln {

std::optional<std::strong_ordering> compare_semver(std::string_view a, std::string_view b) {
  for (std::string_view* const text : {&a, &b})
    if (text->starts_with('v') || text->starts_with('V')) text->remove_prefix(1);
  if (!valid_version(a) || !valid_version(b)) return std::nullopt;
  return tranche::compare_versions(a, b) <=> 0;
}

std::optional<std::strong_ordering> compare_debian(std::string_view a, std::string_view b) {
  if (!valid_debian_version(a) || !valid_debian_version(b)) return std::nullopt;
  return compare_debian_versions(a, b) <=> 0;
}

std::optional<std::strong_ordering> compare_versions(Ecosystem ecosystem, std::string_view a,
                                                     std::string_view b) {
  if (a.size() > max_version_bytes || b.size() > max_version_bytes) return std::nullopt;
  switch (ecosystem) {
    case Ecosystem::npm:
    case Ecosystem::go:
    case Ecosystem::cargo:
    case Ecosystem::semver:
      return compare_semver(a, b);
    case Ecosystem::pypi:
      return compare_pypi(a, b);
    case Ecosystem::debian:
      return compare_debian(a, b);
    case Ecosystem::rpm:
      return compare_rpm(a, b);
    case Ecosystem::maven:
      return compare_maven(a, b);
    case Ecosystem::rubygems:
      return compare_rubygems(a, b);
    case Ecosystem::nuget:
      return compare_nuget(a, b);
    case Ecosystem::packagist:
      return compare_packagist(a, b);
    case Ecosystem::other:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace tranche::vuln
