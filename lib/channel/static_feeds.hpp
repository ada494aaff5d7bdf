// A channel with all its feeds, published together.
//
// The native feed is written always: its sequence is the fence. Every other feed's files follow it, each on
// the condition that it still is what was read, with its statement (statement.hpp) just before it. A
// directory and a git branch compare all before they write anything; in a bucket a writer that slept loses
// each file to whoever wrote it since. Killed anywhere, the next publish carries on: what is wanted is
// computed from the decision, never from what was written so far.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "channel/ecosystem.hpp"
#include "channel/feed.hpp"

namespace tranche::channel {

// A release on record, with what each feed must know of it.
struct Recorded {
  artifact::Manifest manifest;
  std::map<std::string, std::string> facts;  // feed → document
};

struct ChannelInput {
  ports::World& world;
  const std::string& repository;
  const spec::Channel& channel;
  const signing::Trust& trust;
  Feed feed;                               // the native one: sequence, times, directions
  std::vector<std::string> feed_channels;  // that ever had a file of their own
  std::vector<Recorded> releases;          // that may be named; none withdrawn
  std::optional<Error> unread;  // a release on record that cannot be read: the native feed alone is published
  const crypto::Ed25519Signer& feed_key;
  std::set<std::string> known_stops{};  // names of spooled stops (spool.hpp) that the decision takes in
  // Whether this still is the newest decision. Asked before a native feed that is damaged (torn, a bit of it
  // turned over) is replaced: it does not tell its sequence any more, and the journal does. Empty: there is
  // no journal to ask, and a damaged feed is refused.
  std::function<Result<bool>()> is_newest{};
};

struct Change {
  std::string feed;  // "electron"
  std::string name;  // of the file
  std::string before, after;
  bool absent = false;   // before: there was none
  bool foreign = false;  // another tool wrote what is there: it is left alone
};
struct ChannelReport {
  std::vector<Change> changes;     // pointers only, statements and digest-named files left out
  std::vector<std::string> notes;  // of the ecosystems
  [[nodiscard]] std::vector<const Change*> foreign() const;
};

// What publishing would change. Writes nothing.
Result<ChannelReport> compare_channel(store::Store& store, const ChannelInput& input);
// Publishes. kind conflict: a newer decision is published, or a stop waits in the spool that this one does
// not know of. A foreign file is left alone and reported, unless it offers a release that the directions
// withdraw: taking that back comes first. A damaged native feed is made again, by whoever holds the newest
// decision.
Result<ChannelReport> publish_channel(store::Store& store, const ChannelInput& input);

// Puts the artifacts of a release under the second names that some clients want them at. `artifact_paths`:
// artifact name → local path.
Result<> publish_aliases(store::Store& store, const spec::Channel& channel,
                         const artifact::Manifest& manifest,
                         const std::vector<std::pair<std::string, std::string>>& artifact_paths);

// The tracks that this feed's files may say: rounded down to what the client reads, or left to `tranche
// serve`.
std::vector<cohort::Track> written_tracks(const spec::Channel& channel, const cohort::Capabilities& client,
                                          const cohort::Directions& directions,
                                          const std::vector<std::string>& feed_channels);

// Names of the channel's feeds that this build cannot write.
std::vector<std::string> missing_feeds(const spec::Channel& channel);

}  // namespace tranche::channel
