// The red button from anywhere: with the journal where it can be reached, else with the channel's store and
// the feed key alone (channel/stop_beside.hpp). Every part is tried; what failed is listed, and pressing
// again finishes it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "channel/stop_beside.hpp"
#include "engine/engine.hpp"

namespace tranche::engine {

struct RedButton {
  std::string rollout, reason, by;
  std::optional<spec::App> app;       // of the checkout; nullopt: there is none
  std::string app_name;               // whose rollout, where several apps share the state; empty: look
  std::string repository;             // of the checkout; empty: there is none
  std::string state;                  // actions/store_urls.hpp; empty: the checkout's
  std::vector<std::string> stores;    // where the channel's feed lies; empty: as the configuration says
  std::vector<std::string> trust;     // public keys that the journal (without it: the feed) is believed by
  std::string feed_key, journal_key;  // secret references; empty: as the configuration says, else
                                      // env:TRANCHE_FEED_KEY and env:TRANCHE_JOURNAL_KEY
  bool dry_run = false;
};

struct Pressed {
  std::optional<Report> report;  // what the journal says now; nullopt: it knows nothing of this stop yet
  struct Beside {
    std::string store;  // "dir:/srv/updates"
    channel::StoppedBeside done;
  };
  std::vector<Beside> beside;      // done without the journal
  std::vector<std::string> notes;  // what a person has to know, in words
  std::vector<Error> failures;     // parts that failed
  [[nodiscard]] bool stranded() const;
};

// An error means that nothing was done: a rollout that nobody started, a key that is missing, no place given.
Result<Pressed> press(ports::World& world, const RedButton& button,
                      const std::function<void(const std::string&)>& listener);

}  // namespace tranche::engine
