// A CDN's hook, called after the pointers have moved, so that it forgets what it holds.
#pragma once

#include <cstdint>
#include <string>

#include "ports/ports.hpp"
#include "spec/spec.hpp"
#include "store/store.hpp"

namespace tranche::channel {

// What was purged last, in the store: a run that is killed between the pointer and the hook calls it later.
inline constexpr std::string_view purged_name = "tranche/v1/purged.json";

// Calls the hook unless it was called for this sequence of the feed already; false: it was, or there is none.
// Three tries on errors that pass, 10 s each. A POST or PUT carries {"app","channel","sequence"}; any answer
// of 2xx is good. kind failed otherwise: the next call tries again.
Result<bool> purge_cdn(ports::World& world, const std::string& repository, const std::string& app,
                       const spec::Channel& channel, store::Store& store, std::uint64_t sequence);

}  // namespace tranche::channel
