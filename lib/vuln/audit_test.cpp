#include "vuln/audit.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "doc/value.hpp"
#include "vuln/sarif.hpp"

using namespace tranche;
using namespace tranche::vuln;
using Status = Finding::Status;

namespace {

// Affects package `name` of npm before 2.0.0.
Advisory advisory(const std::string& id, const std::string& name, Severity severity,
                  const std::vector<std::string>& aliases = {}) {
  Advisory out;
  out.id = id;
  out.aliases = aliases;
  out.severity = severity;
  Affected affected;
  affected.family = "npm";
  affected.name = name;
  affected.ranges = {{Range::Type::semver, {{Event::Kind::introduced, "0"}, {Event::Kind::fixed, "2.0.0"}}}};
  out.affected = {affected};
  return out;
}

struct Case {
  sbom::Catalog catalog;
  Database database;
  std::vector<VexStatement> statements;
  spec::Vulnerabilities policy;
  Instant now = *parse_instant("2026-06-01T00:00:00Z");

  explicit Case(const std::vector<std::string>& purls) {
    database.families = {"npm"};
    for (const std::string& purl : purls) {
      sbom::Component component;
      component.purl = component.bom_ref = purl;
      component.name = purl.substr(purl.find('/') + 1);
      catalog.components.push_back(component);
    }
  }
  [[nodiscard]] Audit run() const {
    return audit({.catalog = catalog,
                  .serial = "",
                  .database = database,
                  .statements = statements,
                  .policy = policy,
                  .now = now});
  }
};

}  // namespace

TEST_CASE("a component in the range is refused at the severity that is refused, and below it shown") {
  for (const auto& [severity, status] :
       std::vector<std::pair<Severity, Status>>{{Severity::none, Status::below},
                                                {Severity::low, Status::below},
                                                {Severity::medium, Status::below},
                                                {Severity::high, Status::refused},
                                                {Severity::critical, Status::refused},
                                                {Severity::unknown, Status::refused}}) {
    Case one({"pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0"});
    one.database.advisories = {advisory("X-1", "a", severity)};
    const Audit found = one.run();
    REQUIRE(found.findings.size() == 1);
    CHECK(found.findings[0].status == status);
    CHECK(found.findings[0].purl == "pkg:npm/a@1.0.0");
    CHECK(found.findings[0].why == "before 2.0.0");
    CHECK(found.findings[0].fixed == std::vector<std::string>{"2.0.0"});
  }
  Case fixed({"pkg:npm/a@2.0.0"});
  fixed.database.advisories = {advisory("X-1", "a", Severity::critical)};
  CHECK(fixed.run().findings.empty());
}

TEST_CASE("what cannot be compared counts as affected, with the reason") {
  Case one({"pkg:npm/a@main", "pkg:npm/a"});
  one.database.advisories = {advisory("X-1", "a", Severity::high)};
  one.database.advisories[0].affected[0].ranges[0].events[0].version = "0.1.0";
  const Audit found = one.run();
  REQUIRE(found.findings.size() == 2);
  for (const Finding& finding : found.findings) {
    CHECK(finding.status == Status::refused);
    CHECK(finding.undecided);
    CHECK_FALSE(finding.why.empty());
  }
}

TEST_CASE("advisories that share an alias, through others too, are one finding") {
  Case one({"pkg:npm/a@1.0.0"});
  one.database.advisories = {advisory("GHSA-1", "a", Severity::high, {"CVE-1"}),
                             advisory("OTHER-1", "a", Severity::unknown, {"CVE-2", "CVE-1"}),
                             advisory("PKG-1", "a", Severity::low, {"CVE-2"}),
                             advisory("GHSA-9", "a", Severity::low, {"CVE-9"})};
  const Audit found = one.run();
  REQUIRE(found.findings.size() == 2);
  CHECK(found.findings[0].id == "GHSA-1");
  CHECK(found.findings[0].severity == Severity::high);
  CHECK(found.findings[0].aliases == std::vector<std::string>{"CVE-1", "CVE-2", "OTHER-1", "PKG-1"});
  CHECK(found.findings[1].id == "GHSA-9");
}

