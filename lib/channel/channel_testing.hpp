// What the tests of this room share: keys, a manifest and the usual feed.
#pragma once

#include <string>
#include <string_view>

#include "artifact/manifest.hpp"
#include "channel/feed.hpp"
#include "crypto/digest.hpp"

namespace tranche::channel::testing {

inline crypto::SecretKey key_of(char seed) {
  return *crypto::SecretKey::from_seed(Secret(std::string(32, seed)));
}

struct Keys {
  crypto::SecretKey release = key_of('r'), feed = key_of('f'), journal = key_of('j');
  signing::Trust trust{{}, {release.public_key()}, {feed.public_key()}, {journal.public_key()}};
};

inline std::string digest_of(std::string_view text) { return crypto::to_hex(crypto::sha256(text)); }

inline artifact::Manifest usual_manifest(const std::string& version, const std::string& bytes) {
  artifact::Manifest manifest;
  manifest.app = "notes-agent";
  manifest.version = version;
  manifest.created = *parse_instant("2026-01-01T00:00:00Z");
  manifest.artifacts.push_back({"notes.deb", "linux/amd64", bytes.size(), digest_of(bytes), {}});
  manifest.artifacts.push_back({"notes.tar.gz", "linux/amd64", bytes.size() + 1, digest_of(bytes + "2"), {}});
  return manifest;
}

inline std::string sealed_manifest(const Keys& keys, const std::string& version, const std::string& bytes) {
  return *artifact::seal(usual_manifest(version, bytes), keys.release);
}

inline Feed usual_feed() {
  Feed feed;
  feed.app = "notes-agent";
  feed.channel = "stable";
  feed.sequence = 7;
  feed.issued = *parse_instant("2026-01-01T00:00:00Z");
  feed.expires = *parse_instant("2026-01-02T00:00:00Z");
  feed.plan = digest_of("plan");
  feed.releases = {{"1.1.0", digest_of("1.1.0"), manifest_name("1.1.0")},
                   {"1.2.0", digest_of("1.2.0"), manifest_name("1.2.0")}};
  cohort::Rule pilots, five_percent;
  pilots.labels = {{"ring", {"pilot"}}};
  pilots.all = true;
  five_percent.below = cohort::threshold(Percent{50'000});
  feed.directions.offer = cohort::Offer{"1.2.0", "notes-agent/stable/1.2.0", {pilots, five_percent}};
  feed.directions.baseline = "1.1.0";
  feed.directions.withdrawn = {{"1.0.9", "1.1.0"}};
  feed.directions.holds = {{{{"customer", {"bank"}}}, "1.1"}};
  return feed;
}

}  // namespace tranche::channel::testing
