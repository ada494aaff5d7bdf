#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>

#include "cohort/clients.hpp"

using namespace tranche;
using namespace tranche::cohort;

namespace {

// What apt itself runs, with this compiler's library.
unsigned library_draw(const std::string& source, const std::string& version, const std::string& machine) {
  const std::string text = source + "-" + version + "-" + machine;
  std::seed_seq seed(text.begin(), text.end());
  std::minstd_rand random(seed);
  return std::uniform_int_distribution<unsigned>(0, 100)(random);
}

class Inputs {
 public:
  explicit Inputs(std::uint64_t seed) : random_(seed) {}
  std::string machine() {
    std::string out;
    while (out.size() < 32) out += "0123456789abcdef"[random_() % 16];
    return out;
  }
  std::string bytes(std::size_t most) {
    std::string out;
    for (std::size_t i = random_() % (most + 1); i > 0; --i) out += static_cast<char>(random_());
    return out;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("a machine's draw is the one that apt makes") {
  CHECK(apt_draw("notes-agent", "1.2.0", "3d1219c7c4c5404aaa1f6d2a48adfda4") == 66);
  CHECK(apt_draw("notes-agent", "1:1.2.0-1", "00000000000000000000000000000001") == 75);
  CHECK(apt_draw("demo", "2.0", "0000000000000000000000000000001d") == 45);
  CHECK(apt_draw("", "", "") == library_draw("", "", ""));
}

TEST_CASE("the draw is libstdc++'s own, for machine ids and for any bytes") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  Inputs inputs(seed);
  int different = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string machine = inputs.machine();
    if (apt_draw("notes-agent", "1:1.2.0-1", machine) != library_draw("notes-agent", "1:1.2.0-1", machine))
      ++different;
    const std::string a = inputs.bytes(4), b = inputs.bytes(6), c = inputs.bytes(40);
    if (apt_draw(a, b, c) != library_draw(a, b, c)) ++different;
  }
  CHECK(different == 0);
}

TEST_CASE("a widening percentage never drops a machine, and its share is (P + 1) of 101") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  Inputs inputs(seed);
  constexpr int machines = 1'000'000;
  std::array<int, 101> drawn{};
  for (int i = 0; i < machines; ++i) {
    const unsigned draw = apt_draw("notes-agent", "1.2.0", inputs.machine());
    REQUIRE(draw <= 100);
    ++drawn[draw];
  }
  // Upgrading is draw <= P, so a larger P reaches a superset. The share is the sum of the faces.
  int in = 0;
  for (std::size_t percent = 0; percent <= 100; ++percent) {
    in += drawn[percent];
    CAPTURE(percent);
    const double share = static_cast<double>(in) / machines, wanted = static_cast<double>(percent + 1) / 101;
    CHECK(share > wanted - 0.0025);  // five standard deviations at the middle
    CHECK(share < wanted + 0.0025);
  }
  CHECK(reach(*find_client("apt"), Percent{100'000}).share == doctest::Approx(11 / 101.0));
}

TEST_CASE("another version draws anew: two releases share their first machines no more than chance") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  Inputs inputs(seed);
  int both = 0;
  constexpr int machines = 200'000;
  for (int i = 0; i < machines; ++i) {
    const std::string machine = inputs.machine();
    if (apt_draw("notes-agent", "1.2.0", machine) <= 4 && apt_draw("notes-agent", "1.3.0", machine) <= 4)
      ++both;
  }
  const double share = static_cast<double>(both) / machines;  // chance: (5/101)^2 = 0.00245
  CHECK(share > 0.00245 - 0.0007);
  CHECK(share < 0.00245 + 0.0007);
}
