#include <doctest/doctest.h>

#include "os/world.hpp"

using namespace tranche;

TEST_CASE("a zone's clocks follow its summer time") {
  const auto zones = os::make_zones();
  const struct {
    const char* zone;
    const char* at;
    int minutes;
  } cases[] = {
      {"UTC", "2026-07-01T00:00:00Z", 0},
      {"Europe/Berlin", "2026-03-29T00:59:59Z", 60},
      {"Europe/Berlin", "2026-03-29T01:00:00Z", 120},
      {"Europe/Berlin", "2026-10-25T01:00:00Z", 60},
      {"America/New_York", "2026-01-15T12:00:00Z", -300},
      {"Asia/Kolkata", "2026-01-15T12:00:00Z", 330},
      {"Australia/Lord_Howe", "2026-07-15T12:00:00Z", 630},
  };
  for (const auto& c : cases) {
    CAPTURE(c.zone);
    CAPTURE(c.at);
    const auto offset = zones->offset(c.zone, *parse_instant(c.at));
    REQUIRE(offset.has_value());
    CHECK(*offset == std::chrono::minutes(c.minutes));
  }
}

TEST_CASE("what is no zone is an error, a path of the machine too") {
  const auto zones = os::make_zones();
  for (const char* name :
       {"", "Nowhere/City", "/etc/passwd", "../../etc/passwd", "Europe/Berlin\n", ":/etc/x"}) {
    CAPTURE(name);
    const auto offset = zones->offset(name, Instant{});
    REQUIRE(!offset.has_value());
    CHECK(offset.error().kind == ErrorKind::invalid);
  }
}
