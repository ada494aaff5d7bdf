#include "vuln/osv.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/text.hpp"

using namespace tranche;
using namespace tranche::vuln;

namespace {

std::string record(const std::string& affected, const std::string& more = "") {
  return R"({"id":"GHSA-1","modified":"2026-01-01T00:00:00Z")" + more + R"(,"affected":[)" + affected + "]}";
}
std::string npm(const std::string& rest) {
  return R"({"package":{"ecosystem":"npm","name":"left-pad"},)" + rest + "}";
}
std::string events(const std::string& list, const std::string& type = "SEMVER") {
  return R"("ranges":[{"type":")" + type + R"(","events":[)" + list + "]}]";
}

Judgement judge_npm(const std::string& rest, const std::string& version) {
  const auto advisory = read_osv(record(npm(rest)), "a.json");
  REQUIRE(advisory.has_value());
  REQUIRE(advisory->affected.size() == 1);
  return judge(advisory->affected[0],
               *package_of("pkg:npm/left-pad" + (version.empty() ? "" : "@" + version)));
}
bool affects(const std::string& rest, const std::string& version) {
  const Judgement found = judge_npm(rest, version);
  CHECK(found.is != Judgement::Is::undecided);
  return found.is == Judgement::Is::affected;
}

class One final : public Wanted {
 public:
  explicit One(std::string wanted_name) : name(std::move(wanted_name)) {}
  [[nodiscard]] bool has(std::string_view, std::string_view asked, std::string_view) const override {
    return asked == name;
  }
  std::string name;
};

}  // namespace

TEST_CASE("events turn the answer in the order of versions, not of the file") {
  const std::string range =
      events(R"({"fixed":"2.0.1"},{"introduced":"1.0.0"},{"introduced":"2.0.0"},{"fixed":"1.5.0"})");
  CHECK_FALSE(affects(range, "0.9.0"));
  CHECK(affects(range, "1.0.0"));
  CHECK(affects(range, "1.4.9"));
  CHECK(affects(range, "1.5.0-rc.1"));
  CHECK_FALSE(affects(range, "1.5.0"));
  CHECK(affects(range, "2.0.0"));
  CHECK_FALSE(affects(range, "2.0.1"));
  CHECK(judge_npm(range, "1.2.0").fixed == std::vector<std::string>{"1.5.0"});
  CHECK(judge_npm(range, "2.0.0").fixed == std::vector<std::string>{"2.0.1"});
}

TEST_CASE("introduced 0 is before everything, last_affected includes its version, limits end a range") {
  CHECK(affects(events(R"({"introduced":"0"})"), "0.0.0-alpha"));
  const std::string last = events(R"({"introduced":"0"},{"last_affected":"1.2.0"})");
  CHECK(affects(last, "1.2.0"));
  CHECK_FALSE(affects(last, "1.2.1-0"));
  const std::string one = events(R"({"introduced":"1.0.0"},{"last_affected":"1.0.0"})");
  CHECK(affects(one, "1.0.0"));
  CHECK_FALSE(affects(one, "1.0.1"));
  const std::string limited = events(R"({"introduced":"1.0.0"},{"limit":"2.0.0"})");
  CHECK(affects(limited, "1.9.9"));
  CHECK_FALSE(affects(limited, "2.0.0"));
  CHECK(affects(events(R"({"introduced":"0"},{"limit":"*"})"), "9.0.0"));
}

TEST_CASE("a listed version is affected whatever the ranges say") {
  const std::string both = R"("versions":["3.0.0"],)" + events(R"({"introduced":"1.0.0"},{"fixed":"2.0.0"})");
  CHECK(affects(both, "3.0.0"));
  CHECK(affects(both, "1.0.0"));
  CHECK_FALSE(affects(both, "3.0.1"));
  CHECK(affects(R"("versions":["weird"])", "weird"));
  CHECK_FALSE(affects(R"("versions":["weird"])", "1.0.0"));
  CHECK(affects(R"("database_specific":{})", "1.0.0"));
}

TEST_CASE("what cannot be decided is not passed over") {
  const std::string range = events(R"({"introduced":"1.0.0"},{"fixed":"2.0.0"})");
  CHECK(judge_npm(range, "main").is == Judgement::Is::undecided);
  CHECK(judge_npm(range, "").is == Judgement::Is::undecided);
  CHECK(judge_npm(events(R"({"introduced":"one"})"), "1.0.0").is == Judgement::Is::undecided);
  CHECK(judge_npm(events(R"({"introduced":"0"},{"fixed":"abcdef"})", "GIT"), "1.0.0").is ==
        Judgement::Is::undecided);
  CHECK_FALSE(judge_npm(range, "main").why.empty());
  // A GIT range beside one that answers is only another way to say it.
  CHECK_FALSE(affects(R"("versions":["0.1.0"],)" + events(R"({"introduced":"0"})", "GIT"), "1.0.0"));
}

