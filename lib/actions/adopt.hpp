// Taking over a channel that another tool published: its release in force becomes a signed release on record
// and the channel's first baseline. What clients read does not change here; the next publish changes it, and
// `channel diff` shows how.
//
// Killed anywhere, it is run again: every step is asked whether it is done. The release key signs what is
// adopted, so whoever holds only the feed key adopts nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actions/deck.hpp"
#include "channel/foreign.hpp"
#include "channel/site.hpp"

namespace tranche::actions {

struct AdoptRequest {
  const spec::Channel& channel;
  channel::Site& site;    // where the other tool published
  bool in_place = false;  // the site is the channel's own store
  channel::Choice choice;
  bool trust_digests = false;
  bool earlier = true;  // releases that the feeds still name besides the one in force, at most spare_releases
  bool dry_run = false;
  std::string reason;
};

struct AdoptedFile {
  std::string feed, name, sha256;
  std::uint64_t size = 0;
};
struct Adopted {
  std::string baseline;
  std::vector<AdoptedFile> files;     // of the feeds, as read
  std::vector<std::string> releases;  // on record now, highest first; the baseline among them
  std::vector<std::string> notes;
  bool changed = false;  // something was recorded or sealed; of a dry run: would be
};

// kind denied: a release is being rolled out in the channel, or what is offered there was withdrawn. kind
// conflict: a file changed meanwhile. Otherwise as channel/foreign.hpp.
Result<Adopted> adopt_channel(Deck& deck, const AdoptRequest& request);

// `on-foreign-write: adopt`: takes what another tool wrote into the channel's own store, when nothing is
// being rolled out there. False when the policy is another, or when this machine has no release key: then
// nothing was done.
Result<bool> adopt_foreign_write(Deck& deck, const spec::Channel& channel);

}  // namespace tranche::actions
