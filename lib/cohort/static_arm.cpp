#include "cohort/static_arm.hpp"

#include <string>

#include "cohort/clients.hpp"

namespace tranche::cohort {

Placement place(const Directions& directions, const Device& device, std::string_view feed) {
  Placement placement = place(directions, device);
  if (feed.empty() || feed == "tranche" || placement.arm == Arm::none) return placement;
  // Everyone is reached by every file: both sides agree.
  if (placement.stratum == Percent::whole) return placement;
  const bool electron = feed == "electron", squirrel = feed == "squirrel";
  if ((!electron && !squirrel) || !parse_uuid(device.id)) return {};
  const Percent written = reach(*find_client(feed), Percent{placement.stratum}).written;
  const int percent = static_cast<int>(written.ppm / (Percent::whole / 100));
  const bool in =
      electron ? electron_admits(device.id, std::to_string(percent)) : squirrel_admits(device.id, percent);
  placement.stratum = written.ppm;
  placement.arm = in ? Arm::canary : Arm::control;
  return placement;
}

}  // namespace tranche::cohort
