#include "base/deb822.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tranche;

TEST_CASE("stanzas are parted by blank lines, values may go on over lines") {
  const auto stanzas = parse_deb822(
      "\nPackage: notes\nDescription: short words\n  more of them\n .\n the end\n\n \t\n\nPackage:  other "
      "\r\nEmpty:\n");
  REQUIRE(stanzas.has_value());
  REQUIRE(stanzas->size() == 2);
  const Deb822Stanza& first = stanzas->front();
  CHECK(first.fields.size() == 2);
  CHECK(first.find("package") == "notes");
  CHECK(first.find("DESCRIPTION") == "short words\n  more of them\n .\n the end");
  CHECK_FALSE(first.find("Version").has_value());
  CHECK(first.text == "Package: notes\nDescription: short words\n  more of them\n .\n the end");
  CHECK((*stanzas)[1].find("Package") == "other");
  CHECK((*stanzas)[1].find("Empty") == "");
}

TEST_CASE("a text without stanzas is an empty list, and a last line needs no newline") {
  CHECK(parse_deb822("")->empty());
  CHECK(parse_deb822("\n \n\t\n")->empty());
  CHECK(parse_deb822("A: b")->front().find("A") == "b");
}

TEST_CASE("what is no control file is refused with its line") {
  struct Row {
    std::string text;
    const char* message;
  };
  for (const Row& row : std::vector<Row>{
           {"A: b\nno field here\n", "line 2: 'no field here' is no field"},
           {" starts with a blank\n", "line 1: it continues a field, and there is none before it"},
           {"A: b\n\n more\n", "line 3: it continues a field, and there is none before it"},
           {"A: b\nB: c\na: d\n", "line 3: the field 'a' stands twice"},
           {"# comment: no\n", "line 1: '# comment: no' is no field"},
           {": x\n", "line 1: ': x' is no field"},
           {"A b: x\n", "line 1: 'A b: x' is no field"},
           {std::string("A: b\0c\n", 7), "line 0: there is a NUL byte in it"}}) {
    CAPTURE(row.text);
    const auto stanzas = parse_deb822(row.text);
    REQUIRE_FALSE(stanzas.has_value());
    CHECK(stanzas.error().kind == ErrorKind::invalid);
    CHECK(stanzas.error().message == row.message);
    CHECK_FALSE(stanzas.error().hint.empty());
  }
}

TEST_CASE("the caps on stanzas, fields and bytes hold") {
  Deb822Limits limits;
  limits.max_stanzas = 2;
  limits.max_fields = 3;
  limits.max_stanza_bytes = 40;
  CHECK(parse_deb822("A: 1\n\nA: 1\n", limits).has_value());
  CHECK_FALSE(parse_deb822("A: 1\n\nA: 1\n\nA: 1", limits).has_value());
  CHECK(parse_deb822("A: 1\nB: 1\nC: 1\n", limits).has_value());
  CHECK_FALSE(parse_deb822("A: 1\nB: 1\nC: 1\nD: 1\n", limits).has_value());
  CHECK_FALSE(parse_deb822("A: " + std::string(40, 'x'), limits).has_value());
}

TEST_CASE("a value gives its lines and its words") {
  CHECK(value_lines("\n a 1 x\n\n  b 2 y \r\n") == std::vector<std::string_view>{"a 1 x", "b 2 y"});
  CHECK(value_lines("").empty());
  CHECK(value_words(" amd64\tarm64\n all ") == std::vector<std::string_view>{"amd64", "arm64", "all"});
  CHECK(value_words(" ").empty());
}
