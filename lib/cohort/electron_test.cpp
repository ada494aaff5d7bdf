#include "cohort/electron.hpp"

#include <doctest/doctest.h>

#include <random>

#include "cohort/clients.hpp"

using namespace tranche;
using namespace tranche::cohort;

namespace {

std::string id_with_draw(std::uint32_t draw) {
  return fmt::format("0b2c3d4e-5f60-5a7b-8c9d-0e1f{:08x}", draw);
}

}  // namespace

TEST_CASE("parseInt reads blanks, a sign and digits, and stops where they end") {
  struct Row {
    std::string text;
    std::optional<double> value;
  };
  for (const Row& row : std::initializer_list<Row>{{"10", 10},
                                                   {"0", 0},
                                                   {"0.5", 0},
                                                   {"99.9", 99},
                                                   {"12abc", 12},
                                                   {"1e2", 1},
                                                   {"1e+21", 1},
                                                   {"5e-7", 5},
                                                   {"0x64", 0},
                                                   {"010", 10},
                                                   {" \t\n\v\f\r42", 42},
                                                   {"\u00a0\ufeff\u2003\u2028\u300042", 42},
                                                   {"+7", 7},
                                                   {"-7", -7},
                                                   {"50,5", 50},
                                                   {"50%", 50},
                                                   {"", {}},
                                                   {" ", {}},
                                                   {"abc", {}},
                                                   {"+", {}},
                                                   {"- 7", {}},
                                                   {"--7", {}},
                                                   {".5", {}},
                                                   {"Infinity", {}},
                                                   {"NaN", {}},
                                                   {"true", {}},
                                                   {"%50", {}},
                                                   {"\u200b42", {}},
                                                   {"[object Object]", {}}}) {
    CAPTURE(row.text);
    CHECK(parse_int(row.text) == row.value);
  }
  CHECK(parse_int(std::string(400, '9')) > 1e300);
}

TEST_CASE("electron-updater admits ids below the share and never the id that is exactly on it") {
  struct Row {
    const char* percentage;
    std::uint32_t last_in, first_out;
  };
  // (2^32 - 1) * N / 100, from the client itself (tests/clients/electron_client.mjs).
  for (const Row& row : std::initializer_list<Row>{{"1", 0x028f5c28, 0x028f5c29},
                                                   {"10", 0x19999999, 0x1999999a},
                                                   {"25", 0x3fffffff, 0x40000000},
                                                   {"50", 0x7fffffff, 0x80000000},
                                                   {"99", 0xfd70a3d6, 0xfd70a3d7},
                                                   {"100", 0xfffffffe, 0xffffffff}}) {
    CAPTURE(row.percentage);
    CHECK(electron_admits(id_with_draw(0), row.percentage));
    CHECK(electron_admits(id_with_draw(row.last_in), row.percentage));
    CHECK_FALSE(electron_admits(id_with_draw(row.first_out), row.percentage));
    CHECK_FALSE(electron_admits(id_with_draw(0xffffffff), row.percentage));
  }
}

TEST_CASE(
    "electron-updater lets everybody in where the field is absent or no number, and nobody at 0 or below") {
  for (const std::uint32_t draw : {0U, 1U, 0x80000000U, 0xfffffffeU, 0xffffffffU}) {
    CAPTURE(draw);
    const std::string id = id_with_draw(draw);
    CHECK(electron_admits(id, std::nullopt));
    for (const char* text : {"", "abc", "true", "Infinity", ".5", "101", "1000", "99999999999999999999999"})
      CHECK(electron_admits(id, text));
    for (const char* text : {"0", "0.5", "0.999", "-1", "-0", "0x64", "00"})
      CHECK_FALSE(electron_admits(id, text));
  }
}

TEST_CASE("electron-updater reads a pair of hex digits with a capital as zero") {
  CHECK_FALSE(electron_admits("0b2c3d4e-5f60-5a7b-8c9d-0e1fffffffff", "100"));
  CHECK(electron_admits("0B2C3D4E-5F60-5A7B-8C9D-0E1FFFFFFFFF", "1"));
  CHECK(electron_admits("0b2c3d4e-5f60-5a7b-8c9d-0e1fFF000000", "1"));
  CHECK(electron_admits("0b2c3d4e-5f60-5a7b-8c9d-0e1ffF000000", "1"));
  CHECK_FALSE(electron_admits("0B2C3D4E-5F60-5A7B-8C9D-0E1F10FFFFFF", "6"));  // 0x10000000: digits stay
  CHECK(electron_admits("0B2C3D4E-5F60-5A7B-8C9D-0E1F10FFFFFF", "7"));
}

TEST_CASE("what is no UUID is let in only where everybody is") {
  for (const std::string id :
       {"", "device-0001", "0b2c3d4e5f605a7b8c9d0e1f00000000", "0b2c3d4e-5f60-5a7b-8c9d-0e1f00000000\n",
        " 0b2c3d4e-5f60-5a7b-8c9d-0e1f00000000", "{0b2c3d4e-5f60-5a7b-8c9d-0e1f00000000}",
        "0b2c3d4e-5f60-5a7b-8c9d-0e1f0000000g", "0b2c3d4e-5f60-5a7b-8c9d_0e1f00000000",
        "0b2c3d4e-5f60-5a7b-8c9d-0e1f0000000"}) {
    CAPTURE(id);
    CHECK_FALSE(parse_uuid(id).has_value());
    CHECK_FALSE(electron_admits(id, "100"));
    CHECK_FALSE(electron_admits(id, "1000"));
    CHECK(electron_admits(id, std::nullopt));
    CHECK(electron_admits(id, "abc"));
  }
}

TEST_CASE("a UUID's bytes are read in the order they are written, in either case") {
  const std::array<unsigned char, 16> bytes{0x0b, 0x2c, 0x3d, 0x4e, 0x5f, 0x60, 0x5a, 0x7b,
                                            0x8c, 0x9d, 0x0e, 0x1f, 0xa0, 0xb1, 0xc2, 0xd3};
  CHECK(parse_uuid("0b2c3d4e-5f60-5a7b-8c9d-0e1fa0b1c2d3") == bytes);
  CHECK(parse_uuid("0B2C3D4E-5F60-5A7B-8C9D-0E1FA0B1C2D3") == bytes);
  CHECK(parse_uuid("00000000-0000-0000-0000-000000000000") == std::array<unsigned char, 16>{});
}

TEST_CASE("the share that electron's dice let in is the one written, of a million ids") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::vector<std::string> ids(1'000'000);
  for (std::string& id : ids) id = id_with_draw(static_cast<std::uint32_t>(random()));
  std::size_t narrower = 0;
  for (const unsigned percent : {0U, 1U, 10U, 50U, 99U, 100U}) {
    CAPTURE(percent);
    const ElectronDice dice(std::to_string(percent));
    std::size_t in = 0;
    for (const std::string& id : ids) in += dice.admits(id) ? 1 : 0;
    CHECK(std::abs(static_cast<double>(in) / 1e6 - percent / 100.0) < 0.002);
    CHECK(std::abs(dice.share() - percent / 100.0) < 1e-9);
    CHECK(in >= narrower);
    narrower = in;
  }
}

TEST_CASE("widening a share never drops an id from electron's dice") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    const std::string id = id_with_draw(static_cast<std::uint32_t>(random()));
    bool in = false;
    for (int percent = 0; percent <= 101; ++percent) {
      const bool now = electron_admits(id, std::to_string(percent));
      CHECK((now || !in));
      in = now;
    }
    CHECK(in);
  }
}
