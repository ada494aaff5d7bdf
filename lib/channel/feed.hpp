// The native feed (FEED.md): one signed file that says which release which devices get. A feed key signs it;
// the releases it names are signed by release keys, so a stolen feed key widens or stops, and never
// introduces an artifact.
//
// Clients in the field cannot be recalled: these members change only by adding optional ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/manifest.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "cohort/decide.hpp"
#include "signing/dsse.hpp"
#include "signing/keys.hpp"
#include "store/store.hpp"

namespace tranche::channel {

inline constexpr std::string_view feed_name = "tranche/v1/feed.json";
std::string manifest_name(std::string_view version);  // tranche/v1/releases/<v>/manifest.json
std::string artifact_name(std::string_view version,
                          std::string_view artifact);  // tranche/v1/releases/<v>/<artifact>
inline constexpr std::size_t max_feed_bytes = 1 << 20;
inline constexpr std::size_t max_manifest_bytes = 1 << 20;

struct ReleaseRef {
  std::string version;
  std::string manifest_sha256;  // hex, over the envelope's bytes
  std::string manifest_path;    // name in the store
  bool operator==(const ReleaseRef&) const = default;
};

struct Feed {
  std::string app, channel;
  std::uint64_t sequence = 0;  // journal index of the entry that decided it
  Instant issued{}, expires{};
  std::string plan;  // hex digest of the frozen plan; empty before the first rollout
  std::vector<ReleaseRef> releases;
  cohort::Directions directions;
  bool operator==(const Feed&) const = default;
};

std::string to_payload(const Feed& feed);              // RFC 8785 JSON
Result<Feed> parse_payload(std::string_view payload);  // kind verification; strict and bounded
Result<std::string> seal(const Feed& feed, const crypto::Ed25519Signer& feed_key);

// What a client remembers of a stream.
struct Seen {
  std::uint64_t sequence = 0;
};

// FEED.md's order: size, signature by a trusted feed key, app and channel, expiry, sequence >= the last one
// seen, then that every version the directions name has a release entry. kind verification with a distinct
// message each.
Result<Feed> open_feed(std::string_view envelope, const signing::Trust& trust, std::string_view app,
                       std::string_view channel, Instant now, const Seen& seen);

// The manifest of a release the feed names: digest, signature by a trusted release key, app, version.
Result<artifact::Manifest> open_release(const Feed& feed, std::string_view version, std::string_view envelope,
                                        const signing::Trust& trust);

// Reads what is published; nullopt when nothing is. The store is not believed: the signature is checked,
// expiry is not.
struct Published {
  Feed feed;
  store::Version version;
};
Result<std::optional<Published>> read_published(store::Store& store, const signing::Trust& trust,
                                                std::string_view app, std::string_view channel);

// A document's name and its bytes.
using NamedBytes = std::pair<std::string, std::string>;
// Puts artifacts, the feeds' documents (Manifest.feeds) and the manifest of a release into the store, in this
// order (digest compared: the same bytes again are fine, other bytes under a known name are kind invalid).
// `artifact_paths`: artifact name -> local path. `documents`: those of Manifest.feeds that the store does not
// hold yet, in any order; one that differs from what the manifest says is kind verification. They lie beside
// the manifest, at artifact_name(version, name), for readers that see the channel's store only.
Result<ReleaseRef> publish_release(store::Store& store, const artifact::Manifest& manifest,
                                   std::string_view manifest_envelope,
                                   const std::vector<std::pair<std::string, std::string>>& artifact_paths,
                                   const std::vector<NamedBytes>& documents = {});
// What `feed` must know of a release, as its signed manifest binds it. nullopt: the release has nothing for
// that feed. kind verification: it is missing, or is not what the release key signed.
Result<std::optional<std::string>> read_facts(store::Store& store, const artifact::Manifest& manifest,
                                              std::string_view feed);

// The reference client over a whole channel, for `feed check`: every finding, not only the first.
struct Finding {
  std::string check;  // "signature", "expiry", "manifest 1.2.0", "artifact x.deb", ...
  bool ok = false;
  std::string detail;
};
Result<std::vector<Finding>> check_channel(store::Store& store, const signing::Trust& trust,
                                           std::string_view app, std::string_view channel, Instant now,
                                           bool with_artifacts);

}  // namespace tranche::channel
