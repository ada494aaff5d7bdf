#include "cohort/served.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "base/text.hpp"

using namespace tranche;
using namespace tranche::cohort;

namespace {

constexpr std::string_view id = "7a1f3f5e-0b1c-5d2e-8f00-0123456789ab";

Rule below(Percent percent) {
  Rule rule;
  if (percent.everyone())
    rule.all = true;
  else
    rule.below = threshold(percent);
  return rule;
}

// 1.2.0 for `percent`, 1.1.0 for the rest.
Directions offering(Percent percent) {
  Directions directions;
  directions.baseline = "1.1.0";
  directions.offer = Offer{"1.2.0", "app/stable/1.2.0", {below(percent)}};
  return directions;
}

Directions withdrawn(std::string fallback) {
  Directions directions;
  directions.baseline = "1.1.0";
  directions.withdrawn = {{"1.2.0", std::move(fallback)}};
  return directions;
}

Rule pilots() {
  Rule rule;
  rule.labels["ring"] = {"pilot"};
  rule.all = true;
  return rule;
}

const FeedChannel pilot{"pilot", {{"ring", {"pilot"}}}, {}};

std::string given(const Directions& directions, Question question, ServedTerms terms = {},
                  const FeedChannel& channel = {}) {
  const Decision decision = Served(directions, channel, terms).choose(question);
  return decision.version.empty() ? "-" : decision.version;
}

Question asks(std::string_view running = {}, std::string_view who = id) {
  return {{std::string(who), {}}, running, false};
}
Question by_hand(std::string_view running = {}, std::string_view who = id) {
  return {{std::string(who), {}}, running, true};
}

}  // namespace

