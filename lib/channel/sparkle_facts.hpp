// What an appcast must know of a release: the archive that Macs download, its signature, and what an adopted
// item said besides. Canonical JSON:
//   {"schema": "tranche/sparkle-facts/v1", "version", "short-version", "archive": {"name", "path"? | "url"?,
//    "length", "type", "ed-signature"?, "dsa-signature"?, "installation-type"?}, "deltas"?: [{..., "from"}],
//    "released"?, "title"?, "link"?, "notes-link"?, "full-notes-link"?, "description"?,
//    "description-format"?, "minimum-system"?, "maximum-system"?, "hardware"?, "minimum-autoupdate"?,
//    "minimum-update"?, "ignore-skipped-below"?, "critical"?, "informational"?: [...]}
// An archive lies at its release's place in the store, or at `path` there, or at `url` elsewhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "channel/appcast.hpp"
#include "channel/ecosystem.hpp"

namespace tranche::channel {

struct SparkleFile {
  std::string name, path;
  Enclosure enclosure;  // its url only when the archive lies elsewhere
  bool operator==(const SparkleFile&) const = default;
};
struct SparkleFacts {
  AppcastItem item;  // without enclosure, deltas, channel and interval: those are made when it is written
  SparkleFile archive;
  std::vector<SparkleFile> deltas;
  bool operator==(const SparkleFacts&) const = default;
};

std::string to_text(const SparkleFacts& facts);
Result<SparkleFacts> parse_sparkle_facts(std::string_view text);  // kind verification

// Signs the archive with the client's key. kind invalid: archives for several processors and none for all,
// no key.
Result<std::string> describe_sparkle(const DescribeInput& input);

}  // namespace tranche::channel