TEST_CASE("ignored advisories refuse nothing until their day, by any of their ids") {
  Case one({"pkg:npm/a@1.0.0"});
  one.database.advisories = {advisory("GHSA-1", "a", Severity::high, {"CVE-1"})};
  one.policy.ignore = {{"CVE-1", *parse_instant("2026-06-02T00:00:00Z"), "not reached", {}}};
  Audit found = one.run();
  CHECK(found.findings.at(0).status == Status::ignored);
  CHECK(found.findings[0].reason == "until 2026-06-02: not reached");
  one.now = *parse_instant("2026-06-02T00:00:00Z");
  found = one.run();
  CHECK(found.findings.at(0).status == Status::refused);
  CHECK(found.findings[0].reason == "ignored until 2026-06-02, which is over");
}

TEST_CASE("before the policy's day nothing is refused") {
  Case one({"pkg:npm/a@1.0.0"});
  one.database.advisories = {advisory("GHSA-1", "a", Severity::critical)};
  one.policy.ignore_until = *parse_instant("2026-07-01T00:00:00Z");
  CHECK(one.run().findings.at(0).status == Status::ignored);
  one.now = *one.policy.ignore_until;
  CHECK(one.run().findings.at(0).status == Status::refused);
}

TEST_CASE("a VEX statement takes a finding away when it says not affected or fixed, and in no other case") {
  for (const auto& [vex, status] :
       std::vector<std::pair<VexStatus, Status>>{{VexStatus::not_affected, Status::suppressed},
                                                 {VexStatus::fixed, Status::suppressed},
                                                 {VexStatus::affected, Status::refused},
                                                 {VexStatus::under_investigation, Status::refused}}) {
    Case one({"pkg:npm/a@1.0.0"});
    one.database.advisories = {advisory("GHSA-1", "a", Severity::critical, {"CVE-1"})};
    VexStatement statement;
    statement.status = vex;
    statement.ids = {"CVE-1"};
    statement.products = {{.id = "pkg:npm/a"}};
    statement.reason = "never loaded";
    statement.file = "vex.json";
    one.statements = {statement};
    const Audit found = one.run();
    CHECK(found.findings.at(0).status == status);
    if (status == Status::suppressed) CHECK(found.findings[0].reason.ends_with("(vex.json): never loaded"));
  }
}

TEST_CASE("components without a name of their own and ecosystems without advisories are said, not hidden") {
  Case one({"pkg:npm/a@1.0.0", "pkg:generic/b@1", "pkg:pypi/c@1"});
  one.catalog.components.emplace_back();
  one.catalog.components.back().name = "nameless";
  const Audit found = one.run();
  CHECK(found.components == 4);
  CHECK(found.unchecked == std::vector<std::string>{"nameless", "pkg:generic/b@1"});
  CHECK(found.uncovered == std::vector<std::string>{"pypi"});
}

TEST_CASE("of a Debian package the entries of its release count, by the name of its source too") {
  Case one({"pkg:deb/debian/libssl3@3.0.2-1?distro=debian-12&upstream=openssl"});
  Advisory advisory;
  advisory.id = "DSA-1";
  for (const auto& [release, fixed] :
       std::vector<std::pair<std::string, std::string>>{{"11", "9.9.9"}, {"12", "3.0.2-1+deb12u1"}}) {
    Affected affected;
    affected.family = "debian";
    affected.release = release;
    affected.name = "openssl";
    affected.ranges = {
        {Range::Type::ecosystem, {{Event::Kind::introduced, "0"}, {Event::Kind::fixed, fixed}}}};
    advisory.affected.push_back(affected);
  }
  one.database.advisories = {advisory};
  const Audit found = one.run();
  REQUIRE(found.findings.size() == 1);
  CHECK(found.findings[0].fixed == std::vector<std::string>{"3.0.2-1+deb12u1"});
}

