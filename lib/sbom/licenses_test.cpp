#include "sbom/licenses.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tranche::sbom;

TEST_CASE("licence ids are found whatever their case, and spelled as the list has them") {
  CHECK(find_license_id("MIT") == "MIT");
  CHECK(find_license_id("apache-2.0") == "Apache-2.0");
  CHECK(find_license_id("GPL-2.0-or-later") == "GPL-2.0-or-later");
  CHECK(find_license_id("UNLICENSED").empty());
  CHECK(find_license_id("").empty());
  CHECK(find_license_id("Classpath-exception-2.0").empty());
  CHECK(find_exception_id("classpath-exception-2.0") == "Classpath-exception-2.0");
}

TEST_CASE("licence expressions are read by the grammar of SPDX, or not at all") {
  struct Row {
    const char* text;
    const char* canonical;  // null: no expression
  };
  for (const Row& row :
       {Row{"MIT", "MIT"},
        Row{"mit", "MIT"},
        Row{"(MIT OR Apache-2.0)", "(MIT OR Apache-2.0)"},
        Row{"MIT and  isc", "MIT AND ISC"},
        Row{"GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"},
        Row{"EUPL-1.2+", "EUPL-1.2+"},
        Row{"LicenseRef-mine AND DocumentRef-a:LicenseRef-b",
            "LicenseRef-mine AND DocumentRef-a:LicenseRef-b"},
        Row{"((MIT))", "((MIT))"},
        Row{"", nullptr},
        Row{"AND", nullptr},
        Row{"MIT OR", nullptr},
        Row{"(MIT", nullptr},
        Row{"MIT)", nullptr},
        Row{"MIT ISC", nullptr},
        Row{"MIT/X11", nullptr},
        Row{"SEE LICENSE IN LICENSE.md", nullptr},
        Row{"MIT WITH MIT", nullptr},
        Row{"LicenseRef-", nullptr},
        Row{"LicenseRef-a_b", nullptr},
        Row{"Commercial", nullptr}}) {
    CAPTURE(row.text);
    const auto expression = parse_license_expression(row.text);
    REQUIRE(expression.has_value() == (row.canonical != nullptr));
    if (expression) CHECK(expression->text == row.canonical);
  }
}

TEST_CASE("hostile licence expressions are bounded") {
  CHECK_FALSE(parse_license_expression(std::string(5000, '(')));
  CHECK_FALSE(parse_license_expression(std::string(40, '(') + "MIT" + std::string(40, ')')));
  CHECK(parse_license_expression(std::string(32, '(') + "MIT" + std::string(32, ')')));
}
