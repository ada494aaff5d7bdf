// A gate over one's own history: where it would have stopped past releases.
#pragma once

#include "commands/command.hpp"
#include "commands/gate/shared.hpp"

namespace tranche::commands {

// gate replay NAME --source S with --releases last-N or --windows FILE.
Result<Outcome> back_test(const Options& options, Context& context, const FoundGate& found);

}  // namespace tranche::commands
