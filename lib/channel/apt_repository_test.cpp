#include "channel/apt_repository.hpp"

#include <doctest/doctest.h>
#include "base/release_date.hpp"

#include "artifact/deb_sample.hpp"
#include "artifact/unpack.hpp"
#include "crypto/digest.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::debian;
using artifact::testing::control_of;

namespace {

Listed listed(const std::string& name, const std::string& version, const std::string& architecture,
              std::optional<int> phased = {}) {
  Package package;
  package.file = name + ".deb";
  package.size = 10;
  package.sha256 = std::string(64, 'a');
  package.control = *artifact::parse_control(control_of(name, version, architecture));
  const std::string release = release_name(version);
  return {release, package, "tranche/v1/releases/" + release + "/" + package.file, phased};
}

std::vector<std::string> versions_in(const std::string& index) {
  std::vector<std::string> out;
  const auto stanzas = parse_deb822(index);
  REQUIRE(stanzas.has_value());
  for (const Deb822Stanza& stanza : *stanzas)
    out.push_back(std::string(*stanza.find("Package")) + " " + std::string(*stanza.find("Version")));
  return out;
}

}  // namespace

TEST_CASE("apt: the texts of a suite are Debian's formats to the letter") {
  Suite suite{"notes",
              "stable",
              "main",
              42,
              *parse_instant("2026-11-21T17:32:04.900Z"),
              *parse_instant("2026-11-22T17:32:04Z"),
              {},
              {listed("notes", "1.1.0-1", "amd64"), listed("notes", "1.2.0-1", "amd64", 10)}};
  suite.architectures = architectures_of(suite.packages);
  const auto indices = index_files(suite);
  REQUIRE(indices.size() == 2);
  CHECK(indices[0].name == "main/binary-amd64/Packages");
  CHECK(indices[0].bytes ==
        "Package: notes\nVersion: 1.2.0-1\nArchitecture: amd64\nMaintainer: Ana <ana@example.org>\n"
        "Description: keeps notes\n that stay\nFilename: tranche/v1/releases/1.2.0/notes.deb\nSize: 10\n"
        "SHA256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
        "Phased-Update-Percentage: 10\n\n"
        "Package: notes\nVersion: 1.1.0-1\nArchitecture: amd64\nMaintainer: Ana <ana@example.org>\n"
        "Description: keeps notes\n that stay\nFilename: tranche/v1/releases/1.1.0/notes.deb\nSize: 10\n"
        "SHA256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n");
  CHECK(indices[1].name == "main/binary-amd64/Packages.gz");
  CHECK(*artifact::unpack(indices[1].bytes, 1 << 20) == indices[0].bytes);
  const auto digest = [&](std::size_t i) { return crypto::to_hex(crypto::sha256(indices[i].bytes)); };
  CHECK(by_hash_name(indices[1]) == "main/binary-amd64/by-hash/SHA256/" + digest(1));
  CHECK(release_text(suite, indices) ==
        fmt::format(
            "Origin: notes\nLabel: notes\nSuite: stable\nCodename: stable\n"
            "Date: Sat, 21 Nov 2026 17:32:04 UTC\nValid-Until: Sun, 22 Nov 2026 17:32:04 UTC\n"
            "Acquire-By-Hash: yes\nArchitectures: amd64\nComponents: main\nTranche-Sequence: 42\nSHA256:\n"
            " {} {} main/binary-amd64/Packages\n {} {} main/binary-amd64/Packages.gz\n",
            digest(0), indices[0].bytes.size(), digest(1), indices[1].bytes.size()));
}

TEST_CASE("apt: packages for all architectures stand in each, and alone in one of their own") {
  Suite suite;
  suite.component = "main";
  suite.packages = {listed("notes", "1.0", "amd64"), listed("notes", "1.0", "arm64"),
                    listed("notes-data", "1.0", "all")};
  suite.architectures = architectures_of(suite.packages);
  CHECK(suite.architectures == std::vector<std::string>{"amd64", "arm64"});
  for (const IndexFile& index : index_files(suite))
    if (!index.name.ends_with(".gz"))
      CHECK(versions_in(index.bytes) == std::vector<std::string>{"notes 1.0", "notes-data 1.0"});
  CHECK(architectures_of({listed("notes-data", "1.0", "all")}) == std::vector<std::string>{"all"});
}

