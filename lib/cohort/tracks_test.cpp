#include <doctest/doctest.h>

#include "cohort/clients.hpp"

using namespace tranche;
using namespace tranche::cohort;

namespace {

Directions offering(std::vector<Rule> rules) {
  Directions directions;
  directions.baseline = "1.1.0";
  directions.offer = Offer{"1.2.0", "salt", std::move(rules)};
  return directions;
}

Rule everyone(std::uint32_t percent) {
  Rule rule;
  if (percent == 100)
    rule.all = true;
  else
    rule.below = threshold(Percent{percent * 10'000});
  return rule;
}

Rule pilots() {
  Rule rule;
  rule.labels = {{"ring", {"pilot"}}};
  rule.all = true;
  rule.feed_channel = "pilot";
  return rule;
}

const std::vector<std::string> channels{"pilot"};

}  // namespace

TEST_CASE("a pilot stage moves the pilots' own file and no other") {
  const auto said = tracks(offering({pilots()}), channels);
  REQUIRE(said.size() == 2);
  CHECK(said[0] == Track{"", "1.1.0", Percent{1'000'000}, "", false});
  CHECK(said[1] == Track{"pilot", "1.2.0", Percent{1'000'000}, "", false});
}

TEST_CASE("a share of everyone reaches the channel's file, and pilots keep all of it") {
  const auto said = tracks(offering({pilots(), everyone(5)}), channels);
  CHECK(said[0] == Track{"", "1.2.0", Percent{50'000}, "1.1.0", false});
  CHECK(said[1] == Track{"pilot", "1.2.0", Percent{1'000'000}, "", false});
}

TEST_CASE("after a withdrawal the files name the baseline, or a fallback that is higher") {
  Directions directions;
  directions.baseline = "1.1.0";
  directions.withdrawn = {{"1.2.0", "1.1.0"}};
  CHECK(tracks(directions, channels)[0] == Track{"", "1.1.0", Percent{1'000'000}, "", true});
  directions.withdrawn = {{"1.2.0", "1.2.1"}};
  CHECK(standing_release(directions) == "1.2.1");
  CHECK(tracks(directions, channels)[1] == Track{"pilot", "1.2.1", Percent{1'000'000}, "", true});
  directions.withdrawn = {{"1.2.0", ""}};
  CHECK(tracks(directions, channels)[0].rescue == false);
}

TEST_CASE("a first release that is withdrawn leaves files that offer nothing") {
  Directions directions;
  CHECK_FALSE(tracks(directions, channels)[0].emptied);
  directions.withdrawn = {{"1.0.0", ""}};
  CHECK(tracks(directions, channels)[0].release.empty());
  CHECK(tracks(directions, channels)[0].emptied);
}

TEST_CASE("a withdrawn release is in no file, even while it is offered") {
  Directions directions = offering({everyone(100)});
  directions.withdrawn = {{"1.2.0", "1.1.0"}};
  for (const Track& track : tracks(directions, channels)) CHECK(track.release == "1.1.0");
}

TEST_CASE("a hold on a feed channel keeps its file at what the hold allows") {
  Directions directions = offering({everyone(100)});
  Hold hold;
  hold.labels = {{"ring", {"pilot"}}};
  hold.max_version = "1.1";
  hold.feed_channel = "pilot";
  directions.holds = {hold};
  const auto said = tracks(directions, channels);
  CHECK(said[0].release == "1.2.0");
  CHECK(said[1].release == "1.1.0");
  directions.holds[0].max_version = "1.0";
  CHECK(tracks(directions, channels)[1].release.empty());
}

TEST_CASE("a hold on everyone keeps all files at what it allows") {
  Directions directions;
  directions.baseline = "1.1.0";
  directions.offer = Offer{"1.2.0", "s", {Rule{}}};
  directions.offer->rules[0].all = true;
  directions.holds = {Hold{{}, "1.1", ""}};
  const std::vector<std::string> names{"pilot"};
  for (const Track& track : tracks(directions, names)) {
    CAPTURE(track.feed_channel);
    CHECK(track.release == "1.1.0");
  }
}

TEST_CASE("a wanted share becomes what each client can be told") {
  struct Row {
    const char* feed;
    std::uint32_t wanted, written;
    bool honoured;
    double share;
  };
  const Row rows[] = {
      {"tranche", 5'000, 5'000, true, 0.005},
      {"electron", 5'000, 0, false, 0},
      {"electron", 100'000, 100'000, true, 0.1},
      {"electron", 125'000, 120'000, false, 0.12},
      {"apt", 100'000, 100'000, true, 11 / 101.0},
      {"apt", 5'000, 0, false, 1 / 101.0},
      {"tauri", 50'000, 0, false, 0},
      {"tauri", 1'000'000, 1'000'000, true, 1},
      {"sparkle", 143'000, 142'857, true, 1 / 7.0},
      {"sparkle", 142'857, 142'857, true, 1 / 7.0},
      {"sparkle", 50'000, 0, false, 0},
      {"sparkle", 500'000, 428'571, false, 3 / 7.0},
      {"velopack", 500'000, 0, false, 0},
      {"squirrel", 500'000, 500'000, true, 0.5},
  };
  for (const Row& row : rows) {
    const std::string feed = row.feed;
    CAPTURE(feed);
    CAPTURE(row.wanted);
    const Capabilities* client = find_client(row.feed);
    REQUIRE(client != nullptr);
    const Reach got = reach(*client, Percent{row.wanted});
    CHECK(got.written.ppm == row.written);
    CHECK(got.honoured == row.honoured);
    CHECK(got.share == doctest::Approx(row.share));
    CHECK(got.why.empty() == row.honoured);
  }
}

TEST_CASE("a file says the share rounded down, and the previous release where the client has no dice") {
  const Track five{"", "1.2.0", Percent{55'000}, "1.1.0", false};
  CHECK(honour(*find_client("electron"), five, false) == Track{"", "1.2.0", Percent{50'000}, "1.1.0", false});
  CHECK(honour(*find_client("electron"), five, true) == Track{"", "1.1.0", Percent{1'000'000}, "", false});
  CHECK(honour(*find_client("tauri"), five, false) == Track{"", "1.1.0", Percent{1'000'000}, "", false});
  const Track all{"", "1.2.0", Percent{1'000'000}, "", false};
  CHECK(honour(*find_client("tauri"), all, true) == all);
}
