// What Sparkle's client makes of an appcast (SUAppcastDriver.m, SPUAppcastItemStateResolver.m; 2.x). PURE.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "channel/appcast.hpp"

namespace tranche::channel {

// The Mac that asks.
struct SparkleHost {
  std::optional<std::string> version;  // CFBundleVersion; absent: older than all
  std::optional<unsigned> group;       // 0..6; absent: a person pressed "Check for updates", nothing waits
  std::set<std::string> channels;      // allowed beside the default one
  std::optional<std::string> system;   // macOS version; absent: newer than all that the feed names
  // What the person said "skip this version" to; empty: nothing. A client looks at it in the background only.
  std::string skipped, skipped_major, skipped_major_sub;
};

// a is older than what runs, as the client compares.
bool runs_below(const SparkleHost& host, std::string_view version);
bool is_critical(const AppcastItem& item, const SparkleHost& host);
bool is_informational(const AppcastItem& item, const SparkleHost& host);
bool is_major_upgrade(const AppcastItem& item, const SparkleHost& host);
// The groups 0..n-1 that are let in at `now`: 0..7. 7 without an interval or a date that can be read.
unsigned groups_ready(const AppcastItem& item, Instant now);

// First pass: for macOS, on an allowed channel, no delta at the top, host not below minimumUpdateVersion.
std::vector<const AppcastItem*> visible_items(const Appcast& appcast, const SparkleHost& host);
// Second pass, over the first: system, phased group, skipped versions, and major upgrades left out or not.
std::vector<const AppcastItem*> supported_items(const std::vector<const AppcastItem*>& items,
                                                const SparkleHost& host, Instant now, bool without_major);
// The highest version, the first of equals; null for none.
const AppcastItem* best_item(const std::vector<const AppcastItem*>& items);

struct SparkleChoice {
  const AppcastItem* item = nullptr;      // offered; null: nothing
  const AppcastItem* waiting = nullptr;   // a higher one whose group is not ready yet
  const AppcastItem* standing = nullptr;  // the highest supported one, when it is not newer than what runs
  bool critical = false, informational = false, major = false;
};
SparkleChoice choose_update(const Appcast& appcast, const SparkleHost& host, Instant now);

}  // namespace tranche::channel
