// What a plan says of a feed's share must be what the clients' own dice give to generated ids.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cohort/clients.hpp"

using namespace tranche;
using namespace tranche::cohort;

namespace {

constexpr int most_ids = 1'000'000;

std::string uuid(std::mt19937_64& random) {
  const std::uint64_t a = random(), b = random();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                     0x8000 | (b >> 48 & 0x3fff), b & 0xffffffffffff);
}

std::string machine_id(std::mt19937_64& random) { return fmt::format("{:016x}{:016x}", random(), random()); }

bool admits(std::string_view feed, const std::string& id, unsigned percent) {
  if (feed == "electron") return electron_admits(id, std::to_string(percent));
  if (feed == "squirrel") return squirrel_admits(id, static_cast<int>(percent));
  return apt_draw("notes", "1.2.0", id) <= percent;
}

}  // namespace

TEST_CASE(
    "a share that a client takes is within a tenth of a point of what the table says, over a million ids") {
  // A tenth of a point is two standard deviations at 50%: the ids are the same each time.
  const std::uint64_t seed = 1;
  for (const char* feed : {"electron", "squirrel", "apt"}) {
    std::mt19937_64 random(seed);
    const std::string name = feed;
    CAPTURE(name);
    const std::vector<unsigned> percents{1, 5, 20, 50, 99};
    std::vector<int> in(percents.size());
    for (int i = 0; i < most_ids; ++i) {
      const std::string id = name == "apt" ? machine_id(random) : uuid(random);
      bool before = false;
      for (std::size_t p = 0; p < percents.size(); ++p) {
        const bool now = admits(feed, id, percents[p]);
        if (before && !now) FAIL("a wider share drops " << id);
        before = now;
        in[p] += now ? 1 : 0;
      }
    }
    for (std::size_t p = 0; p < percents.size(); ++p) {
      CAPTURE(percents[p]);
      const double said = reach(*find_client(feed), Percent{percents[p] * 10'000}).share;
      CHECK(std::abs(static_cast<double>(in[p]) / most_ids - said) < 0.001);
    }
  }
}

TEST_CASE("with a salt per release two releases share their first 5% no more than chance, on APT by itself") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  int both_native = 0, first_native = 0, both_apt = 0, first_apt = 0, both_electron = 0, first_electron = 0;
  const std::uint64_t line = threshold(Percent{50'000});
  for (int i = 0; i < 400'000; ++i) {
    const std::string id = uuid(random), machine = machine_id(random);
    const bool a = bucket("notes/stable/1.2.0", id) < line, b = bucket("notes/stable/1.3.0", id) < line;
    first_native += a ? 1 : 0;
    both_native += a && b ? 1 : 0;
    const bool c = apt_draw("notes", "1.2.0", machine) <= 5, d = apt_draw("notes", "1.3.0", machine) <= 5;
    first_apt += c ? 1 : 0;
    both_apt += c && d ? 1 : 0;
    const bool e = electron_admits(id, "5");
    first_electron += e ? 1 : 0;
    both_electron += e ? 1 : 0;
  }
  CHECK(static_cast<double>(both_native) / first_native == doctest::Approx(0.05).epsilon(0.15));
  CHECK(static_cast<double>(both_apt) / first_apt == doctest::Approx(6 / 101.0).epsilon(0.15));
  CHECK(both_electron == first_electron);  // always the same people: `salt: release` is refused there
}