TEST_CASE("severity is the highest of what the record says, and unknown when it says nothing") {
  const auto severity = [](const std::string& more) {
    const auto advisory = read_osv(record("", more), "a.json");
    REQUIRE(advisory.has_value());
    return advisory->severity;
  };
  CHECK(severity("") == Severity::unknown);
  CHECK(severity(R"(,"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N"}])") == Severity::unknown);
  const std::string vector =
      R"(,"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N"}])";
  CHECK(severity(vector) == Severity::medium);
  CHECK(severity(vector + R"(,"database_specific":{"severity":"HIGH"})") == Severity::high);
  const std::string old = R"({"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:C/I:C/A:C"})";
  CHECK(severity(",\"severity\":[" + old + "]") == Severity::critical);
  CHECK(severity(",\"severity\":[" + old + "," + vector.substr(vector.find('{'))) == Severity::medium);
  CHECK(
      severity(
          R"(,"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N"}])") ==
      Severity::high);
  CHECK(severity(R"(,"severity":[{"type":"Ubuntu","score":"low"}])") == Severity::low);
  CHECK(severity(R"(,"database_specific":{"severity":["?"]})") == Severity::unknown);
}

TEST_CASE("a record that is none is refused with its place") {
  for (const std::string& text :
       {std::string("[]"), std::string("{"), std::string(R"({"id":"A"})"), std::string(R"({"modified":"x"})"),
        record(R"({"package":{"ecosystem":"npm"}})"), record(npm(events("{}"))),
        record(npm(events(R"({"fixed":"1"})"))), record(npm(events(R"({"introduced":"1","fixed":"2"})"))),
        record(npm(R"("ranges":{})")), record(npm(R"("versions":[1])")),
        record(npm(events(R"({"introduced":"0"})", "VERSIONS"))), record("7"),
        std::string(R"({"id":"A","id":"B","modified":"x"})")}) {
    CAPTURE(text);
    const auto advisory = read_osv(text, "a.json");
    REQUIRE_FALSE(advisory.has_value());
    CHECK(advisory.error().kind == ErrorKind::invalid);
    CHECK_FALSE(advisory.error().hint.empty());
  }
}

TEST_CASE("the first pass finds what the second would, and refuses what is cut short") {
  const One wanted("left-pad");
  const std::string good =
      record(npm(events(R"({"introduced":"0"})")), R"(,"details":"a \"quoted\" \\ text\\\\")");
  const auto skimmed = skim_osv(good, wanted);
  REQUIRE(skimmed.has_value());
  CHECK(skimmed->wanted);
  CHECK_FALSE(skimmed->withdrawn);
  CHECK_FALSE(skim_osv(good, One("right-pad"))->wanted);
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    CHECK_FALSE(skim_osv(std::string_view(good).substr(0, cut), wanted).has_value());
  CHECK_FALSE(skim_osv(good + "x", wanted).has_value());
  CHECK(skim_osv(record("", R"(,"withdrawn":"2026-01-01T00:00:00Z")"), wanted)->withdrawn);
}

TEST_CASE("names that hide in escapes and in duplicate members are found") {
  const One wanted("left-pad");
  for (const std::string& text :
       {record(R"({"package":{"ecosystem":"npm","name":"left\u002dpad"}})"),
        record(R"({"package":{"ecosystem":"npm","name":"left-pad","name":"other"}})"),
        record(R"({"package":{"ecosystem":"npm","n\u0061me":"left-pad"}})"),
        record(R"({"package":{"name":"x"},"package":{"ecosystem":"npm","name":"left-pad"}})"),
        std::string(R"({"id":"A","affected":[],"\u0061ffected":[{"package":{"name":"left-pad"}}]})")}) {
    CAPTURE(text);
    const auto skimmed = skim_osv(text, wanted);
    REQUIRE(skimmed.has_value());
    CHECK(skimmed->wanted);
  }
}

