#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "cohort/decide.hpp"

using namespace tranche;
using namespace tranche::cohort;

namespace {
__extension__ using Wide = unsigned __int128;
const std::string long_salt(500, 's');
const std::string long_id(128, '~');
}  // namespace

// Made with Python's hashlib, independently of this code. Clients in the field depend on these numbers.
TEST_CASE("a device's bucket and its listed hash are FEED.md's, to the last bit") {
  struct Row {
    std::string salt, id;
    std::uint64_t bucket;
    const char* listed;
  };
  const std::vector<Row> rows{
      {"notes-agent/stable/1.2.0", "device-0001", 5017057791689545746U,
       "c1eb6cc4512cd6c4bd24b3d507eeec92a88083b2213a6f6e5f95ed4ad38072c0"},
      {"notes-agent/stable/1.2.0", "device-0002", 3543943580478037891U,
       "d78194cd1c824201c26a4e71748524a5a0096ba44d010d2301e3f195eb9de495"},
      {"notes-agent/stable", "device-0001", 8843749961313538985U,
       "3556cb573efa9c08fa8aa8a249541039a4a2fdcb7ff7d69c9346db2854939491"},
      {"", "a", 13289637071888782184U, "7a003f68cdb2ae42cbff027c2546a7367735e4dbd0caa1b48cbbdc8c95f81e07"},
      {"app/beta/2.0.0-rc.1", long_id, 11911256971399288960U,
       "28bc8764d253196e29ffbac6a031f6750143ae66f67791b4ae6613f0806b6ec5"},
      {long_salt, "x y", 10009898073017128228U,
       "dac5cc7386348e9f9cefaa94cacf9b3ab26f454bb427e9c50b48e12f396958c1"},
      {"notes-agent/stable/1.2.0", "0f8fad5b-d9cb-469f-a165-70867728950e", 6453806907800292075U,
       "1952516ec517696c8f437c1e1c93393d29253dd2557c835841475287be39fde5"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.salt);
    CAPTURE(row.id);
    CHECK(bucket(row.salt, row.id) == row.bucket);
    CHECK(listed_hash(row.salt, row.id) == row.listed);
  }
}

TEST_CASE("a threshold is floor(ppm * 2^64 / 10^6), exactly") {
  struct Row {
    std::uint32_t ppm;
    std::uint64_t below;
  };
  for (const Row& row : std::initializer_list<Row>{{0, 0},
                                                   {1, 18446744073709U},
                                                   {5'000, 92233720368547758U},
                                                   {50'000, 922337203685477580U},
                                                   {200'000, 3689348814741910323U},
                                                   {333'333, 6148908542321825968U},
                                                   {500'000, 9223372036854775808U},
                                                   {999'999, 18446725626965477906U}}) {
    CAPTURE(row.ppm);
    CHECK(threshold(Percent{row.ppm}) == row.below);
  }
  // floor(x) = t  <=>  t <= x < t + 1, without any division
  for (std::uint32_t ppm = 0; ppm < Percent::whole; ppm += 101) {
    const Wide t = threshold(Percent{ppm});
    const Wide x = static_cast<Wide>(ppm) << 64;
    REQUIRE(t * Percent::whole <= x);
    REQUIRE((t + 1) * Percent::whole > x);
  }
}

TEST_CASE("a threshold reaches its share of 100,000 devices within five standard deviations") {
  constexpr int devices = 100'000;
  std::vector<std::uint64_t> buckets;
  buckets.reserve(devices);
  for (int i = 0; i < devices; ++i)
    buckets.push_back(bucket("app/stable/1.2.0", "device-" + std::to_string(i)));
  for (const std::uint32_t ppm : {1'000U, 10'000U, 50'000U, 200'000U, 500'000U, 900'000U}) {
    const std::uint64_t line = threshold(Percent{ppm});
    int in = 0;
    for (const std::uint64_t b : buckets) in += b < line ? 1 : 0;
    const double p = Percent{ppm}.fraction();
    const double sigma = std::sqrt(devices * p * (1 - p));
    CAPTURE(ppm);
    CHECK(std::abs(in - devices * p) < 5 * sigma);
  }
}

TEST_CASE("another salt is another draw: two rollouts choose guinea pigs independently") {
  constexpr int devices = 50'000;
  const std::uint64_t line = threshold(Percent{100'000});
  int both = 0;
  for (int i = 0; i < devices; ++i) {
    const std::string id = "device-" + std::to_string(i);
    if (bucket("app/stable/1.0.0", id) < line && bucket("app/stable/1.1.0", id) < line) ++both;
  }
  CHECK(std::abs(both - devices * 0.01) < 5 * std::sqrt(devices * 0.01 * 0.99));
}

TEST_CASE("a device with an id or labels outside the contract is refused, with a hint") {
  CHECK(check_device({"a", {}}).has_value());
  CHECK(check_device({long_id, {{"ring", "pilot"}}}).has_value());
  std::map<std::string, std::string> many;
  for (int i = 0; i < 33; ++i) many["label-" + std::to_string(i)] = "x";
  const std::vector<Device> bad{
      {"", {}},
      {long_id + "x", {}},
      {"tab\there", {}},
      {std::string("nul\0", 4), {}},
      {"caf\xc3\xa9", {}},
      {"\x7f", {}},
      {"a", {{"", "x"}}},
      {"a", {{"ring", ""}}},
      {"a", {{"ring", "a\nb"}}},
      {"a", {{"ri\x1bng", "x"}}},
      {"a", {{long_id + "x", "x"}}},
      {"a", many},
  };
  for (const Device& device : bad) {
    const auto checked = check_device(device);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().kind == ErrorKind::invalid);
    CHECK_FALSE(checked.error().hint.empty());
    for (const char c : checked.error().message) CHECK_FALSE((c >= 0 && c < 0x20));
  }
  many.erase("label-0");
  CHECK(check_device({"a", many}).has_value());
}
