// channel.hold { max-version, cohort }: nothing above a version is offered to a cohort, or to anybody. The
// pin stands until the next rollout on the channel begins: that one brings the pins of its own tranche.yaml.
#include <algorithm>

#include "actions/action.hpp"
#include "base/text.hpp"
#include "cohort/clients.hpp"

namespace tranche::actions {
namespace {

struct Wanted {
  const spec::Channel* channel = nullptr;
  cohort::Hold hold;
  std::string whom;
};

// A static file says one thing to all who read it: a pin that it cannot keep is refused, not weakened.
Result<> check_feeds(const spec::Channel& channel, const spec::Cohort& cohort) {
  for (const std::string& feed : channel.feeds) {
    const cohort::Capabilities* client = cohort::find_client(feed);
    if (client == nullptr || feed == "tranche") continue;
    const bool served = client->servable && channel.on_unsupported == spec::Channel::OnUnsupported::serve;
    if (served || (client->own_file && !cohort.feed_channel.empty())) continue;
    return fail_hint(ErrorKind::invalid,
                     client->own_file
                         ? fmt::format("give the cohort a file of its own: feed-channel: {}", cohort.name)
                         : "hold everyone, or leave the feed out of the channel",
                     "feed '{}' of channel '{}' cannot hold cohort '{}'", feed, channel.name, cohort.name);
  }
  return {};
}

Result<Wanted> wanted_of(Deck& deck, const Call& call) {
  Wanted wanted;
  wanted.channel = call.plan.config.channel(call.plan.channel);
  if (wanted.channel == nullptr)
    return fail_hint(ErrorKind::invalid, "it is for rollouts of a channel", "rollout '{}' has no channel",
                     call.plan.rollout);
  wanted.hold.max_version = fill_variables(TRY(call.step.with.text_or("max-version", "$baseline")), call);
  if (wanted.hold.max_version.empty())
    return fail_hint(ErrorKind::invalid, "write max-version: VERSION",
                     "channel '{}' has no baseline to hold at", call.plan.channel);
  const std::string name = TRY(call.step.with.text_or("cohort", ""));
  wanted.whom = name.empty() ? "everyone" : "cohort '" + name + "'";
  if (name.empty()) return wanted;
  const spec::Cohort* cohort = call.plan.config.cohort(name);
  if (cohort == nullptr) cohort = deck.app().cohort(name);
  if (cohort == nullptr) return fail(ErrorKind::invalid, "there is no cohort '{}'", printable(name, 64));
  TRY(check_feeds(*wanted.channel, *cohort));
  wanted.hold.labels = cohort->match;
  wanted.hold.feed_channel = cohort->feed_channel;
  if (cohort->match.empty() && cohort->feed_channel.empty())
    return fail_hint(ErrorKind::invalid, "name a cohort that has labels (match) or a feed-channel",
                     "cohort '{}' is a list of devices, and a feed does not say which those are", name);
  // A pin without labels would hold everyone: those known by the file they read say so in a label.
  if (cohort->match.empty()) wanted.hold.labels["feed-channel"] = {cohort->feed_channel};
  return wanted;
}

Result<std::string> changes(Deck& deck, const Call& call) {
  const Wanted wanted = TRY(wanted_of(deck, call));
  return fmt::format("holds {} of channel '{}' at {}", wanted.whom, wanted.channel->name,
                     printable(wanted.hold.max_version, 64));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const Wanted wanted = TRY(wanted_of(deck, call));
  const auto change = [&](cohort::Directions directions) {
    if (std::ranges::find(directions.holds, wanted.hold) == directions.holds.end())
      directions.holds.push_back(wanted.hold);
    return directions;
  };
  const std::uint64_t sequence =
      TRY(deck.direct(*wanted.channel, call.key, {}, {}, change, call.cause.reason));
  return Outcome{fmt::format("{} of channel '{}' is offered nothing above {} (feed {})", wanted.whom,
                             wanted.channel->name, printable(wanted.hold.max_version, 64), sequence)};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  const Wanted wanted = TRY(wanted_of(deck, call));
  const auto change = [&](cohort::Directions directions) {
    std::erase(directions.holds, wanted.hold);
    return directions;
  };
  TRY(deck.direct(*wanted.channel, call.key + "/undo", {}, {}, change, call.cause.reason));
  return Outcome{fmt::format("{} of channel '{}' is held no more", wanted.whom, wanted.channel->name)};
}

// The journal decides once under the key, and publishing is conditional on the sequence: simply do it again.
Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action channel_hold() { return {"channel.hold", needs_nothing, changes, perform, undo, ask}; }

}  // namespace tranche::actions
