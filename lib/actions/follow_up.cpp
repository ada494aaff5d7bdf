#include "actions/follow_up.hpp"

#include <algorithm>

#include "actions/releases.hpp"
#include "channel/latest_link.hpp"
#include "channel/purge.hpp"

namespace tranche::actions {
namespace {

// The release that everyone has: the baseline, unless it was taken back.
Result<> link_latest(Deck& deck, const spec::Channel& channel, const ChannelState& state) {
  const std::string& version = state.directions.baseline;
  const bool withdrawn = std::any_of(state.directions.withdrawn.begin(), state.directions.withdrawn.end(),
                                     [&](const cohort::Withdrawn& one) { return one.version == version; });
  if (!channel.latest_link || version.empty() || withdrawn) return {};
  const auto release = TRY(find_release(deck, version));
  if (!release) return {};
  store::Store* store = TRY(deck.channel_store(channel));
  TRY(channel::move_latest_link(*store, release->manifest));
  return {};
}

Result<> tell_cdn(Deck& deck, const spec::Channel& channel, const ChannelState& state) {
  if (channel.purge.url.empty()) return {};
  store::Store* store = TRY(deck.channel_store(channel));
  TRY(channel::purge_cdn(deck.world(), deck.repository(), deck.app().name, channel, *store, state.sequence));
  return {};
}

Result<> journal_trouble(Deck& deck, const spec::Channel& channel, const ChannelState& state,
                         std::string_view what, const Error& error) {
  const std::string subject = fmt::format("follow-up/{}/{}/{}", deck.app().name, channel.name, what);
  const auto sequence = static_cast<std::int64_t>(state.sequence);
  const doc::Value now = doc::Value::object({{"sequence", sequence}});
  if (const auto last = TRY(deck.journal().latest(subject)); last && last->state == now) return {};
  journal::Draft draft;
  draft.kind = "channel.follow-up-failed";
  draft.subject = subject;
  draft.reason = error.message;
  draft.data = doc::Value::object({{"channel", channel.name}, {"what", what}, {"error", error.message}});
  draft.state = now;
  TRY(deck.append({draft}));
  return {};
}

}  // namespace

void follow_up(Deck& deck, const spec::Channel& channel, const ChannelState& state) {
  const auto linked = link_latest(deck, channel, state);
  const auto told = tell_cdn(deck, channel, state);
  // A journal that cannot be written says so at the next decision.
  if (!linked)
    static_cast<void>(journal_trouble(deck, channel, state, "latest-link", linked.error()).has_value());
  if (!told) static_cast<void>(journal_trouble(deck, channel, state, "purge", told.error()).has_value());
}

}  // namespace tranche::actions
