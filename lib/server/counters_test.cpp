#include "server/counters.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "cohort/clients.hpp"
#include "doc/value.hpp"
#include "server/query.hpp"
#include "server/static_files.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::server;

namespace {

const Instant start = Instant(std::chrono::seconds(1'767'225'600));  // 2026-01-01T00:00:00Z

cohort::Directions half_offer() {
  cohort::Directions directions;
  directions.baseline = "1.0.0";
  cohort::Rule rule;
  rule.below = cohort::threshold(Percent{500'000});
  directions.offer = cohort::Offer{"1.1.0", "app/stable/1.1.0", {rule}};
  return directions;
}

CheckIn make(std::string device, std::string boot, std::uint32_t seq, std::uint32_t sessions,
             std::uint32_t crashes, std::string version = "1.0.0") {
  CheckIn in;
  in.device.id = std::move(device);
  in.app = "app";
  in.channel = "stable";
  in.version = std::move(version);
  in.boot = std::move(boot);
  in.seq = seq;
  in.sessions = sessions;
  in.crashes = crashes;
  return in;
}

struct Fixture {
  Counters counters;
  cohort::Directions directions = half_offer();
  Instant now = start + std::chrono::seconds(1);
  explicit Fixture(Bounds bounds = {}) : counters(start, "0123456789abcdef", bounds) {
    counters.see_feed("app", "stable", directions);
  }
  Result<Counted> report(const CheckIn& in) { return counters.report(in, directions, now); }
  std::uint64_t sessions() const { return sum(&Row::sessions); }
  std::uint64_t crashes() const { return sum(&Row::crashes); }
  std::uint64_t devices() const { return sum(&Row::devices); }
  std::uint64_t sum(std::uint64_t Row::* member) const {
    std::uint64_t total = 0;
    for (const Row& row : counters.rows()) total += row.*member;
    return total;
  }
};

Counters::SeriesQuery query(std::string name, Duration after, Duration until, Duration step) {
  return {"app", "stable", std::move(name), "", start + after, start + until, step};
}

}  // namespace

TEST_CASE("reports that are lost, repeated or late count what was added, once") {
  struct Step {
    CheckIn in;
    Counted result;
    std::uint64_t sessions, crashes;  // in all, afterwards
  };
  const std::vector<std::pair<std::string, std::vector<Step>>> stories{
      {"in order",
       {{make("d", "b", 1, 3, 0), Counted::counted, 3, 0},
        {make("d", "b", 2, 5, 1), Counted::counted, 5, 1}}},
      {"repeated",
       {{make("d", "b", 1, 3, 1), Counted::counted, 3, 1},
        {make("d", "b", 1, 3, 1), Counted::duplicate, 3, 1}}},
      {"repeated with other numbers",
       {{make("d", "b", 1, 3, 1), Counted::counted, 3, 1},
        {make("d", "b", 1, 9, 2), Counted::duplicate, 3, 1}}},
      {"one lost",
       {{make("d", "b", 1, 3, 0), Counted::counted, 3, 0},
        {make("d", "b", 4, 9, 2), Counted::counted, 9, 2}}},
      {"reordered",
       {{make("d", "b", 1, 3, 0), Counted::counted, 3, 0},
        {make("d", "b", 3, 9, 1), Counted::counted, 9, 1},
        {make("d", "b", 2, 5, 1), Counted::duplicate, 9, 1}}},
      {"restarted",
       {{make("d", "b", 1, 3, 0), Counted::counted, 3, 0},
        {make("d", "c", 1, 2, 1), Counted::counted, 5, 1}}},
      {"the old boot's last report comes after the new boot's first",
       {{make("d", "b", 1, 3, 0), Counted::counted, 3, 0},
        {make("d", "c", 1, 2, 0), Counted::counted, 5, 0},
        {make("d", "b", 2, 4, 1), Counted::counted, 6, 1},
        {make("d", "c", 2, 3, 1), Counted::counted, 7, 2}}},
      {"a boot from before the last two is late",
       {{make("d", "a", 1, 1, 0), Counted::counted, 1, 0},
        {make("d", "b", 1, 1, 0), Counted::counted, 2, 0},
        {make("d", "c", 1, 1, 0), Counted::counted, 3, 0},
        {make("d", "a", 1, 1, 0), Counted::late, 3, 0},
        {make("d", "a", 2, 9, 5), Counted::late, 3, 0}}},
      {"a boot whose start was not seen is a baseline",
       {{make("d", "b", 7, 500, 4), Counted::baseline, 0, 0},
        {make("d", "b", 8, 503, 5), Counted::counted, 3, 1}}}};
  for (const auto& [name, steps] : stories) {
    CAPTURE(name);
    Fixture fixture;
    for (const Step& step : steps) {
      const auto result = fixture.report(step.in);
      REQUIRE(result);
      CHECK(*result == step.result);
      CHECK(fixture.sessions() == step.sessions);
      CHECK(fixture.crashes() == step.crashes);
      CHECK(fixture.devices() == 1);
    }
  }
}

TEST_CASE("a counter that goes backwards within a boot is refused and counts nothing") {
  Fixture fixture;
  CheckIn in = make("d", "b", 1, 10, 2);
  in.signals = {{"hang", 5}};
  REQUIRE(fixture.report(in));
  for (const auto& [sessions, crashes, hangs] :
       std::vector<std::array<std::uint32_t, 3>>{{9, 2, 5}, {10, 1, 5}, {12, 3, 4}}) {
    CheckIn bad = make("d", "b", 2, sessions, crashes);
    bad.signals = {{"hang", hangs}};
    const auto result = fixture.report(bad);
    REQUIRE(!result);
    CHECK(result.error().kind == ErrorKind::invalid);
    CHECK(result.error().message.find("backwards") != std::string::npos);
    CHECK(!result.error().hint.empty());
    CHECK(fixture.sessions() == 10);
    CHECK(fixture.crashes() == 2);
  }
  REQUIRE(fixture.report(make("d", "b", 2, 11, 2)));
  CHECK(fixture.sessions() == 11);
}

TEST_CASE("a million crashes of one device count five, and one more every two hours") {
  Fixture fixture;
  REQUIRE(fixture.report(make("liar", "b", 1, 1'000'000, 1'000'000)));
  CHECK(fixture.crashes() == 5);
  CHECK(fixture.sessions() == 1000);
  REQUIRE(fixture.report(make("liar", "b", 2, 2'000'000, 2'000'000)));
  CHECK(fixture.crashes() == 5);
  // New boots do not make new room.
  REQUIRE(fixture.report(make("liar", "c", 1, 1'000'000, 1'000'000)));
  CHECK(fixture.crashes() == 5);
  CHECK(fixture.counters.exposition().find("tranche_clamped_total{counter=\"crashes\"} 2999995") !=
        std::string::npos);
  fixture.now += std::chrono::minutes(1);
  REQUIRE(fixture.report(make("liar", "c", 2, 1'000'001, 1'000'003)));
  CHECK(fixture.crashes() == 5);
  fixture.now += std::chrono::hours(4);
  REQUIRE(fixture.report(make("liar", "c", 3, 1'000'001, 1'000'009)));
  CHECK(fixture.crashes() == 7);
  fixture.now += std::chrono::hours(72);
  REQUIRE(fixture.report(make("liar", "c", 4, 1'000'001, 2'000'000)));
  CHECK(fixture.crashes() == 12);
  CHECK(fixture.devices() == 1);
}

TEST_CASE("a device moves between versions and arms and stays one device") {
  Fixture fixture;
  REQUIRE(fixture.report(make("d", "b", 1, 1, 0, "1.0.0")));
  REQUIRE(fixture.report(make("d", "c", 1, 1, 0, "1.1.0")));
  fixture.directions.offer.reset();
  REQUIRE(fixture.report(make("d", "c", 2, 2, 0, "1.1.0")));
  CHECK(fixture.devices() == 1);
  for (const Row& row : fixture.counters.rows())
    if (row.devices == 1) {
      CHECK(row.version == "1.1.0");
      CHECK(row.arm == cohort::Arm::none);
    }
}

TEST_CASE("what happened before a device was reached counts for the arm it was in") {
  Fixture fixture;
  const cohort::Directions offered = fixture.directions;
  fixture.directions.offer.reset();
  std::string canary, control;
  for (int i = 0; canary.empty() || control.empty(); ++i) {
    const std::string id = fmt::format("d{}", i);
    (cohort::place(offered, {id, {}}).arm == cohort::Arm::canary ? canary : control) = id;
  }
  const auto sessions_of = [&](cohort::Arm arm) {
    std::uint64_t total = 0;
    for (const Row& row : fixture.counters.rows())
      if (row.arm == arm) total += row.sessions;
    return total;
  };
  for (const std::string& id : {canary, control}) REQUIRE(fixture.report(make(id, "b", 1, 3, 0)));
  fixture.directions = offered;
  for (const std::string& id : {canary, control}) REQUIRE(fixture.report(make(id, "b", 2, 10, 0)));
  CHECK(sessions_of(cohort::Arm::none) == 20);
  CHECK(sessions_of(cohort::Arm::canary) == 0);
  CHECK(sessions_of(cohort::Arm::control) == 0);
  REQUIRE(fixture.report(make(canary, "c", 1, 2, 0, "1.1.0")));
  REQUIRE(fixture.report(make(control, "b", 3, 15, 0)));
  CHECK(sessions_of(cohort::Arm::canary) == 2);
  CHECK(sessions_of(cohort::Arm::control) == 5);
  CHECK(fixture.devices() == 2);
}

TEST_CASE("series of both arms are born at zero when an offer is loaded") {
  Fixture fixture;
  const std::string text = fixture.counters.exposition();
  for (const std::string_view version : {"1.0.0", "1.1.0"})
    for (const std::string_view arm : {"canary", "control"})
      CHECK(text.find(
                fmt::format("tranche_crashes_total{{app=\"app\",channel=\"stable\",version=\"{}\",arm=\"{}\","
                            "stratum=\"500000\"}} 0\n",
                            version, arm)) != std::string::npos);
}

TEST_CASE("hostile versions and labels cannot break or flood the exposition") {
  Bounds bounds;
  bounds.max_versions = 3;
  Fixture fixture(bounds);
  fixture.directions.baseline = "9.0.0\"}\\\n# HELP";
  fixture.counters.see_feed("app", "stable", fixture.directions);
  for (int i = 0; i < 50; ++i)
    REQUIRE(fixture.report(make(fmt::format("d{}", i), "b", 1, 1, 0, fmt::format("7.{}.0", i))));
  const std::string text = fixture.counters.exposition();
  CHECK(text.find("version=\"9.0.0\\\"}\\\\\\n# HELP\"") != std::string::npos);
  CHECK(text.find("version=\"other\"") != std::string::npos);
  CHECK(text.find("version=\"7.20.0\"") == std::string::npos);
  CHECK(fixture.sessions() == 50);
}

TEST_CASE("a full table refuses new devices, keeps known ones, and forgets silent ones") {
  Bounds bounds;
  bounds.max_devices = 2;
  Fixture fixture(bounds);
  REQUIRE(fixture.report(make("a", "b", 1, 1, 0)));
  REQUIRE(fixture.report(make("b", "b", 1, 1, 0)));
  const auto refused = fixture.report(make("c", "b", 1, 1, 0));
  REQUIRE(!refused);
  CHECK(refused.error().kind == ErrorKind::failed);
  REQUIRE(fixture.report(make("a", "b", 2, 2, 0)));
  fixture.now += std::chrono::hours(27);
  REQUIRE(fixture.report(make("a", "b", 3, 3, 0)));
  CHECK(fixture.report(make("c", "b", 1, 1, 0)).has_value());
  CHECK(fixture.devices() == 2);
}

TEST_CASE("series give complete, aligned windows with zeros, and none from before the start") {
  Fixture fixture;
  int canaries = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string id = fmt::format("d{}", i);
    if (cohort::place(fixture.directions, {id, {}}).arm == cohort::Arm::canary) ++canaries;
    fixture.now = start + std::chrono::milliseconds(1000 + i * 50);  // seconds 1 and 2
    REQUIRE(fixture.report(make(id, "b", 1, 10, 1)));
  }
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const auto windows = [&](const Counters::SeriesQuery& asked, Duration now) {
    const auto text = fixture.counters.series(asked, start + now);
    REQUIRE(text);
    const auto value = doc::parse_json(*text);
    REQUIRE(value);
    std::vector<std::pair<std::string, std::array<std::int64_t, 2>>> out;
    for (const doc::Value& window : value->find("windows")->as_array()) {
      const doc::Value* arms = window.find("counts")->find("500000");
      REQUIRE(arms);
      out.push_back({*window.text("end"), {*arms->integer("canary"), *arms->integer("control")}});
    }
    return out;
  };
  const auto each = windows(query("sessions", seconds(-10), seconds(100), seconds(1)), milliseconds(4500));
  REQUIRE(each.size() == 4);
  CHECK(each[0].first == "2026-01-01T00:00:01Z");
  CHECK(each[0].second == std::array<std::int64_t, 2>{0, 0});
  CHECK(each[1].second[0] + each[1].second[1] == 200);
  CHECK(each[1].second[0] + each[2].second[0] == canaries * 10);
  CHECK(each[3].second == std::array<std::int64_t, 2>{0, 0});
  const auto fine = windows(query("crashes", seconds(1), seconds(3), milliseconds(500)), seconds(60));
  REQUIRE(fine.size() == 4);
  for (const auto& [end, counts] : fine) CHECK(counts[0] + counts[1] == 10);
  CHECK(windows(query("crashes", seconds(1), seconds(3), seconds(2)), seconds(60)).size() ==
        1);  // (0,2] is past `after`
  // After the fine ring has gone round, only whole seconds are remembered.
  CHECK(
      windows(query("crashes", seconds(1), seconds(3), milliseconds(500)), std::chrono::minutes(20)).empty());
  CHECK(windows(query("crashes", seconds(1), seconds(3), seconds(1)), std::chrono::minutes(20)).size() == 2);
  CHECK(!fixture.counters.series(query("crashes", seconds(0), seconds(3), milliseconds(150)), start));
  CHECK(!fixture.counters.series(query("cpu", seconds(0), seconds(3), seconds(1)), start));
}

TEST_CASE("a window that was read does not change afterwards") {
  Fixture fixture;
  fixture.now = start + std::chrono::seconds(5);
  const auto ask = [&] {
    return *fixture.counters.series(
        query("sessions", std::chrono::seconds(0), std::chrono::seconds(4), std::chrono::seconds(1)),
        start + std::chrono::seconds(5));
  };
  const std::string before = ask();
  fixture.now = start + std::chrono::seconds(3);  // a report that was slow to be counted
  REQUIRE(fixture.report(make("d", "b", 1, 10, 0)));
  CHECK(ask() == before);
  CHECK(fixture.sessions() == 10);
}

TEST_CASE("the exposition passes promtool") {
  if (std::system("command -v promtool > /dev/null 2>&1") != 0) {
    const char* required = std::getenv("TRANCHE_REQUIRE_PEERS");
    if (required != nullptr && std::string_view(required) == "1")
      FAIL("promtool is missing (apt-get install prometheus)");
    fmt::print("skipped: promtool is missing (apt-get install prometheus)\n");  // tests/run counts such lines
    return;
  }
  Fixture fixture;
  CheckIn in = make("d", "b", 1, 3, 1);
  in.signals = {{"hang", 2}};
  REQUIRE(fixture.report(in));
  support::TempDirectory directory;
  const std::string path = directory / "metrics";
  FILE* file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  const std::string text = fixture.counters.exposition();
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
  CHECK(std::system(("promtool check metrics < " + path + " > /dev/null").c_str()) == 0);
}

TEST_CASE("a query is decoded once, and what is broken is refused") {
  const auto good = Query::parse("a=1&b=x%20y&c&d=a+b&label.n=%E2%82%AC");
  REQUIRE(good);
  CHECK(*good->find("a") == "1");
  CHECK(*good->find("b") == "x y");
  CHECK(good->find("c")->empty());
  CHECK(*good->find("d") == "a+b");
  CHECK(*good->find("label.n") == "\u20ac");
  CHECK(!good->need("c"));
  CHECK(!good->need("z"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += fmt::format("k{}=v&", i);
  for (const std::string& bad : {std::string("a=%"), std::string("a=%2"), std::string("a=%zz"),
                                 std::string("a=1&a=2"), "a=" + std::string(2000, 'x'), many}) {
    CAPTURE(bad.substr(0, 40));
    CHECK(!Query::parse(bad));
  }
}

namespace {

// An offer at a half that begins an hour after the server did, and a fleet that knows nothing of it before.
struct Offered : Fixture {
  explicit Offered(Bounds bounds = {}) : Fixture(bounds) { begin(Percent{500'000}); }
  void begin(Percent percent) {
    cohort::Directions calm;
    calm.baseline = "1.0.0";
    counters.see_feed("app", "stable", calm, now);
    now = start + std::chrono::hours(1);
    directions.offer->rules[0].below = cohort::threshold(percent);
    counters.see_feed("app", "stable", directions, now);
  }
  // Devices of (canary, control) among the batches until `until`, by what /v1/series says.
  std::array<std::int64_t, 2> assigned(Duration until, const std::string& stratum = "500000") {
    const auto text =
        counters.series(query("sessions", Duration{}, until, std::chrono::minutes(1)), start + until);
    REQUIRE(text);
    const auto value = doc::parse_json(*text);
    REQUIRE(value);
    std::array<std::int64_t, 2> out{};
    for (const doc::Value& window : value->find("windows")->as_array())
      if (const doc::Value* batch = window.find("assigned"))
        if (const doc::Value* arms = batch->find(stratum)) {
          out[0] += *arms->integer("canary");
          out[1] += *arms->integer("control");
        }
    return out;
  }
  cohort::Arm arm_of(const std::string& id) const { return cohort::place(directions, {id, {}}).arm; }
};

}  // namespace

TEST_CASE("a device is assigned once, by bucket, when it says something about its time in the arm") {
  using std::chrono::hours;
  using std::chrono::minutes;
  Offered f;
  int canaries = 0, controls = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string id = fmt::format("d{}", i);
    const bool canary = f.arm_of(id) == cohort::Arm::canary;
    (canary ? canaries : controls) += 1;
    f.now = start + hours(1) + minutes(1);
    REQUIRE(f.report(make(id, "b", 1, 1, 0)));  // from before the offer
    f.now += minutes(i);
    // Every third canary updates and restarts, the others stay with what they run: both are canaries.
    if (canary && i % 3 == 0)
      REQUIRE(f.report(make(id, "c", 1, 1, 0, "1.1.0")));
    else
      REQUIRE(f.report(make(id, "b", 2, 2, 0)));
    REQUIRE(f.report(make(id, "b", 3, 3, 0)));
  }
  REQUIRE(f.report(make("once", "b", 1, 1, 0)));                     // never heard from again
  CHECK(f.assigned(hours(3)) == std::array<std::int64_t, 2>{0, 0});  // 2 h after the offer: not over yet
  CHECK(f.assigned(hours(3) + minutes(1)) == std::array<std::int64_t, 2>{canaries, controls});
  f.now = start + hours(5);
  REQUIRE(f.report(make("once", "b", 2, 2, 0)));
  const bool canary = f.arm_of("once") == cohort::Arm::canary;
  (canary ? canaries : controls) += 1;
  CHECK(f.assigned(hours(7) + minutes(1)) == std::array<std::int64_t, 2>{canaries, controls});
  const std::string text = f.counters.exposition(start + hours(7));
  CHECK(text.find(
            fmt::format("tranche_assigned_devices_total{{app=\"app\",channel=\"stable\",release=\"1.1.0\","
                        "arm=\"canary\",stratum=\"500000\"}} {}\n",
                        canaries)) != std::string::npos);
  // The next stage is another stratum, and begins anew.
  f.begin(Percent{700'000});
  CHECK(f.assigned(hours(12), "700000") == std::array<std::int64_t, 2>{0, 0});
}

TEST_CASE("a device that changes its labels again and again is assigned sixteen times at most") {
  Offered f;
  cohort::Rule north = f.directions.offer->rules[0], south = north;
  north.labels = {{"side", {"north"}}};
  north.below = cohort::threshold(Percent{300'000});
  south.labels = {{"side", {"south"}}};
  f.directions.offer->rules = {north, south};
  f.counters.see_feed("app", "stable", f.directions, f.now);
  for (std::uint32_t i = 1; i <= 200; ++i) {
    CheckIn in = make("liar", "b", i, i, 0);
    in.device.labels["side"] = i % 4 < 2 ? "north" : "south";
    f.now += std::chrono::seconds(1);
    REQUIRE(f.report(in));
  }
  const auto a = f.assigned(std::chrono::hours(12), "300000"),
             b = f.assigned(std::chrono::hours(12), "500000");
  CHECK(a[0] + a[1] + b[0] + b[1] == 16);
}

TEST_CASE("an offer that was on before the server began is not counted") {
  Fixture f;  // its first feed has the offer
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(f.report(make("d", "b", i, i, 0)));
  const auto text =
      f.counters.series(query("sessions", Duration{}, std::chrono::hours(9), std::chrono::hours(1)),
                        start + std::chrono::hours(9));
  REQUIRE(text);
  CHECK(text->find("assigned") == std::string::npos);
}

TEST_CASE("devices on a static feed are counted in the arm that their own updater puts them in") {
  // Whoever runs 1.1.0 crashes once. By the native bucket both arms would show the same crashes.
  for (const std::string& feed : {std::string("electron"), std::string(), std::string("apt")}) {
    CAPTURE(feed);
    Fixture fixture;
    std::mt19937_64 random(5);
    std::uint64_t exposed = 0;
    for (int i = 0; i < 4000; ++i) {
      const std::string id = fmt::format("{:08x}-0000-5000-8000-{:012x}", i, random() >> 16);
      const bool runs_it = cohort::electron_admits(id, "50");
      exposed += runs_it;
      CheckIn in = make(id, "b", 1, 10, runs_it ? 1 : 0, runs_it ? "1.1.0" : "1.0.0");
      in.feed = feed;
      REQUIRE(fixture.report(in));
    }
    std::map<cohort::Arm, std::uint64_t> crashes, devices;
    for (const Row& row : fixture.counters.rows()) {
      if (row.devices > 0) CHECK(row.stratum == (feed == "apt" ? 0 : 500'000));
      crashes[row.arm] += row.crashes;
      devices[row.arm] += row.devices;
    }
    using cohort::Arm;
    if (feed == "electron") {
      CHECK(crashes[Arm::canary] == exposed);
      CHECK(crashes[Arm::control] == 0);
      CHECK(devices[Arm::canary] == exposed);
      CHECK(devices[Arm::control] == 4000 - exposed);
    } else if (feed.empty()) {
      CHECK(crashes[Arm::control] > exposed / 3);  // what a report without "feed" would mean
    } else {
      CHECK(devices[Arm::none] == 4000);  // nobody knows: no evidence rather than a wrong one
    }
  }
}