TEST_CASE("findings as SARIF: a rule an advisory, a result a finding, the same fingerprint each time") {
  Case one({"pkg:npm/a@1.0.0", "pkg:npm/a@1.1.0"});
  one.database.advisories = {advisory("GHSA-1", "a", Severity::high), advisory("GHSA-2", "a", Severity::low)};
  one.policy.ignore = {{"GHSA-1", *parse_instant("2027-01-01T00:00:00Z"), "not reached", {}}};
  const auto log = doc::parse_json(to_sarif(one.run(), "bom.json", "1.0"), "sarif");
  REQUIRE(log.has_value());
  CHECK(log->find("version")->as_string() == "2.1.0");
  const doc::Value& run = log->find("runs")->as_array().at(0);
  const doc::Array& rules = run.find("tool")->find("driver")->find("rules")->as_array();
  REQUIRE(rules.size() == 2);
  const doc::Array& results = run.find("results")->as_array();
  REQUIRE(results.size() == 4);
  for (const doc::Value& result : results) {
    const auto rule = static_cast<std::size_t>(result.find("ruleIndex")->as_int());
    CHECK(rules.at(rule).find("id")->as_string() == result.find("ruleId")->as_string());
    const bool ignored = result.find("ruleId")->as_string() == "GHSA-1";
    CHECK(result.find("level")->as_string() == (ignored ? "warning" : "note"));
    CHECK((result.find("suppressions") != nullptr) == ignored);
    CHECK(result.find("partialFingerprints")->is_object());
    CHECK(result.find("locations")->as_array().at(0).find("physicalLocation") != nullptr);
  }
}

TEST_CASE("SARIF holds no more than code scanning takes, the worst first, and no address that is none") {
  Case one({});
  for (std::size_t i = 0; i < max_sarif_results; ++i) {
    sbom::Component component;
    component.name = "a";
    component.purl = component.bom_ref = fmt::format("pkg:npm/a@1.0.{}", i);
    one.catalog.components.push_back(component);
  }
  one.catalog.components.push_back({});
  one.catalog.components.back().name = "b";
  one.catalog.components.back().purl = "pkg:npm/b@1.0.0";
  one.database.advisories = {advisory("GHSA-1", "a", Severity::low),
                             advisory("GHSA-2", "b", Severity::critical)};
  one.database.advisories[0].url = "https://advisories.example/a b";
  one.database.advisories[1].url = "https://advisories.example/2";
  one.database.advisories[1].summary = std::string(5000, 'x');
  const auto log = doc::parse_json(to_sarif(one.run(), "a b/ä.json", "1.0"), "sarif",
                                   {.max_bytes = 1U << 30, .max_depth = 64, .max_nodes = 5'000'000});
  REQUIRE(log.has_value());
  const doc::Value& run = log->find("runs")->as_array().at(0);
  const doc::Array& results = run.find("results")->as_array();
  CHECK(results.size() == max_sarif_results);
  CHECK(run.find("properties")->find("leftOut")->as_int() == 1);
  CHECK(results.at(0).find("ruleId")->as_string() == "GHSA-2");
  const doc::Value& place = *results.at(0).find("locations")->as_array().at(0).find("physicalLocation");
  CHECK(place.find("artifactLocation")->find("uri")->as_string() == "a%20b/%C3%A4.json");
  const doc::Array& rules = run.find("tool")->find("driver")->find("rules")->as_array();
  REQUIRE(rules.size() == 2);
  CHECK(rules[0].find("helpUri") != nullptr);
  CHECK(rules[0].find("shortDescription")->find("text")->as_string().size() < 1024);
  CHECK(rules[1].find("helpUri") == nullptr);
}
