// Wall time, and a sleep that wakes early for Ctrl-C.
//
// Wall time may jump while we sleep (NTP, suspend), so a long sleep looks at it again at least once a minute.
// One that jumps back does not make the sleep longer: it ends as well when so much time has passed.
#include <poll.h>

#include <algorithm>
#include <chrono>

#include "os/signals.hpp"
#include "os/world.hpp"

namespace tranche::os {
namespace {

using std::chrono::milliseconds;

class RealClock final : public ports::Clock {
 public:
  Instant now() override { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

  std::chrono::nanoseconds elapsed() override { return std::chrono::steady_clock::now().time_since_epoch(); }

  bool sleep_until(Instant when) override {
    const auto latest = elapsed() + (when - now());
    while (!interrupt_seen()) {
      const auto left = std::min(when - now(), std::chrono::ceil<Duration>(latest - elapsed()));
      if (left <= Duration::zero()) return true;
      pollfd wake{.fd = interrupt_descriptor(), .events = POLLIN, .revents = 0};  // fd -1: only the time
      const auto slice = std::min<Duration>(left, std::chrono::minutes(1));
      poll(&wake, 1, static_cast<int>(slice.count()));
    }
    return false;
  }

  bool interrupted() override { return interrupt_seen(); }
};

}  // namespace

std::unique_ptr<ports::Clock> make_clock() { return std::make_unique<RealClock>(); }

}  // namespace tranche::os
