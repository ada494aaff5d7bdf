#include "actions/zip_writer.hpp"

#include <doctest/doctest.h>

namespace tranche::actions {
namespace {

TEST_CASE("CRC-32 gives the check value of its standard") { CHECK(crc32("123456789") == 0xcbf43926U); }

TEST_CASE("the same files give the same bytes, and each stands there as it is") {
  const std::map<std::string, std::string> files = {{"b/two.txt", "zwei"}, {"a.txt", ""}};
  const auto zip = write_zip(files);
  REQUIRE(zip.has_value());
  CHECK(*zip == *write_zip(files));
  CHECK(zip->starts_with("PK\x03\x04"));
  CHECK(zip->find("b/two.txtzwei") != std::string::npos);
  CHECK(zip->size() == 2 * (30 + 46) + 2 * (5 + 9) + 4 + 22);
}

TEST_CASE("names that would leave the folder are refused") {
  for (const char* name : {"", "/a", "../a", "a/../b", "a//b", "a\\b", "a b", "ä"}) {
    CAPTURE(name);
    CHECK_FALSE(write_zip({{name, "x"}}).has_value());
  }
}

}  // namespace
}  // namespace tranche::actions