TEST_CASE("a served client that says who it is and what it runs gets what decide says") {
  std::mt19937_64 random(7);
  for (const std::uint32_t ppm : {0u, 5'000u, 100'000u, 500'000u, 1'000'000u}) {
    const Directions directions = offering(Percent{ppm});
    const Served served(directions, {}, {true, true});
    for (int i = 0; i < 2000; ++i) {
      const Device device{fmt::format("{:016x}", random()), {}};
      for (const std::string_view running : {"1.0.0", "1.1.0", "1.2.0", "1.3.0"})
        CHECK(served.choose({device, running, false}) == decide(directions, device, running));
    }
  }
}

TEST_CASE("what a served client does not say is read so that fewer are exposed") {
  struct Row {
    std::string_view what;
    Directions directions;
    Question question;
    ServedTerms terms;
    std::string_view gets;
  };
  const ServedTerms usual{false, true}, goes_back{true, true}, throttled{false, false};
  Directions held = offering(Percent{1'000'000});
  held.holds = {{{}, "1.1", {}}};
  Directions nobody = offering(Percent{0});
  Directions again = withdrawn("1.1.0");
  again.offer = Offer{"1.3.0", "app/stable/1.3.0", {below(Percent{1'000'000})}};
  const Row rows[] = {
      {"no id, a share", offering(Percent{999'999}), asks({}, ""), usual, "1.1.0"},
      {"no id, everyone", offering(Percent{1'000'000}), asks({}, ""), usual, "1.2.0"},
      {"no id, runs the offer", offering(Percent{500'000}), asks("1.2.0", ""), usual, "-"},
      {"by hand, a share", offering(Percent{1}), by_hand(), usual, "1.2.0"},
      {"by hand, no id", offering(Percent{1}), by_hand({}, ""), usual, "1.2.0"},
      {"by hand, throttled", offering(Percent{1}), by_hand(), throttled, "1.1.0"},
      {"by hand, goes back, version unknown", offering(Percent{1}), by_hand(), goes_back, "1.1.0"},
      {"by hand, goes back, version known", offering(Percent{1}), by_hand("1.1.0"), goes_back, "1.2.0"},
      {"goes back, was updated by hand", offering(Percent{1}), asks("1.2.0"), goes_back, "-"},
      {"by hand at 0%", nobody, by_hand(), usual, "1.1.0"},
      {"by hand, held", held, by_hand(), usual, "1.1.0"},
      {"by hand, withdrawn", withdrawn("1.1.0"), by_hand(), usual, "1.1.0"},
      {"by hand, already newer", offering(Percent{1}), by_hand("1.3.0"), usual, "-"},
      {"withdrawn, version unknown", withdrawn("1.1.0"), asks(), usual, "1.1.0"},
      {"withdrawn, higher fallback, version unknown", withdrawn("1.2.1"), asks(), usual, "1.2.1"},
      {"withdrawn, runs it, goes back", withdrawn("1.1.0"), asks("1.2.0"), goes_back, "1.1.0"},
      {"withdrawn, runs it, does not go back", withdrawn("1.1.0"), asks("1.2.0"), usual, "-"},
      {"withdrawn, runs it, higher fallback", withdrawn("1.2.1"), asks("1.2.0"), usual, "1.2.1"},
      {"withdrawn, runs another", withdrawn("1.2.1"), asks("1.1.0"), usual, "1.1.0"},
      {"withdrawn, no fallback", withdrawn(""), asks("1.2.0"), goes_back, "-"},
      {"lower fallback, but a newer offer reaches it", again, asks("1.2.0"), usual, "1.3.0"},
      {"newer than all", offering(Percent{1'000'000}), asks("2.0.0"), goes_back, "-"},
      {"nothing published", {}, asks(), usual, "-"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(given(row.directions, row.question, row.terms) == row.gets);
  }
}

TEST_CASE("reading a feed channel's file makes a device one of its cohort, and of no other") {
  Directions directions = offering(Percent{0});
  directions.offer->rules = {pilots()};
  CHECK(given(directions, asks()) == "1.1.0");
  CHECK(given(directions, asks(), {}, pilot) == "1.2.0");
  CHECK(given(directions, asks({}, ""), {}, pilot) == "1.2.0");  // the whole cohort: no id is needed
  // A cohort of several values is inside a rule only when all of them are wanted.
  Rule french;
  french.labels["region"] = {"fr"};
  french.all = true;
  const FeedChannel europe{"eu", {{"region", {"de", "fr"}}}, {}};
  directions.offer->rules = {french};
  CHECK(given(directions, asks(), {}, europe) == "1.1.0");
  directions.offer->rules[0].labels["region"] = {"de", "fr", "nl"};
  CHECK(given(directions, asks(), {}, europe) == "1.2.0");
  // A pin holds whom it may mean.
  directions.holds = {{{{"region", {"fr"}}}, "1.1", {}}};
  CHECK(given(directions, asks(), {}, europe) == "1.1.0");
  // A share of a cohort is that share of who reads the file.
  Rule some = pilots();
  some.all = false;
  some.below = threshold(Percent{300'000});
  directions = offering(Percent{0});
  directions.offer->rules = {some};
  const Served served(directions, pilot, {});
  int in = 0;
  for (int i = 0; i < 20'000; ++i) in += served.choose(asks({}, fmt::format("d{}", i))).version == "1.2.0";
  CHECK(std::abs(in - 6000) < 330);  // 5 standard deviations
}

TEST_CASE("a listed cohort is reached by its ids, and by its own file") {
  Directions directions = offering(Percent{0});
  Rule rule;
  rule.devices = {listed_hash(directions.offer->salt, id)};
  rule.all = true;
  directions.offer->rules = {rule};
  CHECK(given(directions, asks()) == "1.2.0");
  CHECK(given(directions, asks({}, "another")) == "1.1.0");
  CHECK(given(directions, asks({}, "")) == "1.1.0");
  const FeedChannel friends{"friends", {}, {std::string(id)}};
  CHECK(given(directions, asks({}, "another"), {}, friends) == "1.2.0");
  const FeedChannel others{"others", {}, {"another"}};
  CHECK(given(directions, asks({}, "third"), {}, others) == "1.1.0");
}

TEST_CASE("property: the share of a million ids is exact, widening drops nobody, releases draw anew") {
  constexpr int devices = 1'000'000;
  const std::uint32_t steps[] = {5'000, 50'000, 100'000, 500'000, 990'000};
  std::vector<Served> served;
  for (const std::uint32_t ppm : steps)
    served.emplace_back(offering(Percent{ppm}), FeedChannel{}, ServedTerms{});
  Directions next = offering(Percent{50'000});
  next.offer->release = "1.3.0";
  next.offer->salt = "app/stable/1.3.0";
  const Served other(next, {}, {});
  // One seed: 0.1 point is two standard deviations of a fair draw at 50%.
  constexpr std::uint64_t seed = 20'261'121;
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  int in[5] = {}, dropped = 0, both = 0, other_in = 0;
  for (int i = 0; i < devices; ++i) {
    const std::uint64_t high = random(), low = random();
    Question question = asks({}, "");
    question.device.id = fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32, high >> 16 & 0xffff,
                                     high & 0xfff, low >> 52, low & 0xffff'ffff'ffff);
    bool before = false, first_five = false;
    for (std::size_t step = 0; step < 5; ++step) {
      const bool now = served[step].choose(question).version == "1.2.0";
      in[step] += now;
      dropped += before && !now;
      before = now;
      if (step == 1) first_five = now;
    }
    const bool in_other = other.choose(question).version == "1.3.0";
    other_in += in_other;
    both += in_other && first_five;
  }
  for (std::size_t step = 0; step < 5; ++step) {
    CAPTURE(steps[step]);
    CHECK(std::abs(in[step] - static_cast<int>(steps[step])) < devices / 1000);  // 0.1 point
  }
  CHECK(dropped == 0);
  CHECK(std::abs(other_in - 50'000) < devices / 1000);
  CHECK(std::abs(both - 2500) < 300);  // 5% of 5%, 6 standard deviations
}
