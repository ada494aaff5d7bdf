#include "base/window.hpp"

#include <doctest/doctest.h>

#include "base/version_range.hpp"

using namespace tranche;
using namespace std::chrono_literals;

namespace {

Instant at(std::string_view text) { return parse_instant(text).value(); }

// Berlin in 2026 and 2027: two hours ahead from the last Sunday of March to that of October, else one.
Result<Duration> offset(std::string_view zone, Instant when) {
  if (zone == "UTC") return Duration{};
  if (zone != "Europe/Berlin") return fail(ErrorKind::invalid, "no such zone");
  const bool summer = (when >= at("2026-03-29T01:00:00Z") && when < at("2026-10-25T01:00:00Z")) ||
                      (when >= at("2027-03-28T01:00:00Z") && when < at("2027-10-31T01:00:00Z"));
  return Duration(summer ? 2h : 1h);
}

}  // namespace

TEST_CASE("a window is open on its days, between its hours, by its zone's clocks") {
  struct Row {
    const char* window;
    const char* now;
    bool open;
    const char* until;
  };
  const Row rows[] = {
      {"Mon-Thu 09:00-16:00 Europe/Berlin", "2026-11-23T07:59:59Z", false,
       "2026-11-23T08:00:00Z"},  // a Monday
      {"Mon-Thu 09:00-16:00 Europe/Berlin", "2026-11-23T08:00:00Z", true, "2026-11-23T15:00:00Z"},
      {"Mon-Thu 09:00-16:00 Europe/Berlin", "2026-11-26T15:00:00Z", false, "2026-11-30T08:00:00Z"},
      {"Mon-Thu 09:00-16:00 Europe/Berlin", "2026-07-06T07:00:00Z", true, "2026-07-06T14:00:00Z"},
      {"Sat-Mon 00:00-24:00 UTC", "2026-11-22T12:00:00Z", true, "2026-11-24T00:00:00Z"},
      {"Fri 22:00-06:00 UTC", "2026-11-28T05:59:00Z", true, "2026-11-28T06:00:00Z"},
      {"Fri 22:00-06:00 UTC", "2026-11-27T05:00:00Z", false, "2026-11-27T22:00:00Z"},
      // clocks go forward at 02:00, and back at 03:00
      {"Sun 01:00-04:00 Europe/Berlin", "2026-03-29T00:30:00Z", true, "2026-03-29T02:00:00Z"},
      {"Sun 01:00-04:00 Europe/Berlin", "2026-10-25T00:30:00Z", true, "2026-10-25T03:00:00Z"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.window);
    CAPTURE(row.now);
    const auto found = opening(parse_window(row.window).value(), {}, at(row.now), offset);
    REQUIRE(found);
    CHECK(found->open == row.open);
    CHECK(to_text(found->until) == row.until);
  }
}

TEST_CASE("frozen days close a window from midnight to midnight of its zone") {
  const std::vector<Days> frozen{parse_days("2026-12-24..2027-01-02").value()};
  const Window always = parse_window("Mon-Sun 00:00-24:00 Europe/Berlin").value();
  const auto eve = opening(always, frozen, at("2026-12-23T22:59:59Z"), offset);
  CHECK(eve->open);
  CHECK(to_text(eve->until) == "2026-12-23T23:00:00Z");
  const auto inside = opening(always, frozen, at("2026-12-31T12:00:00Z"), offset);
  CHECK_FALSE(inside->open);
  CHECK(to_text(inside->until) == "2027-01-02T23:00:00Z");
}

TEST_CASE("a zone that nobody knows is an error, not an open window") {
  CHECK_FALSE(
      opening(parse_window("Mon 09:00-16:00 Mars/Olympus").value(), {}, at("2026-11-23T10:00:00Z"), offset));
}

TEST_CASE("what is no window and what are no days is refused") {
  for (const char* text :
       {"", "Mon", "Mon 09:00-16:00", "Mon-Thu 9:00-16:00 UTC", "Mon 09:00-09:00 UTC", "Mon 24:00-01:00 UTC",
        "Mon 09:60-10:00 UTC", "Lun 09:00-16:00 UTC", "Mon-Tue-Wed 09:00-10:00 UTC",
        "Mon 09:00-16:00 ../etc/passwd", "Mon 09:00-16:00 /UTC", "Mon 09:00-16:00 UTC x"})
    CHECK_MESSAGE(!parse_window(text), text);
  for (const char* text : {"", "2026-02-30", "2026-1-1", "2026-12-24..", "2026-12-24...2026-12-25",
                           "2027-01-02..2026-12-24", "2026-01-01..2029-01-01", "26-01-01"})
    CHECK_MESSAGE(!parse_days(text), text);
}

TEST_CASE("a range of versions is the versions that every part admits") {
  struct Row {
    const char* range;
    const char* version;
    bool inside;
  };
  const Row rows[] = {
      {">=2.3", "2.3.0", true},        {">=2.3", "2.2.9", false},        {">=2.3", "2.3.0-rc.1", false},
      {">=2.3 <3", "2.9", true},       {">=2.3, <3", "3.0.0", false},    {"=1.2.3", "1.2.3+build", true},
      {"1.2.3", "1.2.3", true},        {"1.2.3", "1.2.4", false},        {"!=1.2.3 >1", "1.2.3", false},
      {"> 1.0 , <= 1.5", "1.5", true}, {">=2.3", "not a version", false}};
  for (const Row& row : rows) {
    CAPTURE(row.range);
    CAPTURE(row.version);
    const auto range = parse_version_range(row.range);
    REQUIRE(range);
    CHECK(range->admits(row.version) == row.inside);
  }
  for (const char* text : {"", " ", ">=", ">= ,<3", "~>1.0", ">=1.0 ||", "<x", ">=v1"})
    CHECK_MESSAGE(!parse_version_range(text), text);
}
