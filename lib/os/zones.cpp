// Time zones by Abseil, which reads the machine's /usr/share/zoneinfo. Its zones are kept until the process
// ends, so a hostile list of names is bounded by the grammar of tranche.yaml.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <absl/time/time.h>
#pragma GCC diagnostic pop

#include "base/text.hpp"
#include "os/world.hpp"

namespace tranche::os {
namespace {

class RealZones final : public ports::Zones {
 public:
  Result<Duration> offset(const std::string& zone, Instant at) override {
    absl::TimeZone found;
    // A name that begins with a slash or climbs would be read as a file of the machine.
    const bool path = zone.empty() || zone.starts_with('/') || zone.find("..") != std::string::npos ||
                      zone.find(':') != std::string::npos || zone.size() > 64;
    if (path || !absl::LoadTimeZone(zone, &found))
      return fail_hint(ErrorKind::invalid,
                       "a name like Europe/Berlin, or UTC; the package tzdata must be installed",
                       "there is no time zone '{}' on this machine", printable(zone, 64));
    return std::chrono::seconds(found.At(absl::FromChrono(at)).offset);
  }
};

}  // namespace

std::unique_ptr<ports::Zones> make_zones() { return std::make_unique<RealZones>(); }

}  // namespace tranche::os
