#include "vuln/cvss.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/text.hpp"

using namespace tranche;
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

TEST_CASE("CVSS 2 base scores are those of the guide's examples") {
  CHECK(cvss2_base_score("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C") == 78);    // CVE-2002-0392
  CHECK(cvss2_base_score("AV:N/AC:L/Au:N/C:C/I:C/A:C/E:F/RL:OF/RC:C") == 100);   // CVE-2003-0818
  CHECK(cvss2_base_score("AV:L/AC:H/Au:N/C:C/I:C/A:C/E:POC/RL:OF/RC:C") == 62);  // CVE-2003-0062
  CHECK(cvss2_base_score("AV:L/AC:L/Au:N/C:N/I:N/A:N") == 0);
  for (const std::string vector :
       {"", "AV:N", "AV:N/AC:L/Au:N/C:P/I:P", "AV:N/AC:L/Au:N/C:P/I:P/A:X", "AV:N/AC:L/Au:N/C:P/I:P/A:P/A:C",
        "AV:N/AC:L/Au:N/C:P/I:P/A:", "(AV:N/AC:L/Au:N/C:P/I:P/A:P)",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"})
    CHECK_MESSAGE(!cvss2_base_score(vector).has_value(), vector);
}

TEST_CASE("CVSS 4.0 scores are those that its authors publish") {
  struct Example {
    std::string metrics;
    int tenths;
  };
  for (const auto& [metrics, tenths] :
       std::vector<Example>{{"AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:H/VA:L/SC:N/SI:H/SA:L", 92},
                            {"AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:H/SI:L/SA:H", 79},
                            {"AV:N/AC:L/AT:N/PR:N/UI:P/VC:L/VI:N/VA:N/SC:L/SI:N/SA:L", 53},
                            {"AV:N/AC:L/AT:N/PR:N/UI:A/VC:L/VI:L/VA:H/SC:H/SI:H/SA:L", 84},
                            {"AV:N/AC:L/AT:N/PR:L/UI:P/VC:H/VI:L/VA:L/SC:L/SI:L/SA:L", 70},
                            {"AV:N/AC:L/AT:N/PR:H/UI:P/VC:L/VI:L/VA:N/SC:L/SI:N/SA:N", 48},
                            {"AV:N/AC:L/AT:P/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:N/SA:N", 21},
                            {"AV:N/AC:H/AT:P/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:L/SA:N", 95},
                            {"AV:N/AC:H/AT:N/PR:L/UI:A/VC:L/VI:L/VA:H/SC:L/SI:L/SA:N", 58},
                            {"AV:N/AC:L/AT:P/PR:H/UI:A/VC:N/VI:L/VA:N/SC:N/SI:L/SA:N", 18},
                            {"AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N", 87},
                            {"AV:A/AC:H/AT:P/PR:L/UI:P/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0},
                            // What is said beyond the base metrics makes a score worse, never better.
                            {"AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N/MSI:H", 77},
                            {"AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N/AR:L/E:U", 87},
                            {"AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N/U:Amber/R:A", 87}}) {
    CAPTURE(metrics);
    CHECK(cvss4_score("CVSS:4.0/" + metrics) == tenths);
  }
  const std::string whole = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N";
  for (const std::string& vector :
       {std::string("CVSS:4.0/"), whole.substr(0, whole.size() - 5), whole + "/", whole + "/JJ:H",
        whole + "/SI:H", whole + "/E:Z", whole + "/U:Blue", whole + "/MSC:S", whole + "/ME:A", whole + "/E",
        replace_all(whole, "SA:N", "SA:S"), replace_all(whole, "AV:N", "AV:X"), "CVSS:4.1" + whole.substr(8),
        whole + std::string(1000, '/')})
    CHECK_MESSAGE(!cvss4_score(vector).has_value(), vector);
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
