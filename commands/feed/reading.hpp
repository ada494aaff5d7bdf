// A channel's published feeds, read as their clients read them: for predict and explain.
#pragma once

#include <memory>
#include <string>

#include "channel/ecosystem.hpp"
#include "spec/spec.hpp"
#include "store/store.hpp"

namespace tranche::commands {

struct FeedPlace {
  std::string feed_channel;  // a cohort's own file; empty: the channel's
  std::string platform;      // "linux/amd64"; empty: whatever is there
};
// kind invalid when the feed is unknown here, or has no file in the store yet.
Result<std::unique_ptr<channel::View>> read_feed(store::Store& store, const spec::Channel& channel,
                                                 const std::string& feed, const FeedPlace& place,
                                                 Instant now);

// "did you mean", or the list: for an unknown name after --feed.
Error unknown_feed(const spec::Channel& channel, const std::string& feed);

}  // namespace tranche::commands
