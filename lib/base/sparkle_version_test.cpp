// The cases of Sparkle's own SUVersionComparisonTest, and the corners of its comparator.
#include "base/sparkle_version.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace tranche;

namespace {

struct Case {
  const char* a;
  const char* b;
  int order;
};

constexpr Case cases[] = {
    // numbers
    {"1.0", "1.1", -1},
    {"1.0", "1.0", 0},
    {"2.0", "1.1", 1},
    {"0.1", "0.0.1", 1},
    {"0.1", "0.1.2", -1},
    {"1.0", "1.0.0", 0},
    // what follows a dash
    {"1.5.5-335d3e2", "1.5.6-b252311", -1},
    {"1.5.5-335d3e2", "1.5.5-a655360", 0},
    {"1.5-335d3e2", "1.5.0-335d3e2", 0},
    {"1.2.0-rc.1", "1.2.0", 0},
    {"1.2.0-rc.1", "1.2.0-rc.2", 0},
    // prereleases
    {"1.5.5", "1.5.6a1", -1},
    {"1.1.0b1", "1.1.0b2", -1},
    {"1.1.1b2", "1.1.2b1", -1},
    {"1.1.1b2", "1.1.2a1", -1},
    {"1.0a1", "1.0b1", -1},
    {"1.0b1", "1.0", -1},
    {"0.9", "1.0a1", -1},
    {"1.0b", "1.0b2", -1},
    {"1.0b10", "1.0b11", -1},
    {"1.0b9", "1.0b10", -1},
    {"1.0rc", "1.0", -1},
    {"1.0b", "1.0", -1},
    {"1.0pre1", "1.0", -1},
    {"1.0pre1", "1.0.0pre1", 0},
    // build numbers
    {"1.0 (1234)", "1.0 (1235)", -1},
    {"1.0b1 (1234)", "1.0 (1234)", -1},
    {"1.0b5 (1234)", "1.0b5 (1235)", -1},
    {"1.0b5 (1234)", "1.0.1b5 (1234)", -1},
    {"1.0.1b5 (1234)", "1.0.1b6 (1234)", -1},
    {"2.0.0.2429", "2.0.0.2430", -1},
    {"1.1.1.1818", "2.0.0.2430", -1},
    {"3.3 (5847)", "3.3.1b1 (5902)", -1},
    {"3.3 (5847)", "3.3.0 (5847)", 0},
    {"1.1.1.1818", "1.1.1.1818.0", 0},
    {"3.3b1 (5902)", "3.3.0b1 (5902)", 0},
    // dates
    {"201210251627", "201211051041", -1},
    {"201210251627.0", "201210251627", 0},
    // corners
    {"", "", 0},
    {"", "0", 0},  // nothing is filled up with zeros
    {"", "1", -1},
    {"1.0+5", "1.0", -1},
    {"99999999999999999999", "9223372036854775807", 0},
};

int sign(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

}  // namespace

TEST_CASE("versions are ordered as Sparkle's clients order them") {
  for (const Case& one : cases) {
    CAPTURE(one.a);
    CAPTURE(one.b);
    CHECK(sign(compare_sparkle_versions(one.a, one.b)) == one.order);
    CHECK(sign(compare_sparkle_versions(one.b, one.a)) == -one.order);
  }
}

TEST_CASE("any two texts compare, and each equals itself") {
  const unsigned seed = std::random_device()();
  MESSAGE("seed ", seed);
  std::mt19937 random(seed);
  const auto text = [&] {
    constexpr std::string_view alphabet = "0129.-ab (_+\xc3\xa9";
    std::string out(random() % 12, '\0');
    for (char& c : out) c = alphabet[random() % alphabet.size()];
    return out;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string a = text(), b = text();
    CHECK(compare_sparkle_versions(a, a) == 0);
    (void)compare_sparkle_versions(a, b);
  }
}
