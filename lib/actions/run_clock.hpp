// The time of one run. A wall clock may jump while a run goes on: set by hand, by NTP, by a machine that woke
// up. A bake, a deadline or a pause would then be over at once, or never. So a run reads the wall clock once,
// and goes on from there by what has passed since.
#pragma once

#include "ports/ports.hpp"

namespace tranche::actions {

class RunClock final : public ports::Clock {
 public:
  explicit RunClock(ports::Clock& wall);  // which outlives it
  // Reads the wall clock anew: a tick of a run that lasts for days begins.
  void read_wall();

  Instant now() override;
  std::chrono::nanoseconds elapsed() override { return wall_.elapsed(); }
  bool sleep_until(Instant when) override;
  [[nodiscard]] bool interrupted() override { return wall_.interrupted(); }

 private:
  ports::Clock& wall_;
  Instant begun_{};
  std::chrono::nanoseconds at_{};  // what elapsed() was then
};

}  // namespace tranche::actions
