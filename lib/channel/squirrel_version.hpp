// Versions as Squirrel.Windows reads and orders them (src/Squirrel/NuGet/SemanticVersion.cs,
// ReleaseExtensions.cs): one to four numbers and a word without dots, "1.2.0-rc1", taken from the end of a
// package's name.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranche::channel {

struct SquirrelVersion {
  std::array<std::int32_t, 4> numbers{};
  std::string word;  // "rc1"; empty for a release
  std::string text;  // as written
};

// nullopt where the client throws.
std::optional<SquirrelVersion> parse_squirrel_version(std::string_view text);
// "MyCoolApp-1.2.0-beta1-delta.nupkg" → 1.2.0-beta1
std::optional<SquirrelVersion> squirrel_version_of(std::string_view file_name);
// Words that end in the same letters and a number are compared by the number, others without regard to case.
int compare_squirrel_versions(const SquirrelVersion& a, const SquirrelVersion& b);

}  // namespace tranche::channel
