#include "store/s3_xml.hpp"

#include <doctest/doctest.h>

using namespace tranche;
using namespace tranche::store;

TEST_CASE("an answer of S3 is read into elements") {
  const auto root = parse_xml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Empty/>"
      "<Contents><Key>a&amp;b&#x41;&#233;</Key><Size>3</Size></Contents>\n"
      "<Contents a='1' ><Key>c</Key ></Contents></ListBucketResult>\n");
  REQUIRE(root.has_value());
  CHECK(root->name == "ListBucketResult");
  CHECK(root->text_of("Name") == "b");
  CHECK(root->text_of("None").empty());
  REQUIRE(root->children.size() == 4);
  CHECK(root->children[2].text_of("Key") == "a&bA\xC3\xA9");
  CHECK(root->children[3].text_of("Key") == "c");
  CHECK(parse_xml("<x:Error><x:Code>c</x:Code></x:Error>")->text_of("Code") == "c");
  CHECK(parse_xml("<a>" + escape_xml("<\"&'>") + "</a>")->text == "<\"&'>");
}

TEST_CASE("what is no such document is refused") {
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "<a>";
  for (const std::string& text : {std::string(),
                                  std::string("x"),
                                  std::string("<a>"),
                                  std::string("<a></b>"),
                                  std::string("<a></a>x"),
                                  std::string("<a></a><a></a>"),
                                  std::string("<!DOCTYPE a []><a/>"),
                                  std::string("<a><!-- x --></a>"),
                                  std::string("<a><![CDATA[x]]></a>"),
                                  std::string("<a>&x;</a>"),
                                  std::string("<a>&amp</a>"),
                                  std::string("<a>&#0;</a>"),
                                  std::string("<a>&#xD800;</a>"),
                                  std::string("<a>&#x;</a>"),
                                  std::string("<a>&#99999999;</a>"),
                                  std::string("<a b></a>"),
                                  std::string("<a b=c></a>"),
                                  std::string("<a b=\"></a>"),
                                  std::string("<?xml <a/>"),
                                  std::string("<a"),
                                  std::string("< a/>"),
                                  deep}) {
    CAPTURE(text);
    const auto refused = parse_xml(text);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::verification);
    CHECK_FALSE(refused.error().hint.empty());
  }
}
