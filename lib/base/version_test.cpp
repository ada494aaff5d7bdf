#include "base/version.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tranche;

TEST_CASE("versions order as SemVer 2.0.0 item 11 lists them") {
  const std::vector<std::string> ascending{"not a version",
                                           "0.9",
                                           "1.0.0-0",
                                           "1.0.0-2",
                                           "1.0.0-10",
                                           "1.0.0-alpha",
                                           "1.0.0-alpha.1",
                                           "1.0.0-alpha.beta",
                                           "1.0.0-beta",
                                           "1.0.0-beta.2",
                                           "1.0.0-beta.11",
                                           "1.0.0-rc.1",
                                           "1.0.0",
                                           "1.0.0.1",
                                           "1.0.1",
                                           "1.2.0",
                                           "1.10.0",
                                           "2",
                                           "2.0.0.1",
                                           "10.0.0",
                                           "99999999999999999999999.0"};
  for (std::size_t i = 0; i < ascending.size(); ++i)
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      CAPTURE(ascending[i]);
      CAPTURE(ascending[j]);
      const int order = compare_versions(ascending[i], ascending[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order > 0) == (i > j));
    }
}

TEST_CASE("missing parts are zero and build metadata does not count") {
  CHECK(compare_versions("1", "1.0.0.0") == 0);
  CHECK(compare_versions("1.2", "1.2.0") == 0);
  CHECK(compare_versions("1.0.0+a", "1.0.0+b.7") == 0);
  CHECK(compare_versions("1.0.0-rc.1+a", "1.0.0-rc.1") == 0);
}

TEST_CASE("a version is valid or it is not") {
  for (const char* good : {"0", "1", "1.2", "1.2.3", "1.2.3.4", "1.2.3-rc.1", "1.0.0-x-y.7", "1.0.0+001",
                           "1.0.0--", "1.0.0-rc.1+b-1", "0.0.0"})
    CHECK_MESSAGE(valid_version(good), good);
  for (const char* bad :
       {"", "v1.0.0", "1.", ".1", "1..2", "1.2.3.4.5", "01.0.0", "1.02", "1.0.0-", "1.0.0-a..b", "1.0.0-01",
        "1.0.0+", "1.0.0 ", " 1", "1.0.0-ä", "-1", "1.0.0+a+b", "1.0.0/..", "1\n"})
    CHECK_FALSE_MESSAGE(valid_version(bad), bad);
  CHECK_FALSE(valid_version(std::string(129, '1')));
  CHECK(valid_version(std::string(128, '1')));
}
