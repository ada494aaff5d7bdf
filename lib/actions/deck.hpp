// The deck that actions and the engine stand on: the journal, the keys, the stores of one app, and the few
// moves that change what devices are told. Every move is idempotent under its effect key: decided once in the
// journal (whose entry gives the feed its sequence), then published as often as it takes.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/run_clock.hpp"
#include "channel/feed.hpp"
#include "channel/spool.hpp"
#include "channel/static_feeds.hpp"
#include "cohort/decide.hpp"
#include "flags/flags.hpp"
#include "journal/journal.hpp"
#include "ports/ports.hpp"
#include "signing/keys.hpp"
#include "spec/spec.hpp"
#include "store/store.hpp"

namespace tranche::actions {

// An undo goes back to a release that the feed names no longer: the newest of those stay known.
inline constexpr std::ptrdiff_t spare_releases = 16;
// Spooled stops that a channel's state names after they were taken in: their files are removed at once, so
// more than the last few are never looked up.
inline constexpr std::size_t most_stops = 64;

// What the journal says of a channel: subject "channel/<app>/<channel>".
struct ChannelState {
  cohort::Directions directions;
  std::vector<channel::ReleaseRef> releases;  // those in the directions, and some that an undo may need
  std::vector<std::string> feed_channels;     // that ever had a file of their own in static feeds, sorted
  std::string plan;                           // digest of the frozen plan
  std::string effect;                         // key of the effect that decided it
  Duration expires{};
  // The feed's sequence is above this one, whatever the index of the entry: a stop without the journal had to
  // publish above it. Absent in the document while indexes alone grow.
  std::optional<std::uint64_t> after{};
  std::vector<std::string> stops{};  // names of spooled stops that are taken in, oldest first
  std::uint64_t sequence = 0;        // index of the deciding entry, or after + 1 where that is more
  Instant issued{};                  // its time
};
// What waits beside a channel's feed.
struct WaitingStops {
  std::vector<channel::Spooled> stops;  // to be taken in
  std::vector<std::string> taken;       // names of those that the journal holds: to be removed
  std::vector<std::string> unproved;    // names of files that no trusted key signed
};
doc::Value to_value(const ChannelState& state);
Result<ChannelState> channel_from_entry(const journal::Entry& entry);
doc::Value to_value(const cohort::Directions& directions);
Result<cohort::Directions> directions_from_value(const doc::Value& value);

// Why something is done, for the journal.
struct Cause {
  std::string by;
  std::string reason;
};

class Deck {
 public:
  // Opens the state store and the journal of `app`. `repository` is the checkout (relative paths, keys).
  static Result<std::unique_ptr<Deck>> open(ports::World& world, std::string repository, spec::App app,
                                            std::string by);
  // The same where the public keys are known otherwise. An empty `repository`: there is no checkout.
  static Result<std::unique_ptr<Deck>> open_found(ports::World& world, std::string repository, spec::App app,
                                                  std::string by, signing::Trust trust);

  // The world as the run sees it: its clock is the run's own (run_clock.hpp).
  [[nodiscard]] ports::World& world() { return world_; }
  // A tick of a long run begins: what the wall clock says counts from here.
  void read_wall_clock() { clock_.read_wall(); }
  [[nodiscard]] const spec::App& app() const { return app_; }
  [[nodiscard]] const std::string& repository() const { return repository_; }
  [[nodiscard]] const signing::Trust& trust() const { return trust_; }
  [[nodiscard]] const std::string& by() const { return by_; }
  [[nodiscard]] store::Store& state_store() { return *state_; }
  [[nodiscard]] journal::Journal& journal() { return *journal_; }

  // A channel's store at another place than the configuration says.
  Result<> use_store(const std::string& channel, const spec::StoreRef& place);
  // After a conflict: the journal anew, as others left it. On an error the deck stays as it was.
  Result<> reload();
  Result<std::vector<journal::Entry>> append(const std::vector<journal::Draft>& drafts);
  [[nodiscard]] std::string rollout_subject(std::string_view rollout) const;
  [[nodiscard]] std::string playbook_subject(std::string_view rollout) const;
  [[nodiscard]] std::string channel_subject(std::string_view channel) const;
  [[nodiscard]] std::string flag_subject(std::string_view flag) const;

  // Keys are loaded when first used; commands that only read never touch them.
  Result<const crypto::Ed25519Signer*> journal_key();
  Result<const crypto::Ed25519Signer*> feed_key();
  Result<const crypto::Ed25519Signer*> release_key();

