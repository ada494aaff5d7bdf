// A Sparkle appcast: RSS 2.0 with elements of Sparkle's own (SUAppcast.m, SUAppcastItem.m; 2.x).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tranche::channel {

inline constexpr std::string_view sparkle_namespace = "http://www.andymatuschak.org/xml-namespaces/sparkle";
inline constexpr std::size_t max_appcast_items = 5'000;

struct Enclosure {
  std::string url, type = "application/octet-stream";
  std::uint64_t length = 0;  // 0: not said
  std::string ed_signature;  // base64 of 64 bytes over the archive
  std::string dsa_signature;
  std::string os;                 // empty: macOS
  std::string installation_type;  // empty: by the file's suffix
  std::string delta_from;         // a delta: the version it applies to
  bool phased_attribute = false;  // phasedRolloutInterval as an attribute, which no client reads
  bool operator==(const Enclosure&) const = default;
};

struct AppcastItem {
  std::string title;
  std::string version;  // CFBundleVersion: what clients compare
  std::string short_version;
  std::optional<std::string> pub_date;  // as written
  std::optional<Instant> released;      // pub_date, when clients can read it
  std::string channel;                  // empty: the default one
  std::string channel_ignored;          // a name that clients do not accept: they take it for the default one
  std::optional<Enclosure> enclosure;   // none: informational
  std::vector<Enclosure> deltas;
  std::string link, notes_link, full_notes_link, description, description_format;
  std::string minimum_system, maximum_system, hardware;
  std::string minimum_autoupdate;  // below it, the update is a major one that people are asked about
  std::string minimum_update;      // below it, the item is not for them (2.9)
  std::string ignore_skipped_below;
  std::optional<std::int64_t> phased_interval;            // seconds a group
  std::optional<std::string> critical;                    // for hosts below this version; empty: for all
  std::optional<std::vector<std::string>> informational;  // "2.4", "<0.5"; empty list: for all
  int line = 0;
  bool operator==(const AppcastItem&) const = default;
};

struct Appcast {
  std::string title, link;
  std::vector<AppcastItem> items;  // in the file's order
  bool signed_block = false;       // ends in Sparkle 2.9's signature over the feed; not verified here
};

// kind verification where a client would refuse the whole feed.
Result<Appcast> parse_appcast(std::string_view bytes, const std::string& file);
// Deterministic: the same appcast gives the same bytes.
std::string write_appcast(const Appcast& appcast);

// "Sat, 26 Jul 2014 15:20:11 +0000" (E, dd MMM yyyy HH:mm:ss Z); nullopt where the client reads no date.
std::optional<Instant> parse_rss_date(std::string_view text);
std::string to_rss_date(Instant instant);

}  // namespace tranche::channel
