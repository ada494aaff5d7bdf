// The red button, and the stops that were pressed where the journal could not be reached.
//
// What devices read comes first: one append decides both that the rollout is stopped and what its channel
// says from now on, and the feed goes out before any step of the playbook, whose own channel steps then find
// it done.
#include <algorithm>

#include "actions/take_back.hpp"
#include "base/text.hpp"
#include "engine/engine.hpp"

namespace tranche::engine {
namespace {

// Each lost race means that somebody else got an entry in; with a pause that grows to a fifth of a second
// this is a minute of others who never stop writing.
constexpr int most_tries = 300;
constexpr auto longest_pause = std::chrono::milliseconds(200);

// Two that collide do not go on in step.
Duration pause_after(ports::World& world, int attempt) {
  const auto random = world.random.bytes(1);
  const auto share = random ? static_cast<unsigned char>(random->front()) : 128;
  const Duration bound = std::min<Duration>(longest_pause, std::chrono::milliseconds(5 * attempt));
  return bound * share / 255;
}

bool is_back(rollout::Phase phase) {
  return phase == rollout::Phase::rolled_back || phase == rollout::Phase::stranded;
}

}  // namespace

// Nothing, where the channel says so already.
Result<std::optional<journal::Draft>> Engine::take_back_draft(const Loaded& loaded) {
  const rollout::Plan& plan = loaded.plan;
  const spec::Channel* channel = plan.config.channel(plan.channel);
  const auto state =
      channel == nullptr ? std::optional<actions::ChannelState>() : TRY(deck_.channel_state(channel->name));
  if (!state) return std::optional<journal::Draft>();  // nothing was ever published there
  // What stands in the store may be newer than the journal: a spool that was lost. A stop goes above it.
  bool behind = false;
  if (const auto published = deck_.published(*channel); published && *published)
    if (behind = (*published)->sequence > state->sequence; behind)
      deck_.take_in(channel->name, (*published)->sequence, {});
  const auto change = [&](cohort::Directions directions) {
    return actions::take_back(std::move(directions), plan);
  };
  if (!behind && change(state->directions) == state->directions) return std::optional<journal::Draft>();
  const std::string effect = fmt::format("{}/stop/{}", loaded.state.id, deck_.journal().size());
  return deck_.decide(*channel, effect, {}, actions::fallback_refs(plan), change, loaded.state.because);
}

Result<Report> Engine::stop_once(const std::string& rollout, const std::string& reason) {
  auto with_waiting = load_and_take_in(rollout);
  if (!with_waiting && with_waiting.error().kind == ErrorKind::conflict)
    return fail(std::move(with_waiting.error()));
  Loaded loaded = with_waiting ? std::move(*with_waiting) : TRY(load(rollout));
  const spec::Channel* channel = loaded.plan.config.channel(loaded.plan.channel);
  if (!is_back(loaded.state.phase)) {
    rollout::Next next =
        TRY(rollout::step(loaded.plan, loaded.state, {deck_.world().clock.now(), rollout::Stop{reason}}));
    std::vector<journal::Draft> drafts;
    if (!next.decisions.empty())
      drafts.push_back(draft_of(loaded.state.rollout, "rollout.stopped", next, reason));
    loaded.state = std::move(next.state);
    if (auto decision = TRY(take_back_draft(loaded))) drafts.push_back(std::move(*decision));
    TRY(deck_.append(drafts));
    decided(next.decisions);
    if (has_target(loaded.plan) && !leaves_playbooks_) TRY(undo_target(loaded));
  }
  if (channel != nullptr)
    if (auto published = deck_.publish(*channel); !published) {
      if (published.error().kind == ErrorKind::conflict || is_back(loaded.state.phase))
        return fail(std::move(published.error()));
      // The playbook tries it again, and what it can do elsewhere is done before that.
      decided({fmt::format("the feed of channel '{}' is not out yet: {}", channel->name,
                           published.error().message)});
    }
  if (leaves_playbooks_)
    decided({fmt::format("playbook '{}' is left to the next tick", loaded.plan.spec().on_failure)});
  else
    TRY(settle(loaded));
  return report(std::move(loaded));
}

Result<Report> Engine::stop(const std::string& rollout, const std::string& reason) {
  for (int attempt = 1;; ++attempt) {
    auto done = stop_once(rollout, reason);
    if (done || done.error().kind != ErrorKind::conflict || attempt == most_tries) return done;
    // Somebody else moved first: stop what is there now.
    ports::Clock& clock = deck_.world().clock;
    if (!clock.sleep_until(clock.now() + pause_after(deck_.world(), attempt))) return done;
    TRY(deck_.reload());
  }
}

// With what waited beside its channel's feed.
Result<Engine::Loaded> Engine::load_and_take_in(const std::string& rollout) {
  const Loaded before = TRY(load(rollout));
  if (const spec::Channel* channel = before.plan.config.channel(before.plan.channel))
    TRY(take_in_stops(*channel));
  return load(rollout);
}

// The rollout whose release is out on the channel, by its newest state; not one that is back already.
Result<std::optional<Engine::Loaded>> Engine::running_with(const std::string& channel,
                                                           const std::string& release) {
  const std::string prefix = deck_.rollout_subject("");
  for (const std::string& subject : TRY(deck_.journal().subjects())) {
    if (!subject.starts_with(prefix)) continue;
    Loaded loaded = TRY(load(subject.substr(prefix.size())));
    if (loaded.plan.channel == channel && loaded.state.release == release && !is_back(loaded.state.phase) &&
        loaded.state.phase != rollout::Phase::superseded)
      return std::optional(std::move(loaded));
  }
  return std::optional<Loaded>();
}

Result<> Engine::take_in(const spec::Channel& channel, const channel::Spooled& spooled, std::size_t waiting) {
  const channel::SpooledStop& stop = spooled.stop;
  auto running = TRY(running_with(channel.name, stop.release));
  rollout::Next next;
  journal::Draft draft;
  draft.kind = "rollout.stopped";
  std::vector<channel::ReleaseRef> refs;
  if (running) {
    next = TRY(rollout::step(running->plan, running->state,
                             {deck_.world().clock.now(), rollout::Stop{stop.reason}}));
    if (!next.decisions.empty()) draft = draft_of(running->state.rollout, draft.kind, next, {});
    refs = actions::fallback_refs(running->plan);
  }
  draft.by = stop.by;
  draft.reason = stop.reason;
  if (draft.data.is_null()) draft.data = doc::Value::object();
  draft.data.set("spooled", doc::Value::object({{"name", spooled.name},
                                                {"at", to_text(stop.at)},
                                                {"rollout", stop.rollout},
                                                {"release", stop.release},
                                                {"fallback", stop.fallback},
                                                {"seen-sequence", stop.seen_sequence},
                                                {"seen-sha256", stop.seen_sha256},
                                                {"envelope", spooled.envelope}}));
  std::uint64_t above = stop.seen_sequence;
  // A feed that cannot be read does not say how far it got: each stop published one above the journal's last
  // or above another stop's.
  if (const auto published = deck_.published(channel); published && *published)
    above = std::max(above, (*published)->sequence);
  else if (const auto state = TRY(deck_.channel_state(channel.name)); !published && state)
    above = std::max(above, state->sequence) + waiting;
  deck_.take_in(channel.name, above, {spooled.name});
  const auto change = [&](cohort::Directions directions) {
    if (running) return actions::take_back(std::move(directions), running->plan);
    // Nothing rolls it out any more. Where it was withdrawn already, it stays as that was decided.
    const bool known = std::ranges::any_of(
        directions.withdrawn, [&](const cohort::Withdrawn& one) { return one.version == stop.release; });
    return known
               ? directions
               : actions::send_back(std::move(directions), stop.release, directions.baseline, stop.fallback);
  };
  std::vector<journal::Draft> drafts{std::move(draft)};
  if (auto decision = TRY(deck_.decide(channel, "spool/" + spooled.name, {}, refs, change, stop.reason))) {
    drafts.push_back(std::move(*decision));
  }
  TRY(deck_.append(drafts));
  decided({fmt::format("release {} was stopped by {} beside the feed of channel '{}': {}", stop.release,
                       printable(stop.by, 80), channel.name, printable(stop.reason, 200))});
  decided(next.decisions);
  return {};
}

Result<> Engine::take_in_stops(const spec::Channel& channel) {
  auto waiting = deck_.waiting_stops(channel);
  if (!waiting) {
    decided({fmt::format("stops that wait beside the feed of channel '{}' cannot be read: {}", channel.name,
                         waiting.error().message)});
    return {};
  }
  for (const std::string& name : waiting->unproved)
    decided({fmt::format("'{}' beside the feed of channel '{}' is signed by no trusted feed key: left alone",
                         name, channel.name)});
  if (waiting->stops.empty() && waiting->taken.empty()) return {};
  std::vector<std::string> names = std::move(waiting->taken);
  for (const channel::Spooled& stop : waiting->stops) {
    TRY(take_in(channel, stop, waiting->stops.size()));
    names.push_back(stop.name);
  }
  // Removed when devices read what the journal says: until then it is what keeps other feeds from going out.
  if (auto published = deck_.publish(channel); !published) {
    if (published.error().kind == ErrorKind::conflict) return fail(std::move(published.error()));
    return {};
  }
  store::Store* store = TRY(deck_.channel_store(channel));
  if (auto removed = store->remove(names); !removed)
    decided({fmt::format("stops that are in the journal now still lie beside the feed of channel '{}': {}",
                         channel.name, removed.error().message)});
  return {};
}

}  // namespace tranche::engine
