#include "cohort/decide.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "base/version.hpp"

using namespace tranche;
using namespace tranche::cohort;

namespace {

Rule everyone(std::map<std::string, std::vector<std::string>> labels = {}) {
  Rule rule;
  rule.labels = std::move(labels);
  rule.all = true;
  return rule;
}
Rule share(std::uint32_t ppm, std::map<std::string, std::vector<std::string>> labels = {}) {
  Rule rule;
  rule.labels = std::move(labels);
  rule.below = threshold(Percent{ppm});
  return rule;
}
Directions rollout(std::vector<Rule> rules) {
  Directions directions;
  directions.offer = Offer{"1.2.0", "app/stable/1.2.0", std::move(rules)};
  directions.baseline = "1.1.0";
  return directions;
}
Device device(std::string id, std::map<std::string, std::string> labels = {}) {
  return {std::move(id), std::move(labels)};
}

}  // namespace

TEST_CASE("decide follows FEED.md's order: withdrawn, holds, offer, baseline") {
  const Device pilot = device("p", {{"ring", "pilot"}});
  const Device bank = device("b", {{"ring", "pilot"}, {"customer", "bank"}});
  const Device other = device("o");
  Directions d = rollout({everyone({{"ring", {"pilot", "canary"}}})});
  d.holds = {{{{"customer", {"bank"}}}, "1.1"}};
  d.withdrawn = {{"1.0.9", "1.0.8"}, {"1.3.0", "1.1.0"}, {"1.3.1", "1.3.0"}, {"1.3.2", ""},
                 {"2.0.0", "2.0.1"}, {"2.0.1", "2.0.0"}, {"3.0.0", "1.5.0"}};
  struct Row {
    const char* what;
    const Device& who;
    const char* running;
    const char* version;
    Reason reason;
    int rule;
  };
  const std::vector<Row> rows{
      {"reached by a rule", pilot, "1.1.0", "1.2.0", Reason::offered, 0},
      {"runs the offer already", pilot, "1.2.0", "1.2.0", Reason::offered, 0},
      {"a new install that is reached", pilot, "", "1.2.0", Reason::offered, 0},
      {"not reached", other, "1.0.0", "1.1.0", Reason::baseline, -1},
      {"not reached, runs the baseline", other, "1.1.0", "1.1.0", Reason::baseline, -1},
      {"a new install that is not reached", other, "", "1.1.0", Reason::baseline, -1},
      {"exposed before, no longer reached: never down", other, "1.2.0", "", Reason::newer, -1},
      {"newer than all", pilot, "1.4.0", "", Reason::newer, 0},
      {"a version that cannot be compared is kept", other, "dev build", "", Reason::newer, -1},
      {"held: gets the baseline that its pin allows", bank, "1.0.0", "1.1.0", Reason::held, 0},
      {"held, runs more than the pin: kept", bank, "1.1.5", "", Reason::held, 0},
      {"withdrawn: down to the fallback", other, "1.3.0", "1.1.0", Reason::withdrawn, -1},
      {"withdrawn wins over the offer", pilot, "1.0.9", "1.0.8", Reason::withdrawn, 0},
      {"withdrawn wins over a pin", bank, "3.0.0", "1.5.0", Reason::withdrawn, 0},
      {"a fallback that is withdrawn itself", other, "1.3.1", "1.1.0", Reason::withdrawn, -1},
      {"withdrawn without a fallback, nothing newer", other, "1.3.2", "", Reason::stranded, -1},
      {"fallbacks in a circle", other, "2.0.0", "", Reason::stranded, -1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Decision got = decide(d, row.who, row.running);
    CHECK(got.version == row.version);
    CHECK(to_text(got.reason) == to_text(row.reason));
    CHECK(got.rule == row.rule);
    CHECK(got.bucket == bucket("app/stable/1.2.0", row.who.id));
  }
}

TEST_CASE("a stranded device is freed by a newer offer or baseline, never by an older one") {
  Directions d = rollout({everyone()});
  d.withdrawn = {{"1.1.5", ""}, {"1.3.0", ""}};
  CHECK(decide(d, device("a"), "1.1.5").version == "1.2.0");
  CHECK(decide(d, device("a"), "1.1.5").reason == Reason::offered);
  CHECK(decide(d, device("a"), "1.3.0").version.empty());
  CHECK(decide(d, device("a"), "1.3.0").reason == Reason::stranded);
  d.baseline = "1.4.0";
  d.offer.reset();
  CHECK(decide(d, device("a"), "1.3.0").version == "1.4.0");
}

TEST_CASE("a withdrawn version is given to nobody, neither by offer nor by baseline") {
  Directions d = rollout({everyone()});
  d.withdrawn = {{"1.2.0", "1.1.0"}};
  CHECK(decide(d, device("a"), "1.0.0").version == "1.1.0");
  CHECK(decide(d, device("a"), "").version == "1.1.0");
  CHECK(decide(d, device("a"), "1.2.0").version == "1.1.0");
  d.withdrawn.push_back({"1.1.0", ""});
  CHECK(decide(d, device("a"), "1.0.0").version.empty());
  CHECK(decide(d, device("a"), "1.0.0").reason == Reason::nothing);
  CHECK(decide(d, device("a"), "1.2.0").reason == Reason::stranded);
}

TEST_CASE("without offer and baseline there is nothing") {
  CHECK(decide({}, device("a"), "").reason == Reason::nothing);
  CHECK(decide({}, device("a"), "1.0.0").version.empty());
  CHECK(decide(rollout({}), device("a"), "").reason == Reason::baseline);
}

TEST_CASE("a pin compares the leading numbers of a version") {
  struct Row {
    const char* max;
    const char* offer;
    bool allowed;
  };
  for (const Row& row : std::initializer_list<Row>{{"1.1", "1.1.0", true},
                                                   {"1.1", "1.1.9", true},
                                                   {"1.1", "1.2.0", false},
                                                   {"1.1", "1.2.0-rc.1", false},
                                                   {"1.1", "1.1.9-rc.1", true},
                                                   {"1.1", "1.0.99", true},
                                                   {"1.1", "2.0.0", false},
                                                   {"1.1", "0.9.0", true},
                                                   {"1", "1.99.99", true},
                                                   {"1", "2.0.0", false},
                                                   {"1.1.3", "1.1.3", true},
                                                   {"1.1.3", "1.1.4", false},
                                                   {"1.1.3", "1.1", true},
                                                   {"1.10", "1.9.0", true},
                                                   {"1.9", "1.10.0", false},
                                                   {"1.1.3-rc.2", "1.1.3-rc.1", true},
                                                   {"1.1.3-rc.2", "1.1.3", false},
                                                   {"not a version", "1.0.0", false}}) {
    CAPTURE(row.max);
    CAPTURE(row.offer);
    Directions d;
    d.offer = Offer{row.offer, "s", {everyone()}};
    d.holds = {{{}, row.max}};
    const Decision got = decide(d, device("a"), "");
    CHECK(got.version == (row.allowed ? row.offer : ""));
    CHECK(to_text(got.reason) == to_text(row.allowed ? Reason::offered : Reason::held));
  }
}

TEST_CASE("the tightest of several pins counts") {
  Directions d = rollout({everyone()});
  d.holds = {{{{"a", {"1"}}}, "1.5"}, {{{"b", {"1"}}}, "1.1"}};
  CHECK(decide(d, device("x", {{"a", "1"}}), "1.0.0").version == "1.2.0");
  CHECK(decide(d, device("x", {{"a", "1"}, {"b", "1"}}), "1.0.0").version == "1.1.0");
}

TEST_CASE("a rule that is neither a share nor everyone, or both, reaches nobody") {
  Rule neither;
  Rule both = everyone();
  both.below = ~std::uint64_t{0};
  CHECK(decide(rollout({neither, both}), device("a"), "").reason == Reason::baseline);
}

TEST_CASE("a list reaches the devices on it and no other") {
  Rule rule = everyone();
  for (const char* id : {"ana", "bo", "cy"}) rule.devices.push_back(listed_hash("app/stable/1.2.0", id));
  std::sort(rule.devices.begin(), rule.devices.end());
  const Directions d = rollout({rule});
  CHECK(decide(d, device("bo"), "").reason == Reason::offered);
  CHECK(decide(d, device("dee"), "").reason == Reason::baseline);
  CHECK(place(d, device("bo")).stratum == Percent::whole);
  CHECK(place(d, device("dee")).stratum == 0);
}

TEST_CASE("a device's stratum is its largest chance, and its arm whether it is exposed") {
  const Directions d =
      rollout({everyone({{"ring", {"pilot"}}}), share(50'000), share(200'000, {{"region", {"de"}}})});
  int canary_de = 0, canary_us = 0;
  for (int i = 0; i < 4'000; ++i) {
    const std::string id = std::to_string(i);
    const Placement de = place(d, device(id, {{"region", "de"}})), us = place(d, device(id));
    REQUIRE(de.stratum == 200'000);
    REQUIRE(us.stratum == 50'000);
    REQUIRE((de.randomised() && us.randomised()));
    REQUIRE((de.arm == Arm::canary) ==
            (decide(d, device(id, {{"region", "de"}}), "").reason == Reason::offered));
    canary_de += de.arm == Arm::canary ? 1 : 0;
    canary_us += us.arm == Arm::canary ? 1 : 0;
  }
  CHECK(canary_de > 700);
  CHECK(canary_de < 900);
  CHECK(canary_us > 130);
  CHECK(canary_us < 270);
  const Placement pilot = place(d, device("x", {{"ring", "pilot"}}));
  CHECK(pilot.stratum == Percent::whole);
  CHECK(pilot.arm == Arm::canary);
  CHECK_FALSE(pilot.randomised());
  const Placement none = place(rollout({everyone({{"ring", {"pilot"}}})}), device("x"));
  CHECK(none.stratum == 0);
  CHECK(none.arm == Arm::control);
  CHECK_FALSE(none.randomised());
  CHECK(place({}, device("x")).arm == Arm::none);
}

TEST_CASE("every exact percentage is the name of its own stratum") {
  for (std::uint32_t ppm = 0; ppm < Percent::whole; ppm += 331)
    REQUIRE(place(rollout({share(ppm)}), device("x")).stratum == ppm);
  Rule edge;
  edge.below = 1;
  CHECK(place(rollout({edge}), device("x")).stratum == 1);
}

TEST_CASE("a device that a pin keeps from the offer is in neither arm") {
  Directions d = rollout({share(500'000)});
  d.holds = {{{{"customer", {"bank"}}}, "1.1"}};
  CHECK(place(d, device("x", {{"customer", "bank"}})).arm == Arm::none);
  CHECK(place(d, device("x")).arm != Arm::none);
}

TEST_CASE("explain names bucket, rule, pin and what comes of them") {
  Directions d = rollout({everyone({{"ring", {"pilot"}}}), share(999'999)});
  d.holds = {{{{"customer", {"bank"}}}, "1.1"}};
  d.withdrawn = {{"1.3.0", "1.3.1"}, {"1.3.1", "1.0.0"}};
  const auto all = [&](const Device& who, std::string_view running) {
    std::string text;
    for (const std::string& line : explain(d, who, running)) text += line + "\n";
    return text;
  };
  const std::string reached = all(device("dev\x1b-1"), "1.1.0");
  CHECK(reached.find("dev\\x1b-1") != std::string::npos);
  CHECK(reached.find(std::to_string(bucket("app/stable/1.2.0", "dev\x1b-1"))) != std::string::npos);
  CHECK(reached.find(
            "rule 1 (everyone where ring is pilot) does not reach it: the device has no label 'ring'") !=
        std::string::npos);
  CHECK(reached.find("rule 2 (99.9999%) reaches it") != std::string::npos);
  CHECK(reached.find("should run 1.2.0, the offer") != std::string::npos);
  const std::string bank = all(device("b", {{"customer", "bank"}}), "1.1.0");
  CHECK(bank.find("a pin on 1.1 for devices where customer is bank keeps 1.2.0 from it") !=
        std::string::npos);
  CHECK(bank.find("held at the baseline, 1.1.0") != std::string::npos);
  const std::string back = all(device("b"), "1.3.0");
  CHECK(back.find("1.3.0 is withdrawn; its fallback is 1.3.1\n1.3.1 is withdrawn; its fallback is 1.0.0") !=
        std::string::npos);
  CHECK(back.find("goes to 1.0.0") != std::string::npos);
}

namespace {

// The rules of FEED.md once more, as slowly and plainly as possible.
bool naive_reaches(const Rule& rule, const std::string& salt, const Device& who) {
  if (rule.all == rule.below.has_value()) return false;
  for (const auto& [name, values] : rule.labels) {
    if (!who.labels.contains(name)) return false;
    if (std::set<std::string>(values.begin(), values.end()).count(who.labels.at(name)) == 0) return false;
  }
  if (!rule.devices.empty()) {
    bool listed = false;
    for (const std::string& hash : rule.devices) listed = listed || hash == listed_hash(salt, who.id);
    if (!listed) return false;
  }
  return rule.all || bucket(salt, who.id) < *rule.below;
}

Decision naive_decide(const Directions& d, const Device& who, const std::string& running) {
  std::map<std::string, std::string> withdrawn;
  for (const Withdrawn& w : d.withdrawn) withdrawn.emplace(w.version, w.fallback);
  Decision out;
  if (d.offer) {
    out.bucket = bucket(d.offer->salt, who.id);
    for (std::size_t i = d.offer->rules.size(); i-- > 0;)
      if (naive_reaches(d.offer->rules[i], d.offer->salt, who)) out.rule = static_cast<int>(i);
  }
  if (withdrawn.contains(running)) {
    std::set<std::string> seen;
    std::string at = running;
    while (withdrawn.contains(at) && seen.insert(at).second) at = withdrawn[at];
    if (!at.empty() && !withdrawn.contains(at)) {
      out.version = at;
      out.reason = Reason::withdrawn;
      return out;
    }
  }
  const auto pinned = [&](const std::string& version) {
    for (const Hold& hold : d.holds) {
      bool mine = true;
      for (const auto& [name, values] : hold.labels)
        mine = mine && who.labels.contains(name) &&
               std::find(values.begin(), values.end(), who.labels.at(name)) != values.end();
      // pins in this test are MAJOR.MINOR and versions MAJOR.MINOR.PATCH of single digits
      if (mine && version.substr(0, 3) > hold.max_version) return true;
    }
    return false;
  };
  const auto usable = [&](const std::string& v) { return !v.empty() && !withdrawn.contains(v); };
  const auto up = [&](const std::string& v) { return running.empty() || v >= running; };
  const bool reached = out.rule >= 0 && usable(d.offer->release);
  const bool offer_up = reached && up(d.offer->release), offer_pinned = offer_up && pinned(d.offer->release);
  const bool base = usable(d.baseline), base_up = base && up(d.baseline),
             base_pinned = base_up && pinned(d.baseline);
  if (offer_up && !offer_pinned) {
    out.version = d.offer->release;
    out.reason = Reason::offered;
  } else if (base_up && !base_pinned) {
    out.version = d.baseline;
    out.reason = offer_pinned ? Reason::held : Reason::baseline;
  } else if (withdrawn.contains(running)) {
    out.reason = Reason::stranded;
  } else if (offer_pinned || base_pinned) {
    out.reason = Reason::held;
  } else if ((reached && !offer_up) || (base && !base_up)) {
    out.reason = Reason::newer;
  } else {
    out.reason = Reason::nothing;
  }
  return out;
}

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool chance(std::uint32_t in) { return below(in) == 0; }
  std::string version() {
    return std::to_string(1 + below(2)) + "." + std::to_string(below(3)) + "." + std::to_string(below(3));
  }
  std::map<std::string, std::vector<std::string>> match() {
    std::map<std::string, std::vector<std::string>> out;
    if (chance(3))
      out["ring"] = chance(2) ? std::vector<std::string>{"pilot"} : std::vector<std::string>{"a", "b"};
    if (chance(4)) out["region"] = {"de", "fr"};
    return out;
  }
  Device some_device() {
    Device out{"device-" + std::to_string(below(50)), {}};
    if (chance(2)) out.labels["ring"] = std::vector<std::string>{"pilot", "a", "b", "c"}[below(4)];
    if (chance(2)) out.labels["region"] = std::vector<std::string>{"de", "fr", "us"}[below(3)];
    return out;
  }
  Rule rule() {
    Rule out = chance(4) ? everyone(match()) : share(below(Percent::whole), match());
    if (chance(4)) {
      for (int i = 0; i < 10; ++i)
        out.devices.push_back(listed_hash("salt", "device-" + std::to_string(below(50))));
      std::sort(out.devices.begin(), out.devices.end());
    }
    if (chance(20)) out.all = !out.all;
    return out;
  }
  Directions directions() {
    Directions out;
    if (!chance(5)) {
      out.offer = Offer{version(), "salt", {}};
      for (std::uint32_t i = below(4); i > 0; --i) out.offer->rules.push_back(rule());
    }
    if (!chance(5)) out.baseline = version();
    std::set<std::string> seen;
    for (std::uint32_t i = below(4); i > 0; --i) {
      const std::string v = version();
      if (seen.insert(v).second) out.withdrawn.push_back({v, chance(4) ? "" : version()});
    }
    for (std::uint32_t i = below(3); i > 0; --i)
      out.holds.push_back({match(), std::to_string(1 + below(2)) + "." + std::to_string(below(3))});
    return out;
  }

 private:
  std::mt19937_64 random_;
};

std::uint64_t new_seed() { return std::random_device{}(); }

}  // namespace

TEST_CASE("decide agrees with a plain reading of the rules on random feeds and devices") {
  const std::uint64_t seed = new_seed();
  MESSAGE("seed " << seed);
  World world(seed);
  for (int i = 0; i < 20'000; ++i) {
    const Directions d = world.directions();
    const Device who = world.some_device();
    const std::string running = world.chance(5) ? "" : world.version();
    const Decision got = decide(d, who, running), want = naive_decide(d, who, running);
    CAPTURE(i);
    CAPTURE(who.id);
    CAPTURE(running);
    CAPTURE(to_text(got.reason));
    CAPTURE(to_text(want.reason));
    REQUIRE(got == want);
    // What must hold whatever the feed says.
    for (const Withdrawn& w : d.withdrawn) REQUIRE(got.version != w.version);
    if (!got.version.empty() && !running.empty() && got.reason != Reason::withdrawn)
      REQUIRE(compare_versions(got.version, running) >= 0);
    REQUIRE_FALSE(explain(d, who, running).empty());
  }
}

TEST_CASE("exposure only grows while rules are added or widened") {
  const std::uint64_t seed = new_seed();
  MESSAGE("seed " << seed);
  World world(seed);
  for (int round = 0; round < 50; ++round) {
    Directions d = rollout({});
    std::set<std::string> exposed;
    for (int stage = 0; stage < 6; ++stage) {
      Rule next = share(world.below(Percent::whole), world.match());
      if (!d.offer->rules.empty() && world.chance(2)) {
        Rule& last = d.offer->rules.back();  // widen
        if (last.below) last.below = std::max(*last.below, *next.below);
      } else {
        d.offer->rules.push_back(next);
      }
      std::set<std::string> now;
      for (int i = 0; i < 100; ++i) {
        const Device who = device(
            std::to_string(i), {{"ring", i % 2 == 0 ? "pilot" : "a"}, {"region", i % 3 == 0 ? "de" : "us"}});
        if (place(d, who).arm == Arm::canary) now.insert(who.id);
      }
      REQUIRE(std::includes(now.begin(), now.end(), exposed.begin(), exposed.end()));
      exposed = std::move(now);
    }
  }
}
