#include "actions/deck.hpp"

#include <algorithm>
#include <set>

#include "actions/adopt.hpp"
#include "actions/follow_up.hpp"
#include "actions/releases.hpp"
#include "actions/stores.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "signing/signers.hpp"

namespace tranche::actions {
namespace {

Result<std::unique_ptr<journal::Journal>> open_journal(ports::World& world, store::Store& state,
                                                       const std::string& repository, const std::string& app,
                                                       const signing::Trust& trust) {
  journal::Options options;
  options.origin = "tranche/" + app;
  options.trusted = trust.journal;
  options.memory = TRY(memory_path(world, state, repository, options.origin));
  return TRY_WHILE("opening the journal in " + state.describe(),
                   journal::Journal::open(world, state, std::move(options)));
}

void add_refs(std::vector<channel::ReleaseRef>& known, const std::vector<channel::ReleaseRef>& more) {
  for (const channel::ReleaseRef& ref : more) {
    std::erase_if(known, [&](const channel::ReleaseRef& old) { return old.version == ref.version; });
    known.push_back(ref);
  }
}

// A file that a cohort once read goes on following the channel, or its readers would stay behind.
void add_feed_channels(std::vector<std::string>& known, const spec::App& app,
                       const cohort::Directions& directions) {
  std::set<std::string> names(known.begin(), known.end());
  for (const spec::Cohort& cohort : app.cohorts) names.insert(cohort.feed_channel);
  if (directions.offer)
    for (const cohort::Rule& rule : directions.offer->rules) names.insert(rule.feed_channel);
  for (const cohort::Hold& hold : directions.holds) names.insert(hold.feed_channel);
  names.erase("");
  known.assign(names.begin(), names.end());
}

std::set<std::string> versions_in(const cohort::Directions& directions) {
  std::set<std::string> versions{directions.baseline};
  if (directions.offer) versions.insert(directions.offer->release);
  for (const cohort::Withdrawn& withdrawn : directions.withdrawn) versions.insert(withdrawn.fallback);
  return versions;
}

// The feed names only releases that somebody may be sent to.
std::vector<channel::ReleaseRef> in_use(const std::vector<channel::ReleaseRef>& known,
                                        const cohort::Directions& directions) {
  const std::set<std::string> versions = versions_in(directions);
  std::vector<channel::ReleaseRef> used;
  for (const channel::ReleaseRef& ref : known)
    if (versions.contains(ref.version)) used.push_back(ref);
  return used;
}

void forget_old(std::vector<channel::ReleaseRef>& known, const cohort::Directions& directions) {
  const std::set<std::string> versions = versions_in(directions);
  std::ptrdiff_t spare = std::count_if(known.begin(), known.end(), [&](const channel::ReleaseRef& ref) {
    return !versions.contains(ref.version);
  });
  std::erase_if(known, [&](const channel::ReleaseRef& ref) {  // oldest first
    return !versions.contains(ref.version) && spare-- > spare_releases;
  });
}

}  // namespace

Result<std::unique_ptr<Deck>> Deck::open(ports::World& world, std::string repository, spec::App app,
                                         std::string by) {
  std::unique_ptr<Deck> deck(new Deck(world, std::move(repository), std::move(app), std::move(by)));
  const spec::Trust& trust = deck->app_.trust;
  deck->trust_ = TRY(signing::load_trust(world.files, deck->repository_,
                                         {trust.root, trust.release, trust.feed, trust.journal}));
  if (deck->trust_.journal.empty())
    return fail_hint(ErrorKind::invalid,
                     "make one: tranche key generate journal, and name its public half under trust:",
                     "app '{}' trusts no journal key", deck->app_.name);
  return open_on(std::move(deck));
}

// Its keys are known.
Result<std::unique_ptr<Deck>> Deck::open_on(std::unique_ptr<Deck> deck) {
  ports::World& world = deck->world_;
  deck->state_ = TRY(open_state(world, deck->repository_, deck->app_.state));
  deck->journal_ = TRY(open_journal(world, *deck->state_, deck->repository_, deck->app_.name, deck->trust_));
  return deck;
}

Result<std::unique_ptr<Deck>> Deck::open_found(ports::World& world, std::string repository, spec::App app,
                                               std::string by, signing::Trust trust) {
  std::unique_ptr<Deck> deck(new Deck(world, std::move(repository), std::move(app), std::move(by)));
  deck->trust_ = std::move(trust);
  return open_on(std::move(deck));
}

Result<> Deck::use_store(const std::string& channel, const spec::StoreRef& place) {
  spec::Channel elsewhere;
  elsewhere.name = channel;
  elsewhere.store = place;
  channel_stores_[channel] = TRY(open_channel(world_, repository_, elsewhere));
  return {};
}

Result<> Deck::reload() {
  // The journal stands on its store: both are ready before either is replaced.
  auto state = TRY(open_state(world_, repository_, app_.state));
  auto journal = TRY(open_journal(world_, *state, repository_, app_.name, trust_));
  journal_ = std::move(journal);
  state_ = std::move(state);
  read_wall_clock();
  for (const auto& [name, store] : channel_stores_)
    if (store != nullptr) store->refresh();
  return {};
}

Result<std::vector<journal::Entry>> Deck::append(const std::vector<journal::Draft>& drafts) {
  std::vector<journal::Draft> signed_drafts = drafts;
  for (journal::Draft& draft : signed_drafts)
    if (draft.by.empty()) draft.by = by_;
  const crypto::Ed25519Signer* key = TRY(journal_key());
  return journal_->append(signed_drafts, *key);
}

std::string Deck::rollout_subject(std::string_view rollout) const {
  return fmt::format("rollout/{}/{}", app_.name, rollout);
}
std::string Deck::playbook_subject(std::string_view rollout) const {
  return fmt::format("playbook/{}/{}", app_.name, rollout);
}
std::string Deck::channel_subject(std::string_view channel) const {
  return fmt::format("channel/{}/{}", app_.name, channel);
}
std::string Deck::flag_subject(std::string_view flag) const {
  return fmt::format("flag/{}/{}", app_.name, flag);
}

Result<const crypto::Ed25519Signer*> Deck::key(std::unique_ptr<crypto::Ed25519Signer>& slot,
                                               const std::string& reference, signing::Role role) {
  if (slot != nullptr) return slot.get();
  const std::string_view name = signing::to_text(role);
  if (reference.empty())
    return fail_hint(ErrorKind::invalid, fmt::format("write signing: {{ {}: env:TRANCHE_... }}", name),
                     "app '{}' names no {} key under signing:", app_.name, name);
  auto loaded = TRY_WHILE(fmt::format("loading the {} key", name),
                          signing::load_role_key(world_, repository_, reference, app_.signing.passphrase));
  const auto trusted = trust_.of(role);
  if (std::find(trusted.begin(), trusted.end(), loaded->public_key()) == trusted.end()) {
    const auto other = trust_.role_of(crypto::key_id(loaded->public_key()));
    return fail_hint(ErrorKind::verification, fmt::format("name its public half under trust: {}:", name),
                     "the {} key is {}", name,
                     other ? fmt::format("trusted as a {} key only", signing::to_text(*other))
                           : std::string("not trusted"));
  }
  slot = std::move(loaded);
  return slot.get();
}

Result<const crypto::Ed25519Signer*> Deck::journal_key() {
  return key(journal_key_, app_.signing.journal, signing::Role::journal);
}
Result<const crypto::Ed25519Signer*> Deck::feed_key() {
  return key(feed_key_, app_.signing.feed, signing::Role::feed);
}
Result<const crypto::Ed25519Signer*> Deck::release_key() {
  return key(release_key_, app_.signing.release, signing::Role::release);
}

Result<store::Store*> Deck::channel_store(const spec::Channel& channel) {
  std::unique_ptr<store::Store>& slot = channel_stores_[channel.name];
  if (slot == nullptr) slot = TRY(open_channel(world_, repository_, channel));
  return slot.get();
}

Result<std::optional<ChannelState>> Deck::channel_state(std::string_view channel) {
  const auto entry = TRY(journal_->latest(channel_subject(channel)));
  if (!entry) return std::nullopt;
  return TRY(channel_from_entry(*entry));
}

Result<std::optional<journal::Draft>> Deck::decide(
    const spec::Channel& channel, const std::string& effect, const std::string& plan,
    const std::vector<channel::ReleaseRef>& refs,
    const std::function<cohort::Directions(cohort::Directions)>& change, const std::string& reason) {
  ChannelState state = TRY(channel_state(channel.name)).value_or(ChannelState{});
  if (!effect.empty() && state.effect == effect) return std::nullopt;
  state.directions = change(state.directions);
  add_refs(state.releases, refs);
  add_feed_channels(state.feed_channels, app_, state.directions);
  forget_old(state.releases, state.directions);
  note_taken_in(channel.name, state);
  state.effect = effect;
  state.expires = channel.expires;
  if (!plan.empty()) state.plan = plan;
  journal::Draft draft;
  draft.kind = "channel.directed";
  draft.subject = channel_subject(channel.name);
  draft.reason = reason;
  draft.data = doc::Value::object({{"effect", effect}});
  draft.state = to_value(state);
  return draft;
}

Result<std::uint64_t> Deck::direct_if_new(const spec::Channel& channel, const std::string& effect,
                                          const std::vector<channel::ReleaseRef>& refs,
                                          const std::function<cohort::Directions(cohort::Directions)>& change,
                                          const std::string& reason) {
  const auto state = TRY(channel_state(channel.name));
  if (!state || change(state->directions) != state->directions)
    return direct(channel, effect, {}, refs, change, reason);
  TRY(publish(channel));
  return state->sequence;
}

void Deck::take_in(const std::string& channel, std::uint64_t sequence,
                   const std::vector<std::string>& stops) {
  TakenIn& taken = taken_in_[channel];
  taken.sequence = std::max(taken.sequence, sequence);
  for (const std::string& name : stops)
    if (std::ranges::find(taken.stops, name) == taken.stops.end()) taken.stops.push_back(name);
}

// The feed's sequence only grows: by the index of the deciding entry (FEED.md), or, where something was
// published above that, by one.
void Deck::note_taken_in(const std::string& channel, ChannelState& state) {
  std::uint64_t last = state.sequence;
  if (const auto taken = taken_in_.find(channel); taken != taken_in_.end()) {
    last = std::max(last, taken->second.sequence);
    for (const std::string& name : taken->second.stops)
      if (std::ranges::find(state.stops, name) == state.stops.end()) state.stops.push_back(name);
  }
  if (state.stops.size() > most_stops)
    state.stops.erase(state.stops.begin(), state.stops.end() - static_cast<std::ptrdiff_t>(most_stops));
  state.after.reset();
  if (last >= journal_->size()) state.after = last;
}

Result<std::optional<channel::Feed>> Deck::published(const spec::Channel& channel) {
  store::Store* store = TRY(channel_store(channel));
  auto found = TRY(channel::read_published(*store, trust_, app_.name, channel.name));
  if (!found) return std::optional<channel::Feed>();
  return std::optional(std::move(found->feed));
}

Result<WaitingStops> Deck::waiting_stops(const spec::Channel& channel) {
  WaitingStops waiting;
  if (channel.mode == spec::Channel::Mode::observe) return waiting;
  store::Store* store = TRY(channel_store(channel));
  channel::Spool spool = TRY(channel::read_spool(*store, trust_, app_.name, channel.name));
  waiting.unproved = std::move(spool.unproved);
  if (spool.stops.empty()) return waiting;
  const auto state = TRY(channel_state(channel.name));
  for (channel::Spooled& one : spool.stops) {
    if (state && std::ranges::find(state->stops, one.name) != state->stops.end())
      waiting.taken.push_back(one.name);
    else
      waiting.stops.push_back(std::move(one));
  }
  return waiting;
}

Result<bool> Deck::is_newest() {
  const auto state = TRY(open_state(world_, repository_, app_.state));
  const auto journal = TRY(open_journal(world_, *state, repository_, app_.name, trust_));
  return journal->size() == journal_->size();
}

Result<channel::ChannelInput> Deck::channel_input(const spec::Channel& channel, const ChannelState& state) {
  channel::Feed feed;
  feed.app = app_.name;
  feed.channel = channel.name;
  feed.sequence = state.sequence;
  feed.issued = state.issued;
  feed.expires = state.issued + state.expires;
  feed.plan = state.plan;
  feed.releases = in_use(state.releases, state.directions);
  feed.directions = state.directions;
  const crypto::Ed25519Signer* key = TRY(feed_key());
  channel::ChannelInput input{.world = world_,
                              .repository = repository_,
                              .channel = channel,
                              .trust = trust_,
                              .feed = std::move(feed),
                              .feed_channels = state.feed_channels,
                              .releases = {},
                              .unread = {},
                              .feed_key = *key,
                              .known_stops = {state.stops.begin(), state.stops.end()},
                              .is_newest = [this] { return is_newest(); }};
  if (channel.feeds == std::vector<std::string>{"tranche"}) return input;
  for (const channel::ReleaseRef& ref : state.releases) {
    auto recorded = load_recorded(*this, ref.version);
    if (!recorded) {
      input.unread = std::move(recorded.error()).during("reading release " + ref.version);
      break;
    }
    if (*recorded) input.releases.push_back(std::move(**recorded));
  }
  return input;
}

Result<> Deck::publish(const spec::Channel& channel) {
  if (channel.mode == spec::Channel::Mode::observe) return {};
  for (bool adopted = false;;) {
    const auto state = TRY(channel_state(channel.name));
    if (!state) return {};
    const bool left_alone = TRY(publish_feeds(channel, *state));
    // Between rollouts the other tool's file may become the baseline; then ours are written after it.
    if (!left_alone || adopted) return {};
    const auto taken = adopt_foreign_write(*this, channel);
    // What cannot be adopted stays foreign, and the next offer stops at it; a rollback does not.
    if (!taken && taken.error().kind == ErrorKind::conflict) return fail(taken.error());
    if (!taken || !*taken) return {};
    adopted = true;
  }
}

Result<bool> Deck::publish_feeds(const spec::Channel& channel, const ChannelState& state) {
  store::Store* store = TRY(channel_store(channel));
  const channel::ChannelInput input = TRY(channel_input(channel, state));
  const channel::ChannelReport report =
      TRY_WHILE("publishing the feeds of channel '" + channel.name + "' to " + store->describe(),
                channel::publish_channel(*store, input));
  follow_up(*this, channel, state);
  const auto foreign = report.foreign();
  if (foreign.empty() || !state.directions.offer) return !foreign.empty();
  return fail_hint(ErrorKind::denied,
                   "see tranche channel diff " + channel.name + "; then tranche channel adopt " +
                       channel.name + ", or remove the file",
                   "'{}' in {} was written by another tool: it was left as it is", foreign.front()->name,
                   store->describe());
}

Result<channel::ChannelReport> Deck::compare(const spec::Channel& channel) {
  const auto state = TRY(channel_state(channel.name));
  if (!state) return channel::ChannelReport{};
  store::Store* store = TRY(channel_store(channel));
  return channel::compare_channel(*store, TRY(channel_input(channel, *state)));
}

Result<std::uint64_t> Deck::direct(const spec::Channel& channel, const std::string& effect,
                                   const std::string& plan, const std::vector<channel::ReleaseRef>& refs,
                                   const std::function<cohort::Directions(cohort::Directions)>& change,
                                   const std::string& reason) {
  if (const auto draft = TRY(decide(channel, effect, plan, refs, change, reason))) TRY(append({*draft}));
  TRY(publish(channel));
  return TRY(channel_state(channel.name))->sequence;
}

Result<bool> Deck::renew(const spec::Channel& channel) {
  const auto state = TRY(channel_state(channel.name));
  if (!state || world_.clock.now() < state->issued + state->expires / 2) return false;
  journal::Draft draft;
  draft.kind = "channel.renewed";
  draft.subject = channel_subject(channel.name);
  ChannelState next = *state;
  note_taken_in(channel.name, next);
  draft.state = to_value(next);
  TRY(append({draft}));
  TRY(publish(channel));
  return true;
}

Result<flags::FlagSet> Deck::flag_set() {
  flags::FlagSet set;
  set.app = app_.name;
  for (const spec::Flag& flag : app_.flags) {
    flags::Setting setting{flag.fallback, flag.kill_switch};
    if (const auto entry = TRY(journal_->latest(flag_subject(flag.name)))) {
      if (const doc::Value* value = entry->state.find("value")) setting.value = *value;
      set.sequence = std::max(set.sequence, entry->index);
    }
    set.flags[flag.name] = setting;
  }
  return set;
}

Result<> Deck::set_flag(const spec::Flag& flag, const doc::Value& value, const std::string& effect,
                        const Cause& cause) {
  TRY(flags::check_value(flag, value));
  const auto entry = TRY(journal_->latest(flag_subject(flag.name)));
  const doc::Value* last_effect = entry ? entry->state.find("effect") : nullptr;
  const bool decided = !effect.empty() && last_effect != nullptr && last_effect->is_string() &&
                       last_effect->as_string() == effect;
  if (!decided) {
    journal::Draft draft;
    draft.kind = "flag.set";
    draft.subject = flag_subject(flag.name);
    draft.by = cause.by;
    draft.reason = cause.reason;
    draft.data = doc::Value::object({{"flag", flag.name}, {"value", value}});
    draft.state = doc::Value::object({{"value", value}, {"effect", effect}});
    TRY(append({draft}));
  }
  std::optional<Error> first;  // one unreachable channel must not keep the switch from the others
  for (const spec::Channel& channel : app_.channels) {
    auto published = publish_flags(channel);
    if (!published && !first) first = std::move(published.error());
  }
  if (first) return fail(std::move(*first));
  return {};
}

Result<> Deck::publish_flags(const spec::Channel& channel) {
  bool decided = false;
  for (const spec::Flag& flag : app_.flags)
    decided = decided || TRY(journal_->latest(flag_subject(flag.name))).has_value();
  if (!decided) return {};
  const flags::FlagSet set = TRY(flag_set());
  const crypto::Ed25519Signer* key = TRY(feed_key());
  store::Store* store = TRY(channel_store(channel));
  TRY_WHILE("publishing the flags to channel '" + channel.name + "'",
            flags::publish_flags(*store, trust_, set, *key, [this] { return is_newest(); }));
  return {};
}

}  // namespace tranche::actions
