#include "base/percent.hpp"

#include <doctest/doctest.h>

using namespace tranche;

TEST_CASE("a percentage is read exactly or refused") {
  struct Row {
    const char* text;
    long ppm;  // -1: refused
  };
  for (const Row& row : std::initializer_list<Row>{{"5", 50'000},
                                                   {"5%", 50'000},
                                                   {"0.5%", 5'000},
                                                   {"100", 1'000'000},
                                                   {"0.0001%", 1},
                                                   {"0", 0},
                                                   {"101", -1},
                                                   {"100.0001", -1},
                                                   {"0.00001", -1},
                                                   {"-1", -1},
                                                   {"", -1},
                                                   {"5 5", -1},
                                                   {"nan", -1},
                                                   {"5.", -1},
                                                   {".5", -1},
                                                   {"1e1", -1}}) {
    CAPTURE(row.text);
    const auto got = parse_percent(row.text);
    CHECK(got.has_value() == (row.ppm >= 0));
    if (got && row.ppm >= 0) CHECK(got->ppm == static_cast<unsigned>(row.ppm));
  }
}

TEST_CASE("a percentage is written in its shortest form and reads back equal") {
  for (std::uint32_t ppm = 0; ppm <= Percent::whole; ppm += 997)
    CHECK(parse_percent(to_text(Percent{ppm}))->ppm == ppm);
  CHECK(to_text(Percent{5'000}) == "0.5%");
  CHECK(to_text(Percent{1'000'000}) == "100%");
}
