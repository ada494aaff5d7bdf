#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.hpp"
#include "rollout/feeds.hpp"

using namespace tranche;
using namespace tranche::rollout;

namespace {

struct Wanted {
  std::string feeds = "tranche, electron";
  std::string channel;  // more keys of the channel
  std::string stages = "[{percent: 5}, {percent: 100}]";
  std::string more;     // more keys of the file
  std::string rollout;  // more keys of the rollout
  std::string fallback;
  bool accept = false;
};

Result<Plan> plan_for(const Wanted& wanted) {
  const std::string yaml = "version: 1\napp: notes\nchannels: { stable: { store: \"dir:s\", feeds: [" +
                           wanted.feeds + "]" + (wanted.channel.empty() ? "" : ", " + wanted.channel) +
                           " } }\n" + wanted.more + "\nrollouts: { desktop: { stages: " + wanted.stages +
                           (wanted.rollout.empty() ? "" : ", " + wanted.rollout) + " } }\n";
  auto spec = spec::parse(yaml);
  if (!spec) return fail(spec.error());
  PlanInput input;
  input.rollout = "desktop";
  input.release = "1.2.0";
  input.manifest_sha256 = std::string(64, 'a');
  input.current.baseline = "1.1.0";
  input.accept_no_way_back = wanted.accept;
  input.fallback = wanted.fallback;
  if (!wanted.fallback.empty()) input.fallback_sha256 = std::string(64, 'b');
  return make_plan(spec->apps.front(), input);
}

std::string refusal(const Wanted& wanted) {
  const auto plan = plan_for(wanted);
  return plan ? "" : plan.error().message;
}

}  // namespace

TEST_CASE("what a client cannot honour is refused before anything starts, with what to do instead") {
  struct Row {
    Wanted wanted;
    const char* message;
  };
  const Row rows[] = {
      {{.stages = "[{percent: 0.5}, {percent: 100}]", .accept = true},
       "electron: stage '0.5%' asks for 0.5%"},
      {{.feeds = "tauri", .channel = "url: \"https://u.example\"", .accept = true},
       "tauri: stage '5%' asks for 5%"},
      {{.feeds = "velopack", .accept = true}, "velopack: stage '5%' asks for 5%"},
      {{.feeds = "sparkle", .channel = "url: \"https://u.example\"", .accept = true},
       "sparkle: stage '5%' asks for 5%"},
      {{.feeds = "apt", .stages = "[{percent: 0.5}, {percent: 100}]", .accept = true}, "one machine in 101"},
      {{.rollout = "salt: release", .accept = true}, "always reach the same devices first"},
      {{.feeds = "apt", .rollout = "salt: channel", .accept = true}, "draw anew for each version"},
      {{.stages = "[{cohort: pilot}, {percent: 100}]",
        .more = "cohorts: { pilot: { match: { ring: pilot } } }",
        .accept = true},
       "a static file knows no labels"},
      {{.feeds = "squirrel",
        .stages = "[{cohort: pilot}, {percent: 100}]",
        .more = "cohorts: { pilot: { match: { ring: pilot }, feed-channel: pilot } }",
        .accept = true},
       "one file for everyone"},
      {{.more = "cohorts: { bank: { match: { customer: bank }, hold: \"1.1\" } }", .accept = true},
       "cannot hold devices by label"},
      {{.feeds = "sparkle", .stages = "[{percent: 100}]", .accept = true}, "whole addresses"},
      {{}, "a device that takes 1.2.0 keeps it"},
      {{.feeds = "sparkle", .channel = "url: \"https://u.example\"", .stages = "[{percent: 100}]"},
       "never takes a lower version"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.message);
    const auto plan = plan_for(row.wanted);
    REQUIRE_FALSE(plan.has_value());
    CHECK(plan.error().kind == ErrorKind::invalid);
    CHECK(plan.error().message.find(row.message) != std::string::npos);
    CHECK_FALSE(plan.error().hint.empty());
  }
}

TEST_CASE("all that is refused is said at once") {
  const auto plan = plan_for({.feeds = "electron, apt", .stages = "[{percent: 0.5}, {percent: 100}]"});
  REQUIRE_FALSE(plan.has_value());
  CHECK(plan.error().others.size() == 3);  // two shares, two ways back
}

TEST_CASE("a way back is an opt-in of the client, a prepared fallback, or accepted to be none") {
  CHECK(refusal({.channel = "clients: { electron: { allow-downgrade: true } }"}).empty());
  CHECK(refusal({.fallback = "1.2.1"}).empty());
  CHECK(refusal({.accept = true}).empty());
  const auto plan = plan_for({.feeds = "tranche, electron", .fallback = "1.2.1"});
  REQUIRE(plan.has_value());
  const auto feeds = feed_plans(*plan);
  REQUIRE(feeds.size() == 2);
  CHECK(feeds[0].recovers_to == "1.2.1");
  CHECK(feeds[1].recovers_to == "1.2.1");
  CHECK(stranding_feeds(*plan, 1).empty());
  const auto without = plan_for({.accept = true});
  REQUIRE(without.has_value());
  CHECK(stranding_feeds(*without, 0) == std::vector<std::string>{"electron"});
  CHECK_FALSE(without->warnings.empty());
}

TEST_CASE("nearest rounds down and warns, serve leaves the share to the server") {
  const auto nearest = plan_for({.channel = "on-unsupported: nearest",
                                 .stages = "[{percent: 0.5}, {percent: 12.5}, {percent: 100}]",
                                 .accept = true});
  REQUIRE(nearest.has_value());
  const auto rounded = feed_plans(*nearest)[1];
  CHECK(rounded.stages[0].share == 0);
  CHECK(rounded.stages[1].written == Percent{120'000});
  CHECK(rounded.stages[2].share == 1);
  CHECK(std::ranges::any_of(
      nearest->warnings, [](const std::string& w) { return w.find("whole percents") != std::string::npos; }));

  const auto served = plan_for({.channel = "on-unsupported: serve",
                                .stages = "[{percent: 0.5}, {percent: 100}]",
                                .rollout = "salt: release",
                                .accept = true});
  REQUIRE(served.has_value());
  CHECK(feed_plans(*served)[1].served);
  CHECK(feed_plans(*served)[1].stages[0].share == doctest::Approx(0.005));
  CHECK(refusal({.feeds = "apt",
                 .channel = "on-unsupported: serve",
                 .stages = "[{percent: 0.5}, {percent: 100}]",
                 .accept = true}) != "");
}

TEST_CASE("a plan says what each stage reaches in each feed") {
  const auto plan = plan_for({.feeds = "tranche, electron, apt",
                              .stages = "[{cohort: pilot}, {percent: 10}, {percent: 100}]",
                              .more = "cohorts: { pilot: { match: { ring: pilot }, feed-channel: pilot } }",
                              .accept = true});
  REQUIRE(plan.has_value());
  const auto feeds = feed_plans(*plan);
  CHECK(feeds[1].stages[0].cohort_file == "pilot");
  CHECK(feeds[1].stages[0].share == 0);
  CHECK(feeds[1].stages[1].share == doctest::Approx(0.1));
  CHECK(feeds[2].stages[1].share == doctest::Approx(11 / 101.0));
  CHECK(feeds[2].stages[2].share == 1);
}

TEST_CASE("a plan with a fallback reads back as it was written") {
  const auto plan = plan_for({.fallback = "1.2.1"});
  REQUIRE(plan.has_value());
  const auto again = plan_from_value(to_value(*plan));
  REQUIRE(again.has_value());
  CHECK(again->fallback == "1.2.1");
  CHECK(to_value(*again) == to_value(*plan));
}
