#include "sbom/purl.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "doc/value.hpp"
#include "support/corpora.hpp"

using namespace tranche;
using namespace tranche::sbom;

namespace {

std::string member(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

Purl to_purl(const doc::Value& value) {
  Purl purl{member(value, "type"),
            member(value, "namespace"),
            member(value, "name"),
            member(value, "version"),
            {},
            member(value, "subpath")};
  if (const doc::Value* list = value.find("qualifiers"); list != nullptr && list->is_object())
    for (const doc::Member& qualifier : list->as_object())
      purl.qualifiers.emplace_back(qualifier.key, qualifier.value.as_string());
  std::ranges::sort(purl.qualifiers);
  return purl;
}

}  // namespace

TEST_CASE("addresses lose their passwords and tokens, wherever in a text they stand") {
  struct Row {
    const char *from, *to;
  };
  for (const Row& row :
       {Row{"https://user:secret@host/x", "https://host/x"},
        Row{"https://token@host/x@v1", "https://host/x@v1"},
        Row{"git+ssh://git@host/x", "git+ssh://git@host/x"},
        Row{"ssh://git:secret@host/x", "ssh://git@host/x"},
        Row{"https://host/@scope/x", "https://host/@scope/x"}, Row{"git@host:a/b", "git@host:a/b"},
        Row{"a https://u:p@h b http://t@k", "a https://h b http://k"},
        Row{"https://a@b@host", "https://host"}, Row{"ssh://@host", "ssh://@host"}, Row{"", ""}})
    CHECK(without_credentials(row.from) == row.to);
  CHECK(make_purl("npm", "", "x", "1", {{"vcs_url", "git+https://t@host/x"}}) ==
        "pkg:npm/x@1?vcs_url=git%2Bhttps:%2F%2Fhost%2Fx");
}

TEST_CASE(
    "package URLs are read, built and brought into canonical form as the specification's own tests want") {
  const auto corpus = support::find_corpus("purl");
  if (!corpus) return;
  std::size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*corpus)) {
    if (entry.path().extension() != ".json") continue;
    const auto suite =
        doc::parse_json(support::read_corpus_file(entry.path().string()), entry.path().string());
    REQUIRE(suite);
    for (const doc::Value& test : suite->find("tests")->as_array()) {
      ++cases;
      const doc::Value& input = *test.find("input");
      const doc::Value* output = test.find("expected_output");
      const bool fails = test.find("expected_failure")->as_bool();
      CAPTURE(entry.path().filename().string());
      CAPTURE(doc::to_json(input));
      const auto purl = input.is_string() ? parse_purl(input.as_string()) : check_purl(to_purl(input));
      CHECK(purl.has_value() == !fails);
      if (!purl || fails) continue;
      if (output->is_string())
        CHECK(write_purl(*purl) == output->as_string());
      else
        CHECK(*purl == to_purl(*output));
    }
  }
  CHECK(cases >= 340);
}

TEST_CASE("what catalogers write reads back as the same parts") {
  std::mt19937 random(20261121);  // seed
  const std::string_view letters = "aZ09-._@/:%+ ?#&=\xc3\xa9";
  const auto word = [&](bool slash) {
    std::string text = "x";
    for (std::size_t i = 0; i < random() % 6; ++i) {
      const char c = letters[random() % 17];
      if (slash || c != '/') text += c;
    }
    return text;
  };
  for (int i = 0; i < 2000; ++i) {
    Purl parts{"generic", word(true), word(true), word(true), {{"key", word(true)}}, word(true)};
    const std::string text =
        make_purl(parts.type, parts.name_space, parts.name, parts.version, parts.qualifiers, parts.subpath);
    const auto checked = check_purl(parts);
    REQUIRE(checked);
    const auto read = parse_purl(text);
    REQUIRE_MESSAGE(read, text);
    CHECK_MESSAGE(*read == *checked, "seed 20261121: " << text);
    CHECK(write_purl(*read) == text);
  }
}

TEST_CASE("the name is said as the ecosystem says it") {
  CHECK(parse_purl("pkg:npm/%40scope/a@1")->full_name() == "@scope/a");
  CHECK(parse_purl("pkg:maven/org.acme/a@1")->full_name() == "org.acme:a");
  CHECK(parse_purl("pkg:golang/github.com/Acme/a@v1.0.0")->full_name() == "github.com/Acme/a");
  CHECK(parse_purl("pkg:pypi/Zope.Interface__x@1")->full_name() == "zope-interface-x");
  CHECK(parse_purl("pkg:deb/debian/a@1?arch=all")->qualifier("arch") == "all");
  CHECK(parse_purl("pkg:deb/debian/a@1")->qualifier("arch").empty());
}

TEST_CASE("hostile package URLs are refused with the reason") {
  const std::pair<std::string, const char*> table[] = {
      {"", "begin with pkg:"},
      {"pkg:", "no name"},
      {"pkg:npm", "no name"},
      {"pkg:npm/a?x", "no '='"},
      {"pkg:npm/a?x=1&X=2", "stands twice"},
      {"pkg:npm/a%", "broken escape"},
      {"pkg:npm/a%00", "no text"},
      {"pkg:npm/a%ff", "no text"},
      {"pkg:npm/a%2Fb/c", "broken escape"},
      {"pkg:npm/a#x%2Fy", "broken escape"},
      {"pkg:npm/" + std::string(20'000, 'a'), "longer than"},
  };
  for (const auto& [text, reason] : table) {
    const auto purl = parse_purl(text);
    REQUIRE_FALSE(purl);
    CHECK(purl.error().kind == ErrorKind::invalid);
    CHECK_MESSAGE(purl.error().message.find(reason) != std::string::npos, purl.error().message);
  }
}
