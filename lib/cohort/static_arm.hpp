// The arm of a device whose own updater decides over a static file. PURE.
//
// `place` assumes the native feed's bucket. Another updater throws its own dice: an arm by the bucket would
// mix exposed and unexposed devices in both arms alike, and a gate would find any release harmless.
#pragma once

#include <string_view>

#include "cohort/decide.hpp"

namespace tranche::cohort {

// `feed`: what the device reads; empty or "tranche": as place(). `device.id` is the id that its updater
// buckets by. electron and squirrel: the share of the device's stratum rounded down as their files say it,
// and their own arithmetic over the id. All else (apt and sparkle bucket by what no check-in tells; tauri and
// velopack have no dice), and an id that is no UUID: no arm, except where everyone is reached.
Placement place(const Directions& directions, const Device& device, std::string_view feed);

}  // namespace tranche::cohort
