// The ecosystems of this build, one line each; ecosystems.cpp puts them in order.
#pragma once

#include "channel/ecosystem.hpp"

namespace tranche::channel {

Ecosystem electron();
Ecosystem apt();
Ecosystem tauri();
Ecosystem sparkle();
Ecosystem velopack();
Ecosystem squirrel();

}  // namespace tranche::channel
