// A package that somebody built: any bytes as a .deb, and as the control file in it. rooms: artifact
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "artifact/debian_package.hpp"
#include "base/debian_version.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto& package : {artifact::parse_debian_package(bytes), artifact::parse_control(bytes)}) {
    if (!package) continue;
    if (!valid_debian_version(package->version) || !valid_debian_version(package->source_version))
      std::abort();
    if (package->control.size() > artifact::max_control_bytes) std::abort();
    // What was read reads again as the same.
    const auto again = artifact::parse_control(package->control);
    if (!again || again->control != package->control || again->source != package->source) std::abort();
  }
  return 0;
}
