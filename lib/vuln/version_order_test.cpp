#include "vuln/version_order.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/text.hpp"

using namespace tranche;
using namespace tranche::vuln;

namespace {

// Each line is a chain: "1.0a1 < 1.0 = 1.0.0 < 1.1". Every pair of a chain is asked both ways.
void check_chain(Ecosystem ecosystem, const std::string& chain) {
  CAPTURE(chain);
  std::vector<std::string> versions;
  std::vector<int> ranks;
  int rank = 0;
  for (const std::string_view word : split(chain, ' ')) {
    if (word == "<") ++rank;
    if (word == "<" || word == "=") continue;
    versions.emplace_back(word);
    ranks.push_back(rank);
  }
  for (std::size_t i = 0; i < versions.size(); ++i)
    for (std::size_t j = 0; j < versions.size(); ++j) {
      CAPTURE(versions[i]);
      CAPTURE(versions[j]);
      const auto order = compare_versions(ecosystem, versions[i], versions[j]);
      REQUIRE(order.has_value());
      CHECK((*order == (ranks[i] <=> ranks[j])));
    }
}

void check_chains(Ecosystem ecosystem, const std::vector<std::string>& chains) {
  for (const std::string& chain : chains) check_chain(ecosystem, chain);
}
void check_no_order(Ecosystem ecosystem, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK_FALSE(compare_versions(ecosystem, text, "1.0").has_value());
    CHECK_FALSE(compare_versions(ecosystem, "1.0", text).has_value());
    CHECK_FALSE(compare_versions(ecosystem, text, text).has_value());
  }
}

}  // namespace

TEST_CASE("SemVer's own chains hold, for npm, cargo and Go") {
  const std::vector<std::string> chains{
      "1.0.0 < 2.0.0 < 2.1.0 < 2.1.1",
      "1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < "
      "1.0.0-rc.1 < 1.0.0",
      "v1.0.0 = 1.0.0+20130313144700 = 1.0.0+exp.sha.5114f85",
      "1.9.0 < 1.10.0 < 1.11.0 < 99999999999999999999999.0.0"};
  for (const Ecosystem ecosystem : {Ecosystem::npm, Ecosystem::cargo, Ecosystem::go, Ecosystem::semver})
    check_chains(ecosystem, chains);
  check_no_order(Ecosystem::npm, {"", "v", "latest", "1.02.3", "1.0.0-", "1.0.0-01", "1.0.0+", "1 .0"});
}

TEST_CASE("pseudo-versions of Go sort where Go puts them") {
  check_chains(Ecosystem::go,
               {// no earlier tag; after a pre-release; after a release
                "v0.0.0-20170915032832-14c0d48ead0c < v0.0.0-20191109021931-daa7c04131f5 < v0.1.0",
                "v1.2.3-pre < v1.2.3-pre.0.20191109021931-daa7c04131f5 < v1.2.3",
                "v1.2.3 < v1.2.4-0.20191109021931-daa7c04131f5 < v1.2.4",
                "v2.0.0+incompatible = v2.0.0 < v2.1.0+incompatible"});
}

TEST_CASE("PEP 440's chains hold, and its spellings mean the same") {
  check_chains(
      Ecosystem::pypi,
      {"1.dev0 < 1.0.dev456 < 1.0a1 < 1.0a2.dev456 < 1.0a12.dev456 < 1.0a12 < 1.0b1.dev456 < 1.0b2 < "
       "1.0b2.post345.dev456 < 1.0b2.post345 < 1.0rc1.dev456 < 1.0rc1 < 1.0 < 1.0+abc.5 < 1.0+abc.7 < 1.0+5 "
       "< "
       "1.0.post456.dev34 < 1.0.post456 < 1.0.15 < 1.1.dev1",
       "0.9 < 0.9.1 < 0.9.2 < 0.9.10 < 0.9.11 < 1.0 = 1.0.0 = 1 < 1.0.1 < 1.1 < 2.0",
       "2013.10 < 2014.04 < 1!1.0 < 1!1.1 < 1!2.0", "1.0a1 = 1.0-alpha_1 = 1.0.ALPHA.1 = v1.0a01",
       "1.0a = 1.0a0 < 1.0a1", "1.0rc1 = 1.0c1 = 1.0pre1 = 1.0-preview1",
       "1.0.post1 = 1.0-1 = 1.0rev1 = 1.0-r1", "1.0.post = 1.0.post0 < 1.0.post1",
       "1.0+ubuntu.1 = 1.0+ubuntu-1 = 1.0+ubuntu_1 < 1.0+ubuntu.1.1"});
  check_no_order(Ecosystem::pypi,
                 {"", "french toast", "1.0+", "1.0+a+b", "1.0++", "!1", "1..0", "1.0-", "2004d"});
}

