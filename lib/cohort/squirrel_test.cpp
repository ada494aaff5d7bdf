#include <doctest/doctest.h>

#include <random>
#include <string>

#include <fmt/format.h>

#include "cohort/clients.hpp"

using namespace tranche::cohort;

namespace {

// A GUID whose last four bytes are `value`, little-endian.
std::string guid_with(std::uint32_t value) {
  return fmt::format("01020304-0506-0708-090a-0b0c{:02x}{:02x}{:02x}{:02x}", value & 0xFF, value >> 8 & 0xFF,
                     value >> 16 & 0xFF, value >> 24);
}

}  // namespace

TEST_CASE(
    "a Squirrel client is in when the last four bytes of its GUID, little-endian, are below the share") {
  struct Case {
    std::uint32_t value;
    int percent;
    bool in;
  };
  constexpr Case cases[] = {
      {0, 0, false},
      {0, 1, true},
      {0x19999998, 10, true},
      {0x1999999F, 10, true},  // the single 0.1 lies above the double: 6 ids more than with electron
      {0x199999A1, 10, false},
      {0x7FFFFFFF, 50, true},
      {0x80000000, 50, false},
      {0xFFFFFFFE, 100, true},
      {0xFFFFFFFF, 100, false},
      {0xFFFFFFFF, 101, true},  // three digits are read as they stand: "# 150%" is everybody
      {0xFFFFFFFF, 999, true},
  };
  for (const Case& one : cases) {
    CAPTURE(one.value);
    CAPTURE(one.percent);
    CHECK(squirrel_admits(guid_with(one.value), one.percent) == one.in);
  }
}

TEST_CASE("the bytes are little-endian: an id that electron lets in late is early here") {
  CHECK(squirrel_admits("00000000-0000-0000-0000-0000ff000000", 1));
  CHECK_FALSE(squirrel_admits("00000000-0000-0000-0000-0000000000ff", 99));
}

TEST_CASE("a Squirrel client without a GUID is in no share") {
  for (const char* id : {"", "x", "01020304-0506-0708-090a-0b0c0000000", "0102030405060708090a0b0c00000000"})
    CHECK_FALSE(squirrel_admits(id, 100));
}

TEST_CASE("widening drops no Squirrel client, and the share is what was written") {
  const unsigned seed = std::random_device()();
  MESSAGE("seed ", seed);
  std::mt19937 random(seed);
  int in[4] = {};
  constexpr int percents[] = {1, 10, 50, 99}, ids = 200'000;
  for (int i = 0; i < ids; ++i) {
    const std::string id = guid_with(static_cast<std::uint32_t>(random()));
    bool before = false;
    for (int k = 0; k < 4; ++k) {
      const bool now = squirrel_admits(id, percents[k]);
      CHECK((now || !before));
      in[k] += now ? 1 : 0;
      before = now;
    }
  }
  for (int k = 0; k < 4; ++k) CHECK(in[k] == doctest::Approx(percents[k] * (ids / 100)).epsilon(0.1));
}