  Result<store::Store*> channel_store(const spec::Channel& channel);
  Result<std::optional<ChannelState>> channel_state(std::string_view channel);

  // Decides (once per effect key) and publishes the directions of a channel. `change` maps the directions in
  // force to the new ones; `refs` are releases that become known. Returns the sequence.
  Result<std::uint64_t> direct(const spec::Channel& channel, const std::string& effect,
                               const std::string& plan, const std::vector<channel::ReleaseRef>& refs,
                               const std::function<cohort::Directions(cohort::Directions)>& change,
                               const std::string& reason);
  // The draft that decides, for callers that journal it together with their own entries; nullopt: decided
  // already.
  Result<std::optional<journal::Draft>> decide(
      const spec::Channel& channel, const std::string& effect, const std::string& plan,
      const std::vector<channel::ReleaseRef>& refs,
      const std::function<cohort::Directions(cohort::Directions)>& change, const std::string& reason);
  // As direct, but decides nothing where the directions say it already.
  Result<std::uint64_t> direct_if_new(const spec::Channel& channel, const std::string& effect,
                                      const std::vector<channel::ReleaseRef>& refs,
                                      const std::function<cohort::Directions(cohort::Directions)>& change,
                                      const std::string& reason);
  // The next decision about the channel is published above this sequence, and holds these spooled stops.
  void take_in(const std::string& channel, std::uint64_t sequence, const std::vector<std::string>& stops);
  // Stops that were pressed without the journal. Nothing for a channel that another tool writes.
  Result<WaitingStops> waiting_stops(const spec::Channel& channel);
  // What clients of the channel read now; nullopt when nothing is published. kind verification: not ours.
  Result<std::optional<channel::Feed>> published(const spec::Channel& channel);
  // Publishes what the journal says last of the channel, all its feeds. Idempotent. kind denied when another
  // tool wrote a file of the channel while a release is offered; everything else is published before that.
  Result<> publish(const spec::Channel& channel);
  // What publish() would change in the feeds that updaters read; writes nothing. Nothing decided: no changes.
  Result<channel::ChannelReport> compare(const spec::Channel& channel);
  // Signs the feed anew when half of its life is over. True when it did.
  Result<bool> renew(const spec::Channel& channel);

  // Sets a flag (once per effect key; an empty key is always a new change) and publishes the flags to every
  // channel.
  Result<> set_flag(const spec::Flag& flag, const doc::Value& value, const std::string& effect,
                    const Cause& cause);
  // Publishes what the journal says last of all flags to one channel; nothing when none was ever set.
  // Idempotent.
  Result<> publish_flags(const spec::Channel& channel);
  Result<flags::FlagSet> flag_set();

 private:
  Deck(ports::World& world, std::string repository, spec::App app, std::string by)
      : clock_(world.clock),
        world_{clock_,       world.http,    world.files,   world.process,
               world.random, world.environ, world.console, world.zones},
        repository_(std::move(repository)),
        app_(std::move(app)),
        by_(std::move(by)) {}
  static Result<std::unique_ptr<Deck>> open_on(std::unique_ptr<Deck> deck);
  // Whether nobody wrote the journal since this deck read it.
  Result<bool> is_newest();
  // True when a file of another tool was left alone. kind denied while a release is offered.
  Result<bool> publish_feeds(const spec::Channel& channel, const ChannelState& state);
  void note_taken_in(const std::string& channel, ChannelState& state);
  Result<channel::ChannelInput> channel_input(const spec::Channel& channel, const ChannelState& state);
  Result<const crypto::Ed25519Signer*> key(std::unique_ptr<crypto::Ed25519Signer>& slot,
                                           const std::string& reference, signing::Role role);

  RunClock clock_;
  ports::World world_;
  std::string repository_;
  spec::App app_;
  std::string by_;
  signing::Trust trust_;
  std::unique_ptr<store::Store> state_;
  std::unique_ptr<journal::Journal> journal_;
  std::map<std::string, std::unique_ptr<store::Store>> channel_stores_;
  struct TakenIn {
    std::uint64_t sequence = 0;
    std::vector<std::string> stops;
  };
  std::map<std::string, TakenIn> taken_in_;  // by channel
  std::unique_ptr<crypto::Ed25519Signer> journal_key_, feed_key_, release_key_;
};

}  // namespace tranche::actions
