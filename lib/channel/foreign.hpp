// A channel that another tool published, read by every client of it: which release is in force, and what a
// manifest of ours must say of it.
//
// Nothing here is believed: files are read and hashed, and must be what the feed says they are.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "artifact/manifest.hpp"
#include "base/error.hpp"
#include "channel/ecosystem.hpp"
#include "channel/site.hpp"
#include "spec/spec.hpp"

namespace tranche::channel {

struct ForeignFeed {
  std::string feed;                          // "electron"
  std::string feed_channel;                  // a cohort's own file; empty: the channel's
  std::unique_ptr<View> view;                // of all its files together
  std::vector<std::unique_ptr<View>> parts;  // one for each file that clients begin with
};
struct ForeignChannel {
  std::vector<ForeignFeed> feeds;      // those that were found
  std::vector<std::string> addresses;  // where clients see the site, each ending in '/': of whole addresses
};

// What an ecosystem's clients read at a site, one view for each file that some of them begin with: Windows
// and Mac may be told different things. `input` names no platform. Empty: nothing is there.
Result<std::vector<std::unique_ptr<View>>> read_views(const Ecosystem& ecosystem, ReadInput input);

// Reads the channel's feeds at a site, and the files that cohorts read. kind invalid: no feed is there. kind
// verification: a client would refuse what was read. `world` and `repository`: for the key that a client
// checks signatures with.
Result<ForeignChannel> read_foreign(ports::World& world, const std::string& repository, Site& site,
                                    const spec::Channel& channel,
                                    const std::vector<std::string>& feed_channels, Instant now,
                                    const std::vector<Ecosystem>& known = ecosystems());

// The version that a release has on record. APT's Debian revision and epoch are the package's, not the
// release's: 1:1.2.0-1 is 1.2.0.
std::string release_version(std::string_view feed, std::string_view version);

// What the other tool's feeds give now.
struct InForce {
  std::string version;             // the release that the channel's feeds offer
  std::vector<std::string> notes;  // feeds that say something else
};
struct Choice {
  std::string release;  // which one, where feeds disagree; empty: they must agree
  bool finish = false;  // a release that only a share gets counts as if everyone got it
};
// kind invalid: nothing is offered, feeds disagree, or a release is being rolled out.
Result<InForce> find_in_force(const ForeignChannel& foreign, const Choice& choice);

// Versions that the feeds name, highest first; each as release_version has it.
std::vector<std::string> named_versions(const ForeignChannel& foreign);

struct ForeignRelease {
  artifact::Manifest manifest;
  std::vector<std::pair<std::string, std::string>> documents;  // of Manifest.feeds: name, bytes
  std::map<std::string, std::string> places;                   // artifact → its name at the site
};
// A manifest of what the feeds name under a version. Each file is read, hashed, and compared with every
// digest and size that a feed gives; with `trust_digests` a file whose SHA-256 and size a feed gives is not
// read. kind verification: a file is not what a feed says. kind invalid: a file is missing or lies elsewhere.
Result<ForeignRelease> collect_release(Site& site, const ForeignChannel& foreign, const std::string& app,
                                       const std::string& version, Instant created, bool trust_digests);

}  // namespace tranche::channel
