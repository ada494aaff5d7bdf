#include <doctest/doctest.h>

#include "cohort/clients.hpp"

using namespace tranche::cohort;

TEST_CASE("a Sparkle host's group is its identifier modulo seven") {
  struct Case {
    std::uint64_t identifier;
    unsigned group;
  };
  constexpr Case cases[] = {{0, 0}, {6, 6}, {7, 0}, {4294967294, 2}, {4294967295, 3}, {4294967296, 0}};
  for (const Case& one : cases) {
    CAPTURE(one.identifier);
    CHECK(sparkle_group(one.identifier) == one.group);
  }
}

TEST_CASE("the seven groups are equally large") {
  unsigned counts[7] = {};
  for (std::uint64_t id = 0; id < 700'000; ++id) ++counts[sparkle_group(id * 6'130 + 11)];
  for (const unsigned count : counts) CHECK(count == 100'000);
}
