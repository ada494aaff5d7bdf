// An appcast as Sparkle's client understands it. Asker.id is the decimal SUUpdateGroupIdentifier of the host;
// a group, 0 to 6, says the same. What the host's system is, nobody knows here: it is taken for newer than
// all that the feed names.
#pragma once

#include <string>

#include "channel/ecosystem.hpp"

namespace tranche::channel {

// "appcast.xml", or what `client.channel` says.
std::string appcast_name(const spec::Client& client);
Result<std::unique_ptr<View>> read_appcast(const ReadInput& input);

}  // namespace tranche::channel
