// channel.fallback: devices that run the withdrawn release go to the fallback that was prepared for it (the
// old code under a higher version, which every client takes), else back to the plan's baseline.
#include "actions/action.hpp"
#include "actions/take_back.hpp"

namespace tranche::actions {
namespace {

Result<Outcome> send_to(Deck& deck, const Call& call, const std::string& fallback, const std::string& key) {
  const spec::Channel* channel = call.plan.config.channel(call.plan.channel);
  if (channel == nullptr) return fail(ErrorKind::invalid, "the plan has no channel '{}'", call.plan.channel);
  const std::string& release = call.plan.release;
  const auto change = [&](cohort::Directions directions) {
    return send_back(std::move(directions), release, call.plan.baseline, fallback);
  };
  std::vector<channel::ReleaseRef> refs;
  if (fallback == call.plan.fallback) refs = fallback_refs(call.plan);
  const std::uint64_t sequence = TRY(deck.direct_if_new(*channel, key, refs, change, call.cause.reason));
  if (fallback.empty())
    return Outcome{fmt::format("devices that run {} keep it (feed {})", release, sequence)};
  return Outcome{fmt::format("devices that run {} go {} to {} (feed {})", release,
                             fallback == call.plan.fallback ? "on" : "back", fallback, sequence)};
}

Result<std::string> changes(Deck&, const Call& call) {
  const std::string& to = fallback_of(call.plan);
  if (to.empty())
    return fmt::format("nothing: there is no release to send devices of {} to", call.plan.release);
  return fmt::format("sends devices that run {} to {}", call.plan.release, to);
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  if (!call.plan.fallback.empty()) return send_to(deck, call, call.plan.fallback, call.key);
  if (call.plan.baseline.empty())
    return fail_hint(ErrorKind::stranded, "release a fixed build: release create, rollout start",
                     "channel '{}' has no earlier release to fall back to", call.plan.channel);
  return send_to(deck, call, call.plan.baseline, call.key);
}

Result<Outcome> undo(Deck& deck, const Call& call) { return send_to(deck, call, {}, call.key + "/undo"); }

// Idempotent under its key, as channel.withdraw is.
Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action channel_fallback() { return {"channel.fallback", needs_nothing, changes, perform, undo, ask}; }

}  // namespace tranche::actions