TEST_CASE("Debian's chains hold") {
  check_chains(Ecosystem::debian, {"1.0~~ < 1.0~~a < 1.0~ < 1.0~rc1-1 < 1.0 = 1.0-0 < 1.0-1 < 1.0-1+deb12u1 "
                                   "< 1.0-1.1 < 1.0a < 1.0+b < 1:0",
                                   "7.6-0 < 7.6p2-4", "1.0.3-3 < 1.0.3-3+b1", "2.4.9 < 2.4.10"});
  check_no_order(Ecosystem::debian, {"", "a1", "1.0 1", "1.0-", "99999999999:1"});
}

TEST_CASE("rpmvercmp's chains hold, with epochs, tildes and carets") {
  check_chains(
      Ecosystem::rpm,
      {"1.0~rc1 < 1.0~rc2 < 1.0 < 1.0^git1 < 1.0^git2 < 1.0.1", "1.0^git1~pre < 1.0^git1",
       "5.5p1 < 5.5p2 < 5.5p10", "10xyz < 10.1xyz", "xyz10 < xyz10.1", "xyz.4 < 2 < 8",
       "1.0 = 1_0 = 1.0. = 1..0", "6.0 < 6.0.rc1 < 6.5.0", "10a1 < 10a1.1x < 10b2 < 10c", "1.0a < 1.0aa",
       "20101121 < 20101122", "2_0 = 2.0", "1.0 < 1.0-1 < 1.0-1.el9 < 1.0-2 < 1:0.1-1", "0:1.0-1 = 1.0-1",
       "1.05 = 1.5", "1.0-1~a < 1.0-1"});
  check_no_order(Ecosystem::rpm, {"", "-", "1 0", "x:1", "\x01", "1\xc3\xa9"});
}

TEST_CASE("Maven's specification is kept to") {
  check_chains(
      Ecosystem::maven,
      {"1 < 1.1",
       "1-snapshot < 1 < 1-sp",
       "1-foo2 < 1-foo10",
       "1.foo = 1-foo < 1-1 < 1.1",
       "1.ga = 1-ga = 1-0 = 1.0 = 1 = 1.final = 1.release = 1.0.0",
       "1-ga.1 < 1-sp.1",
       "1-sp-1 < 1-ga-1 = 1-1",
       "1-a1 = 1-alpha-1 < 1-b1 = 1-beta-1 < 1-m1 = 1-milestone-1 < 1-rc1 = 1-cr1",
       "1.0-alpha-1 < 1.0-beta-1 < 1.0-milestone-1 < 1.0-rc-1 < 1.0-SNAPSHOT < 1.0 < 1.0-sp < 1.0-xyz < "
       "1.0-1 < 1.0.1",
       "1.0.0-foo.0.0 = 1-foo",
       "1.0.0-0.0.0 = 1",
       "1-a < 1-b",
       "2.9.10.7 < 2.9.10.8 < 2.12.0",
       "20040616 < 20041117",
       "2.0.1 < 2.0.1-klm < 2.0.1-lmn < 2.0.1-xyz < 2.0.1-123 < 2.0.2",
       "1a = 1-a = 1.0-a = 1.0.0-a = 1.0a = 1.0.0a",
       "1x = 1-x = 1.0x",
       "1 = 01 = 001 = 1. = 1-",
       "1ga = 1release = 1FinaL = 1",
       "1cr = 1rc = 1-rc < 1",
       "6.1.0rc3 < 6.1.0 < 6.1H.5-beta",
       "20190126.230843 < 1234567890.12345 < 123456789012345.1H.5-beta < 12345678901234567890.1H.5-beta",
       "0.0.0 = 0.0 = 0 = 0.0.0-0.0.0 = 0-final-ga < 0.0.0-2021-05-17T01-01-51-5ec03a8b < 1 < 20.0.0",
       "1-1.foo-bar-1-baz-0.1 = 1-1.foo-bar1baz-.1",
       "1.0RC1 = 1.0-rc-1",
       "9.4.0.v20161208 < 9.4.0.v20180619"});
  check_no_order(Ecosystem::maven, {"", "1 0", "\n"});
}

TEST_CASE("Gem::Version's chains hold") {
  check_chains(Ecosystem::rubygems,
               {"1.0.a.1 < 1.0.a.2 < 1.0.b1 < 1.0 = 1.0.0 = 1 < 1.0.1 < 1.10 < 2.0.b < 2.0",
                "1.2.b1 = 1.2.b.1 < 1.2.b2", "1.0-1 = 1.0.pre.1 < 1.0", "0.beta < 0",
                "5.0.0.rc2 < 5.x < 5.0.0", "1.9.3 < 1.9.3.1 < 1.9.10"});
  check_no_order(Ecosystem::rubygems, {"", "junk", "1.", "1..2", "1.2-", "a.1", "1.2 3"});
}

