// The update server: feeds, decisions, check-ins, flags, /metrics, a status page. It keeps no state that a
// replica cannot rebuild: feeds come from the store, counters are cumulative at the devices.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "server/counters.hpp"
#include "server/feeds.hpp"
#include "server/http.hpp"

namespace tranche::server {

struct Options {
  HttpOptions http;
  std::vector<ServedChannel> channels;  // at least one; names differ within an app
  Bounds bounds;
  Feeds::Tell tell;  // what happens to the channels, in words; called on a thread of the server's
  FindEcosystem find_ecosystem = channel::find_ecosystem;  // the writers of feeds that the server decides
  Duration poll_every = std::chrono::milliseconds(200);    // how often the directories are looked at
};

class Server {
 public:
  // Listens when it returns. A channel without a good feed is no error: /healthz says so and /v1/update
  // answers 503 until there is one. `world` outlives the server.
  static Result<std::unique_ptr<Server>> start(ports::World& world, Options options);
  virtual ~Server() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Reads the directories now, for tests that do not want to wait.
  virtual void poll() = 0;
  virtual void stop() = 0;  // graceful, 2 s at most
};

}  // namespace tranche::server