TEST_CASE("apt: facts come back as they were, and broken ones are refused") {
  const std::vector<Package> packages{listed("notes", "1:1.0~rc1-1", "amd64").package};
  const auto json = to_facts(packages);
  REQUIRE(json.has_value());
  const auto back = parse_facts(*json);
  REQUIRE(back.has_value());
  CHECK(*to_facts(*back) == *json);
  CHECK(back->front().control.version == "1:1.0~rc1-1");
  CHECK_FALSE(parse_facts("{}").has_value());
  CHECK_FALSE(parse_facts(R"({"schema":"tranche/apt-facts/v1","packages":[{}]})").has_value());
  CHECK_FALSE(parse_facts(R"({"schema":"tranche/apt-facts/v9","packages":[]})").has_value());
  std::string wrong = *json;
  wrong.replace(wrong.find("aaaa"), 4, "zzzz");
  CHECK_FALSE(parse_facts(wrong).has_value());
}

TEST_CASE("apt: fields that belong to an index are taken out of a control file, values stay as they stand") {
  const auto stanzas = parse_deb822(
      "Package: notes\nSize: 1\nFilename: x\nphased-update-percentage: 3\nTags: a,\n b\nConffiles:\n /etc/x "
      "0\nMulti:\n "
      "first\n  second\nEmpty:\n");
  REQUIRE(stanzas.has_value());
  CHECK(without_index_fields(stanzas->front()) ==
        "Package: notes\nTags: a,\n b\nMulti:\n first\n  second\nEmpty:");
}

TEST_CASE("apt: dates are written and read as Release has them") {
  for (const char* text :
       {"Sat, 21 Nov 2026 17:32:04 UTC", "Thu, 29 Feb 2024 00:00:00 UTC", "Wed, 31 Dec 1969 23:59:59 UTC"}) {
    CAPTURE(text);
    const auto when = parse_release_date(text);
    REQUIRE(when.has_value());
    CHECK(to_release_date(*when) == text);
  }
  CHECK(to_text(*parse_release_date("1 Jan 2026 9:05:00 GMT")) == "2026-01-01T09:05:00Z");
  for (const char* bad :
       {"", "Sat, 21 Nov 2026 17:32:04", "Sat, 21 Nov 2026 17:32:04 CET", "Sat, 30 Feb 2026 00:00:00 UTC",
        "Sat, 21 nov 2026 17:32:04 UTC", "Sat, 21 Nov 2026 24:00:00 UTC", "2026-11-21T17:32:04Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_release_date(bad).has_value());
  }
}

// Each value was given to apt 2.6: apt_real_test.cpp asks it again.
TEST_CASE("apt: a percentage is read with strtol, and what is none counts as 100") {
  const std::vector<std::pair<std::string, int>> rows{
      {"0", 0},     {"50", 50},  {"100", 100}, {"101", 100},       {"-1", 100},
      {"abc", 100}, {"5.9", 5},  {"1e2", 1},   {"7", 7},           {"0x10", 0},
      {"", 100},    {"50%", 50}, {"099", 99},  {"4294967297", 1},  {"256", 100},
      {"+5", 5},    {"-", 100},  {"--5", 100}, {"-4294967246", 50}};
  for (const auto& [value, percent] : rows) {
    CAPTURE(value);
    CHECK(read_percentage(value) == percent);
  }
}

TEST_CASE("apt: a release that another tool published is called by the upstream part of its version") {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"1.2.0", "1.2.0"},           {"1.2.0-1", "1.2.0"},           {"1:1.2.0-1ubuntu2", "1.2.0"},
      {"1.2.0~rc1-1", "1.2.0-rc1"}, {"1.2.0~rc.1", "1.2.0-rc.1"},   {"1.2.0-rc.1", "1.2.0"},
      {"2026a-1", "2026a-1"},       {"1.2.0+dfsg-1", "1.2.0+dfsg"}, {"01.2-1", "01.2-1"}};
  for (const auto& [version, name] : rows) {
    CAPTURE(version);
    CHECK(release_name(version) == name);
  }
}
