// The fleet over real HTTP: every device polls its feed, verifies, updates, and reports.
//
// Devices are shared out to lanes, each a thread with one keep-alive connection. A lane takes the devices
// that are due, sends their reports as one batched check-in and their feed requests behind it, and reads all
// answers: what a gateway in front of a site does. Each device keeps its own sequence, decision and counters.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "fleet/model.hpp"
#include "ports/ports.hpp"
#include "signing/keys.hpp"

namespace tranche::fleet {

struct LoadOptions {
  Model model;
  std::string url;  // of the server: http://host:port
  std::string app, channel;
  signing::Trust trust;
  std::string report;      // file that is rewritten every second; empty: none
  Duration duration{};     // 0: until interrupted
  std::string until_gone;  // ends when no device runs this version any more, after some did; empty: never
  int connections = 8;     // 1..256
  std::function<void(const std::string& line)> progress;  // once a second; may be empty
};

// Runs until its duration is over or the user interrupts. The result is the report:
// {"schema":"tranche/fleet/v1","seed","devices","by-version":{v:n},"ever":{v:n},"failures":{word:n},
//  "polls","checkins","refused-checkins","updates","bytes","seconds","stranded","example-device",
//  "timeline":[{"t":seconds,"by-version":{}}]}
// "ever" counts devices that have run a version; "example-device" is the one that ran most of them.
// Kind usage: options out of range. A server that does not answer is no error: devices keep what they run,
// and "failures" counts it.
Result<doc::Value> run_load(ports::World& world, const LoadOptions& options);

}  // namespace tranche::fleet
