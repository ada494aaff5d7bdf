#include "base/time.hpp"

#include <doctest/doctest.h>

using namespace tranche;
using namespace std::chrono_literals;

TEST_CASE("a duration is read or refused") {
  CHECK(*parse_duration("30s") == 30s);
  CHECK(*parse_duration("1h30m") == 90min);
  CHECK(*parse_duration("2d") == 48h);
  CHECK(*parse_duration("250ms") == 250ms);
  for (const char* bad : {"", "5", "-1s", "1x", "1m1h", "99999999999d", "s", "1 s", "1s1s"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad).has_value());
  }
  CHECK(parse_duration_range("6h..24h")->max == 24h);
  CHECK_FALSE(parse_duration_range("24h..6h").has_value());
}

TEST_CASE("durations and instants read back equal to what was written") {
  for (Duration d : {Duration{0}, Duration{1}, Duration{90min}, Duration{25h}, Duration{1001}})
    CHECK(*parse_duration(to_text(d)) == d);
  const Instant t = *parse_instant("2026-11-21T10:45:00.25Z");
  CHECK(to_text(t) == "2026-11-21T10:45:00.250Z");
  CHECK(*parse_instant("2026-11-21T12:45:00.25+02:00") == t);
  for (const char* bad : {"", "2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T10:45:00",
                          "2026-11-21 10:45:00Z", "2026-11-21T10:45:00Zx"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_instant(bad).has_value());
  }
}
