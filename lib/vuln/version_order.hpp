// The order of versions is each ecosystem's own: "1.0-1" is below "1.0" for npm and above it for Debian. An
// advisory is only as good as the order its ranges are read in, so each has its own file, written from its
// specification.
//
// A text that is no version of its ecosystem has no order: nullopt, never "equal". Whoever asks decides what
// that means; the audit counts such a component as affected.
#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace tranche::vuln {

enum class Ecosystem {
  npm,
  go,
  cargo,
  pypi,
  debian,  // Ubuntu too
  rpm,     // every distribution of RPM packages
  maven,
  rubygems,
  nuget,
  packagist,
  semver,  // an ecosystem whose versions follow SemVer: Hex, Pub, SwiftURL, GitHub Actions, Julia
  other    // no known order
};

inline constexpr std::size_t max_version_bytes = 256;

// nullopt: one of them is no version there, or is longer than max_version_bytes.
std::optional<std::strong_ordering> compare_versions(Ecosystem ecosystem, std::string_view a,
                                                     std::string_view b);

using VersionOrder = std::optional<std::strong_ordering> (*)(std::string_view, std::string_view);

// semver.org item 11, over one to four numbers with an optional "v": npm, cargo, and Go with its
// pseudo-versions (go.dev/ref/mod#versions), which are made to sort as SemVer; "+incompatible" is build
// metadata.
std::optional<std::strong_ordering> compare_semver(std::string_view a, std::string_view b);
// PEP 440, with its normalisations.
std::optional<std::strong_ordering> compare_pypi(std::string_view a, std::string_view b);
// deb-version(7).
std::optional<std::strong_ordering> compare_debian(std::string_view a, std::string_view b);
// rpm-version(7): [epoch:]version[-release] by rpmvercmp, '~' below and '^' above the end.
std::optional<std::strong_ordering> compare_rpm(std::string_view a, std::string_view b);
// maven.apache.org/pom.html, "Version Order Specification".
std::optional<std::strong_ordering> compare_maven(std::string_view a, std::string_view b);
// Gem::Version of RubyGems.
std::optional<std::strong_ordering> compare_rubygems(std::string_view a, std::string_view b);
// learn.microsoft.com "NuGet package versioning": SemVer 2, four numbers, pre-releases without case.
std::optional<std::strong_ordering> compare_nuget(std::string_view a, std::string_view b);
// Composer: numbers, then dev < alpha < beta < RC < stable < patch.
std::optional<std::strong_ordering> compare_packagist(std::string_view a, std::string_view b);

}  // namespace tranche::vuln
