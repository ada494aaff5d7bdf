#include "actions/run_clock.hpp"

namespace tranche::actions {

RunClock::RunClock(ports::Clock& wall) : wall_(wall) { read_wall(); }

void RunClock::read_wall() {
  begun_ = wall_.now();
  at_ = wall_.elapsed();
}

Instant RunClock::now() { return begun_ + std::chrono::duration_cast<Duration>(wall_.elapsed() - at_); }

bool RunClock::sleep_until(Instant when) { return wall_.sleep_until(wall_.now() + (when - now())); }

}  // namespace tranche::actions
