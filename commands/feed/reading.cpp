#include "commands/feed/reading.hpp"

#include "base/text.hpp"

namespace tranche::commands {

Error unknown_feed(const spec::Channel& channel, const std::string& feed) {
  const std::string near = nearest(feed, channel.feeds);
  return {ErrorKind::invalid, fmt::format("channel '{}' has no feed '{}'", channel.name, printable(feed, 64)),
          near.empty() ? "there are: " + join(channel.feeds, ", ") : "did you mean '" + near + "'?"};
}

Result<std::unique_ptr<channel::View>> read_feed(store::Store& store, const spec::Channel& channel,
                                                 const std::string& feed, const FeedPlace& place,
                                                 Instant now) {
  const channel::Ecosystem* ecosystem = channel::find_ecosystem(feed);
  if (ecosystem == nullptr || !channel.has_feed(feed)) return fail(unknown_feed(channel, feed));
  channel::ReadInput input;
  input.fetch = [&store](const std::string& name, std::size_t max) -> Result<std::optional<std::string>> {
    auto blob = TRY(store.get(name, max));
    if (!blob) return std::optional<std::string>();
    return std::optional(std::move(blob->bytes));
  };
  input.channel = channel.name;
  input.feed_channel = place.feed_channel;
  input.platform = place.platform;
  input.client = channel.client(feed);
  input.now = now;
  auto view = TRY_WHILE("reading feed '" + feed + "' in " + store.describe(), ecosystem->read(input));
  if (view == nullptr)
    return fail_hint(ErrorKind::invalid, "start a rollout: tranche rollout start",
                     "feed '{}' of channel '{}' has no file{} in {} yet", feed, channel.name,
                     place.platform.empty() ? "" : " for " + printable(place.platform, 64), store.describe());
  return view;
}

}  // namespace tranche::commands