TEST_CASE("the algorithm of the OSV schema, case by case") {
  using enum Judgement::Is;
  struct Example {
    std::string what, purl, affected;
    Judgement::Is is;
  };
  const std::string npm_package = R"("package":{"ecosystem":"npm","name":"left-pad"},)";
  const auto semver = [&](const std::string& list) { return npm_package + events(list); };
  const auto debian = [](const std::string& ecosystem, const std::string& rest) {
    return R"("package":{"ecosystem":")" + ecosystem + R"(","name":"curl"},)" + rest;
  };
  const std::string old_curl = events(R"({"introduced":"0"},{"fixed":"7.88.1-10+deb12u5"})", "ECOSYSTEM");
  const std::string two =
      R"({"introduced":"1.0.0"},{"fixed":"1.0.2"},{"introduced":"3.0.0"},{"fixed":"3.2.5"})";
  for (const Example& each : std::vector<Example>{
           {"below the first range", "pkg:npm/left-pad@0.9.0", semver(two), unaffected},
           {"its first version", "pkg:npm/left-pad@1.0.0", semver(two), affected},
           {"between two ranges", "pkg:npm/left-pad@2.0.0", semver(two), unaffected},
           {"in the second", "pkg:npm/left-pad@3.2.4", semver(two), affected},
           {"where the second is fixed", "pkg:npm/left-pad@3.2.5", semver(two), unaffected},
           {"a pre-release of the fix", "pkg:npm/left-pad@3.2.5-rc.1", semver(two), affected},
           {"no end", "pkg:npm/left-pad@99.0.0", semver(R"({"introduced":"1.0.0"})"), affected},
           {"the last one affected", "pkg:npm/left-pad@1.4.0",
            semver(R"({"introduced":"0"},{"last_affected":"1.4.0"})"), affected},
           {"just above it", "pkg:npm/left-pad@1.4.1",
            semver(R"({"introduced":"0"},{"last_affected":"1.4.0"})"), unaffected},
           {"below one of two limits", "pkg:npm/left-pad@2.5.0",
            semver(R"({"introduced":"1.0.0"},{"limit":"2.0.0"},{"limit":"3.0.0"})"), affected},
           {"at the limit", "pkg:npm/left-pad@3.0.0", semver(R"({"introduced":"1.0.0"},{"limit":"3.0.0"})"),
            unaffected},
           {"no limit but '*'", "pkg:npm/left-pad@3.0.0", semver(R"({"introduced":"1.0.0"},{"limit":"*"})"),
            affected},
           {"versions alone, listed", "pkg:npm/left-pad@1.0.1", npm_package + R"("versions":["1.0.1"])",
            affected},
           {"versions alone, another", "pkg:npm/left-pad@1.0.2", npm_package + R"("versions":["1.0.1"])",
            unaffected},
           {"commits alone", "pkg:npm/left-pad@1.0.2",
            npm_package +
                events(R"({"introduced":"0"},{"fixed":"6879efc2c1596d11a6a6ad296f80063b558d5e0f"})", "GIT"),
            undecided},
           {"commits beside versions, another", "pkg:npm/left-pad@1.0.2",
            npm_package + R"("versions":["1.0.1"],)" + events(R"({"introduced":"0"})", "GIT"), unaffected},
           {"only a package URL", "pkg:npm/left-pad@1.0.0",
            R"("package":{"purl":"pkg:npm/left-pad"},)" + events(R"({"introduced":"0"})"), affected},
           {"a release of Debian, unfixed", "pkg:deb/debian/curl@7.88.1-10?distro=debian-12",
            debian("Debian:12", old_curl), affected},
           {"a release of Debian, fixed", "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?distro=debian-12",
            debian("Debian:12", old_curl), unaffected},
           {"Alpine's order is not known", "pkg:apk/alpine/curl@8.0.1-r1?distro=alpine-3.18",
            debian("Alpine:v3.18", old_curl), undecided},
           {"Alpine, listed", "pkg:apk/alpine/curl@8.0.1-r1?distro=alpine-3.18",
            debian("Alpine:v3.18", R"("versions":["8.0.1-r1"])"), affected}}) {
    CAPTURE(each.what);
    const auto advisory = read_osv(record("{" + each.affected + "}"), "a.json");
    REQUIRE(advisory.has_value());
    REQUIRE(advisory->affected.size() == 1);
    const auto package = package_of(each.purl);
    REQUIRE(package.has_value());
    CHECK(advisory->affected[0].family == package->family);
    const Judgement found = judge(advisory->affected[0], *package);
    CHECK(found.is == each.is);
    CHECK(found.why.empty() == (each.is == unaffected));
  }
}
