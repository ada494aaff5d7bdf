// Between the files of the electron feed. Private to them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "channel/ecosystem.hpp"
#include "channel/electron_facts.hpp"

namespace tranche::channel {

// The ymls that electron-updater may ask for, by platform: Windows, macOS, Linux x64, arm64, arm, ia32.
inline constexpr std::array<std::string_view, 6> electron_suffixes{
    "", "-mac", "-linux", "-linux-arm64", "-linux-arm", "-linux-ia32"};

// What electron-updater calls our channel: as the app was built, else "latest" for stable, else the same.
std::string electron_channel(const std::string& channel, const spec::Client& client);

// One yml. `percent` absent: for everyone.
struct ElectronYml {
  std::string version;
  const ElectronPlatform& platform;
  std::optional<unsigned> percent;
  Instant created{};
};
std::string electron_yml(const ElectronYml& yml);
// A yml that offers nothing to anybody.
std::string empty_electron_yml(const std::string& version);

Result<std::string> describe_electron(const DescribeInput& input);
Result<Written> write_electron(const WriteInput& input);
Result<std::unique_ptr<View>> read_electron(const ReadInput& input);

}  // namespace tranche::channel