TEST_CASE("NuGet's versions take four numbers and no case") {
  check_chains(
      Ecosystem::nuget,
      {// the cases of the public fixtures for NuGet's order
       "0.0.0 < 0.9.9.1 < 1.0.0-BETA = 1.0.0-beta = 1.0.0-BETA+AA < 1.0.0-beta.1+AA < "
       "1.0.0-BETA.X.y.5.77.0+AA < 1.0.0-beta.x.y.5.79.0+aa < 1.0.0-BETA.X.y.5.790.0 < 1.0.0-beta2 < "
       "1.0.0-pre < 1.0.0 = 1.0 = 1.0+test = 1.0.0.0 < 1.0.0.1-1.2.A = 1.0.0.1-1.2.a+A < 1.0.0.1-1.2.a.A+A < "
       "1.0.0.1-alpha < 1.0.0.1-pre < 1.0.0.1 < 1.0.01 = 1.0.1.0 < 1.0.1.2 < 1.1.0 < 1.999.9999 < 2.1.1",
       "999999999999999999999999999991 < 999999999999999999999999999999 < "
       "999999999999999999999999999999.999999999999999999999999999991",
       "1.0.0-alpha < 1.0.0-ALPHA.1 < 1.0.0-beta = 1.0.0-BETA < 1.0.0 = 1.0 = 1 = 1.0.0.0 = 1.00.0+meta < "
       "1.0.0.1 < 1.0.1",
       "1.0.1-zzz < 1.0.1 < 1.0.1.1-a", "1.0.0-rc.2 < 1.0.0-rc.10 < 1.0.0-rc.x"});
  check_no_order(Ecosystem::nuget, {"", "1.2.3.4.5", "1.a", "1-", "1.0+"});
}

TEST_CASE("Composer's stabilities have their order; branches have none") {
  check_chains(
      Ecosystem::packagist,
      {// as packages on Packagist number themselves
       "0.9.2 < 0.9.3-a < 0.9.3-b < 0.9.3 < 0.9.3.1-a < 0.11 < 0.12.1 < 0.12.3a < 0.12.3",
       "v0.1.0-beta.7 < v0.1.0-beta.8 < v0.1.0-beta.8.1 < v0.1.0-beta.8.2 < v0.1.0-beta.9 < v0.1.0-beta.10 < "
       "v0.1.0-beta.13 < v0.1.0-beta.13.1",
       "v1.0.0-rc.2 < v1.0.0 = 1.0.0 < 1.0.0-patch1 = v1.0.0-patch1 < v1.0.1 < v1.1.0-RC < v1.1.0 < "
       "v1.2.0-BETA < v1.2.0-RC < v1.2.0",
       "1.9.8 < 1.10.0-rc.1 < 1.10.0 < 1.12.18 < 2.0.0-alpha.1 < 2.0.0-beta.3 < 2.0.0-rc.1 < 2.0.0",
       "v4.2.12 < v4.3.0-BETA1 < v4.3.0-BETA2 < v4.3.0-RC1 < v4.3.0",
       "v5.0.24 < v5.1-beta.1 < v5.1-rc.1 < v5.1.0 < v5.1.37 < v5.1.37.1 < v5.1.38 < v5.2-beta.2 < v5.2-rc1",
       "3.4 < 3.4.0.1 < 3.4.0.9 < 3.4.0.10 < 3.4.1 < 3.4.4 < 3.4.4.1 < 3.4.5", "4.0.24 < 4.4.01",
       "1.0-dev < 1.0-alpha1 < 1.0-a2 < 1.0.0-beta1 = 1.0-b1 < 1.0-beta2-dev < 1.0-beta2 < 1.0RC1 < 1.0 = "
       "v1.0.0.0 = 1.0-stable < 1.0-p1 = 1.0-patch1 = 1.0pl1 < 1.0.1"});
  check_no_order(Ecosystem::packagist, {"", "dev-main", "1.x-dev", "1.0-foo", "main"});
}

TEST_CASE("an unknown ecosystem and a text without end have no order") {
  CHECK_FALSE(compare_versions(Ecosystem::other, "1", "1").has_value());
  const std::string long_text(max_version_bytes + 1, '1');
  CHECK_FALSE(compare_versions(Ecosystem::rpm, long_text, "1").has_value());
}
