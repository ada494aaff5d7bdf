// From what tranche.yaml says to an open store: the state (git branch, directory or bucket) and the channels.
#pragma once

#include <memory>
#include <string>

#include "ports/ports.hpp"
#include "spec/spec.hpp"
#include "store/store.hpp"

namespace tranche::actions {

// $XDG_CACHE_HOME/tranche or ~/.cache/tranche; what is in it can be lost without harm.
Result<std::string> cache_directory(ports::World& world);
// $XDG_STATE_HOME/tranche or ~/.local/state/tranche: the newest checkpoints seen; losing it loses a
// protection.
Result<std::string> memory_directory(ports::World& world);

// Where this machine remembers the newest checkpoint it saw of a log.
Result<std::string> memory_path(ports::World& world, const store::Store& state, const std::string& repository,
                                const std::string& origin);

// `repository` is the checkout; relative directories start there; empty: there is none, and they are kind
// invalid. Keys of buckets and tokens are read here.
Result<std::unique_ptr<store::Store>> open_state(ports::World& world, const std::string& repository,
                                                 const spec::State& state);
Result<std::unique_ptr<store::Store>> open_channel(ports::World& world, const std::string& repository,
                                                   const spec::Channel& channel);

}  // namespace tranche::actions
