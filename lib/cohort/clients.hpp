// What each updater ecosystem's client can be told, and its own arithmetic. PURE.
//
// Nobody rewrites the updater of an app in the field: a percentage means what that client makes of it. The
// table says what a feed can express; `reach` says what a wanted share becomes; the predictors answer, bit
// for bit, what one client decides about itself. Sources of each formula stand at its function.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/percent.hpp"
#include "cohort/decide.hpp"

namespace tranche::cohort {

enum class Fraction {
  none,           // everybody who reads the file, or nobody
  whole_percent,  // 1%, 2%, ... of the ids, by the client's own dice
  sevenths,       // 1/7, 2/7, ...: groups that the client drew once
  any,            // parts per million
};
enum class ClientSalt { none, sticky, release, any };  // sticky: always the same devices first
enum class Pausing { any_time, withdraw_only };        // withdraw_only: a share of 0 still reaches some
enum class Downgrade { yes, opt_in, no };              // does a client take a lower version from the feed?

// One row of the table that planning reads and `feed list` shows.
struct Capabilities {
  std::string_view feed;
  Fraction fraction = Fraction::none;
  ClientSalt salt = ClientSalt::none;
  Pausing pausing = Pausing::any_time;
  Downgrade downgrade = Downgrade::no;
  bool labels = false;         // reaches cohorts by label
  bool feed_channels = false;  // a cohort can read a file of its own
  bool own_file = false;       // and then reads no other, so a hold on it holds
  bool needs_url = false;      // its files name whole addresses
  bool servable = false;       // the client sends an id, so `tranche serve` can decide for it
  std::string_view fraction_text, salt_text, pause_text, downgrade_text, force_text, cohorts_text,
      previous_text, signed_text;  // the same in a few words, for people
};
std::span<const Capabilities> clients();                 // in the order of the docs
const Capabilities* find_client(std::string_view feed);  // null: no such feed

// What a wanted share becomes in a static feed.
struct Reach {
  Percent written;       // the largest share the feed can say that is not above the wanted one
  double share = 0;      // of devices that a client's own arithmetic then lets through, 0..1
  bool honoured = true;  // the feed says the wanted share itself
  std::string why;       // when not honoured: what the client makes of it, in words
};
Reach reach(const Capabilities& client, Percent wanted);

// What one static file of a channel says. `feed_channel` empty: the channel's own file.
struct Track {
  std::string feed_channel;
  std::string release;   // offered to `share`; empty: nothing is published yet
  Percent share;         // everyone(): all who read it
  std::string previous;  // for the rest, where the ecosystem can say so; empty: nothing
  bool rescue = false;   // the release brings devices back from a withdrawn one
  bool emptied = false;  // what the file offered was withdrawn, and nothing may stand in its place
  bool operator==(const Track&) const = default;
};
// Directions as static feeds can say them: one track for the channel itself, then one a feed channel, in
// order. After a withdrawal the tracks name the baseline, or the withdrawn release's fallback where that is
// higher (clients that cannot go back go forward to it). A hold on a feed channel keeps its file at the
// newest release that the hold allows, one on everyone (no labels, no feed channel) keeps all of them.
std::vector<Track> tracks(const Directions& directions, std::span<const std::string> feed_channels);
// The track that this client's file may say: never more than was asked. A share that the client cannot take
// (or, when `served`, any share below everyone: `tranche serve` decides that) leaves the file at the previous
// release.
Track honour(const Capabilities& client, Track track, bool served);
// What static feeds name when nothing is offered: the baseline, or a fallback that is higher.
std::string standing_release(const Directions& directions);

// --- the clients' own dice -------------------------------------------------------------------------------

// A UUID's 16 bytes as written (8-4-4-4-12 hex digits, either case); nullopt when it is none.
std::optional<std::array<unsigned char, 16>> parse_uuid(std::string_view text);

// electron-updater (electron-builder, packages/electron-updater/src/AppUpdater.ts isStagingMatch): in when
// bytes 12..15 of the user's id, big-endian, / 0xFFFFFFFF < parseInt(stagingPercentage) / 100. What parseInt
// takes for no number lets everybody in. nullopt: the field is absent, everybody is in.
bool electron_admits(std::string_view user_id, std::optional<std::string_view> staging_percentage);

// APT (apt-pkg/policy.cc): the machine's draw, 0..100, from "<source>-<source version>-<machine id>". It
// upgrades when draw <= Phased-Update-Percentage: at 0 one machine in 101 still does.
unsigned apt_draw(std::string_view source, std::string_view source_version, std::string_view machine_id);

// Sparkle (SUAppcastDriver.m itemIsReadyForPhasedRollout): the group, 0..6, that a host's
// SUUpdateGroupIdentifier falls into.
unsigned sparkle_group(std::uint64_t group_identifier);

// Squirrel.Windows (ReleaseEntry.cs IsStagingMatch) and old Velopack: in when bytes 12..15 of the beta id's
// Guid.ToByteArray(), little-endian, / 0xFFFFFFFF < percentage / 100.
bool squirrel_admits(std::string_view user_id, int staging_percentage);

}  // namespace tranche::cohort
