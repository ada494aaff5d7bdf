// Reading what is published for Tauri. For the list of ecosystems and this room's tests.
#pragma once

#include "channel/ecosystem.hpp"

namespace tranche::channel {

Result<std::unique_ptr<View>> read_tauri(const ReadInput& input);

}  // namespace tranche::channel
