// channel.withdraw: the release leaves the channel's offer and baseline; nobody is given it any more.
#include <algorithm>

#include "actions/action.hpp"
#include "actions/take_back.hpp"

namespace tranche::actions {
namespace {

Result<const spec::Channel*> channel_of(const Call& call) {
  const spec::Channel* channel = call.plan.config.channel(call.plan.channel);
  if (channel == nullptr) return fail(ErrorKind::invalid, "the plan has no channel '{}'", call.plan.channel);
  return channel;
}

Result<std::string> changes(Deck&, const Call& call) {
  const spec::Channel* channel = TRY(channel_of(call));
  return fmt::format("withdraws release {} from channel '{}'", call.plan.release, channel->name);
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const spec::Channel* channel = TRY(channel_of(call));
  const rollout::Plan& plan = call.plan;
  const auto change = [&](cohort::Directions directions) {
    return withdraw_release(std::move(directions), plan.release, plan.baseline);
  };
  const std::uint64_t sequence = TRY(deck.direct_if_new(*channel, call.key, {}, change, call.cause.reason));
  return Outcome{fmt::format("release {} is withdrawn from channel '{}' (feed {})", plan.release,
                             channel->name, sequence)};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  const spec::Channel* channel = TRY(channel_of(call));
  const auto change = [&](cohort::Directions directions) {
    std::erase_if(directions.withdrawn,
                  [&](const cohort::Withdrawn& w) { return w.version == call.plan.release; });
    return directions;
  };
  TRY(deck.direct(*channel, call.key + "/undo", {}, {}, change, call.cause.reason));
  return Outcome{
      fmt::format("release {} may be offered on channel '{}' again", call.plan.release, channel->name)};
}

// The journal decides once under the key, and publishing is conditional on the sequence: simply do it again.
Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action channel_withdraw() { return {"channel.withdraw", needs_nothing, changes, perform, undo, ask}; }

}  // namespace tranche::actions
