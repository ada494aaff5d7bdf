#include "commands/served.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cohort/clients.hpp"

namespace tranche::commands {

std::vector<cohort::FeedChannel> feed_channels(const spec::App& app) {
  std::vector<cohort::FeedChannel> channels;
  for (const spec::Cohort& one : app.cohorts) {
    if (one.feed_channel.empty()) continue;
    const auto known = std::ranges::find(channels, one.feed_channel, &cohort::FeedChannel::name);
    if (known == channels.end())
      channels.push_back({one.feed_channel, one.match, one.devices});
    else
      *known = {one.feed_channel, {}, {}};
  }
  return channels;
}

bool is_served(const spec::Channel& channel, const std::string& feed) {
  const cohort::Capabilities* client = cohort::find_client(feed);
  return feed != "tranche" && channel.on_unsupported == spec::Channel::OnUnsupported::serve &&
         client != nullptr && client->servable && channel.has_feed(feed);
}

Result<cohort::Served> served_feed(const spec::App& app, const spec::Channel& channel,
                                   const std::string& feed, const std::string& feed_channel,
                                   const cohort::Directions& directions) {
  if (!is_served(channel, feed))
    return fail_hint(
        ErrorKind::invalid,
        "leave --served out, or let the server decide: on-unsupported: serve (electron, velopack "
        "and tauri)",
        "feed '{}' of channel '{}' is decided by its files", printable(feed, 40), channel.name);
  cohort::FeedChannel reads;
  if (!feed_channel.empty()) {
    const auto known = feed_channels(app);
    const auto found = std::ranges::find(known, feed_channel, &cohort::FeedChannel::name);
    if (found == known.end())
      return fail_hint(ErrorKind::invalid, "name the feed-channel of a cohort",
                       "no cohort of app '{}' has feed-channel '{}'", app.name, printable(feed_channel, 40));
    reads = *found;
  }
  const spec::Client client = channel.client(feed);
  return cohort::Served(directions, reads,
                        {client.allow_downgrade, client.manual_checks == spec::Client::ManualChecks::allow});
}

}  // namespace tranche::commands
