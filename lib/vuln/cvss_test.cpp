#include "vuln/cvss.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tranche::vuln;

TEST_CASE("base scores are those of the specification's examples") {
  struct Example {
    std::string vector;
    int tenths;
  };
  for (const auto& [vector, tenths] :
       std::vector<Example>{{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98},
                            {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 100},
                            {"CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 61},  // CVE-2013-1937
                            {"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 64},  // CVE-2013-0375
                            {"CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 31},  // CVE-2014-3566
                            {"CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 99},  // CVE-2012-1516
                            {"CVSS:3.0/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 42},  // CVE-2009-0783
                            {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 75},  // CVE-2014-0160
                            {"CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N", 46},
                            {"CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:H", 93},  // CVE-2013-6014
                            {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0},
                            {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O", 98}}) {
    CAPTURE(vector);
    CHECK(cvss3_base_score(vector) == tenths);
  }
}

TEST_CASE("a vector that is not whole has no score") {
  for (const std::string vector :
       {"", "CVSS:3.1/", "CVSS:3.1/AV:N", "CVSS:2.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/AV:L",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:X/C:H/I:H/A:H", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:HH",
        "CVSS:3.1/AV:N//AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"})
    CHECK_MESSAGE(!cvss3_base_score(vector).has_value(), vector);
  CHECK_FALSE(
      cvss3_base_score(std::string("CVSS:3.1/AV:") + '\0' + "/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H").has_value());
}

TEST_CASE("bands of scores and words of databases") {
  CHECK(severity_of_score(0) == Severity::none);
  CHECK(severity_of_score(1) == Severity::low);
  CHECK(severity_of_score(39) == Severity::low);
  CHECK(severity_of_score(40) == Severity::medium);
  CHECK(severity_of_score(69) == Severity::medium);
  CHECK(severity_of_score(70) == Severity::high);
  CHECK(severity_of_score(89) == Severity::high);
  CHECK(severity_of_score(90) == Severity::critical);
  CHECK(severity_of_word("MODERATE") == Severity::medium);
  CHECK(severity_of_word("Important") == Severity::high);
  CHECK_FALSE(severity_of_word("terrible").has_value());
}
