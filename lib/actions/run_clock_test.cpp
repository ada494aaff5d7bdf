#include "actions/run_clock.hpp"

#include <doctest/doctest.h>

#include "support/fake_world.hpp"

using namespace std::chrono_literals;
using namespace tranche;

TEST_CASE("a wall clock that jumps while a run goes on does not move the run's time") {
  support::FakeClock wall;
  actions::RunClock clock(wall);
  const Instant begun = wall.now();
  wall.advance(3s);
  CHECK(clock.now() == begun + 3s);
  for (const Instant jumped : {begun + 48h, begun - 24h * 365}) {
    wall.set(jumped);
    CHECK(clock.now() == begun + 3s);
  }
  CHECK(clock.sleep_until(begun + 5s));
  CHECK(clock.now() == begun + 5s);
  clock.read_wall();
  CHECK(clock.now() == wall.now());
}
