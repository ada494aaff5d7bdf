// What the signal handler leaves behind for the other doors of this room.
#pragma once

namespace tranche::os {

bool interrupt_seen();
// Readable from the first interrupt on and never drained, so that it wakes every sleeper; -1 before
// install_signal_handlers().
int interrupt_descriptor();

}  // namespace tranche::os
