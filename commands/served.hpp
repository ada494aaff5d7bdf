// Which feeds `tranche serve` decides, and what it gives: for serve, predict and explain.
#pragma once

#include <string>
#include <vector>

#include "channel/feed.hpp"
#include "cohort/served.hpp"
#include "spec/spec.hpp"

namespace tranche::commands {

// Who reads a cohort's own file belongs to it. Two cohorts that share a file are told apart by nothing: such
// a file says no more than the channel's own.
std::vector<cohort::FeedChannel> feed_channels(const spec::App& app);

// on-unsupported: serve, and the feed's clients send an id.
bool is_served(const spec::Channel& channel, const std::string& feed);
// What the readers of one file of a served feed are given. kind invalid: the feed is not served, or no cohort
// has that feed-channel.
Result<cohort::Served> served_feed(const spec::App& app, const spec::Channel& channel,
                                   const std::string& feed, const std::string& feed_channel,
                                   const cohort::Directions& directions);

}  // namespace tranche::commands
