// The red button without the journal: what can be done with the channel's store and the feed key alone.
//
// A signed file says first that it was stopped (spool.hpp), then the feed and every other feed of the channel
// is published without the release. Killed anywhere, a second run finishes: the file that waits is found
// again.
#pragma once

#include <string>
#include <vector>

#include "channel/spool.hpp"
#include "channel/static_feeds.hpp"
#include "ports/ports.hpp"
#include "spec/spec.hpp"

namespace tranche::channel {

struct StopBeside {
  ports::World& world;
  const std::string& repository;  // of the checkout; empty: there is none
  const spec::Channel& channel;   // name empty: whatever the feed is of, and the native feed alone
  const std::vector<spec::Cohort>& cohorts;
  const signing::Trust& trust;
  const crypto::Ed25519Signer& feed_key;
  std::string app;  // empty: whatever the feed is of
  std::string rollout, by, reason;
  bool dry_run = false;
};

struct StoppedBeside {
  std::string app, channel;
  std::string release;            // empty: the channel offers nothing, and nothing waits
  std::string fallback;           // empty: its devices keep it
  std::uint64_t sequence = 0;     // of the feed that is published now
  std::string spool;              // name of the file that waits for the journal
  std::vector<std::string> left;  // feeds that could not be written from here
};

// kind failed: nothing is published there, or the channel offers nothing and so nothing can be stopped
// without the journal. kind verification: what is published is signed by no trusted feed key. Other feeds
// that fail are an error after the native one is out.
Result<StoppedBeside> stop_beside(store::Store& store, const StopBeside& request);

}  // namespace tranche::channel
