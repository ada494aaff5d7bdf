// What comes after the pointers of a channel have moved: latest/ for the download page, and the CDN's hook.
#pragma once

#include "actions/deck.hpp"

namespace tranche::actions {

// Trouble here undoes no decision and stops none: it is journalled once for each sequence of the feed
// ("channel.follow-up-failed"), and the next publish tries again.
void follow_up(Deck& deck, const spec::Channel& channel, const ChannelState& state);

}  // namespace tranche::actions
