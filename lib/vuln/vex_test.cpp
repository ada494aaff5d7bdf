#include "vuln/vex.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/text.hpp"

using namespace tranche;
using namespace tranche::vuln;

namespace {

std::string openvex(const std::string& statements) {
  return R"({"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://acme.example/vex/1","author":"Acme",)"
         R"("timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[)" +
         statements + "]}";
}
std::string statement(const std::string& products, const std::string& rest) {
  return R"({"vulnerability":{"name":"CVE-1","aliases":["GHSA-1"]},"products":[)" + products + "]," + rest +
         "}";
}
const std::string absent = R"("status":"not_affected","justification":"vulnerable_code_not_present")";

sbom::Component component(const std::string& name, const std::string& version) {
  sbom::Component out;
  out.name = name;
  out.version = version;
  out.purl = out.bom_ref = "pkg:npm/" + name + "@" + version;
  return out;
}
sbom::Component app() {
  sbom::Component out;
  out.name = "notes";
  out.version = "1.2.0";
  out.bom_ref = "notes@1.2.0";
  return out;
}

struct Asked {
  sbom::Component main = app();
  sbom::Component part = component("left-pad", "1.0.0");
  std::string serial = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79";
};
// "" when no statement counts.
std::string status_of(const std::string& document, const std::vector<std::string>& ids = {"CVE-1"},
                      const Asked& asked = {}) {
  const auto statements = read_vex(document, "vex.json");
  if (!statements) FAIL(statements.error().message);
  const VexStatement* found = find_statement(*statements, ids, {asked.main, asked.part, asked.serial});
  return found == nullptr ? "" : std::string(to_text(found->status));
}

std::string cyclonedx(const std::string& vulnerability) {
  return R"({"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:aaaaaaaa-395b-41f5-a30f-a58921a69b79",)"
         R"("metadata":{"timestamp":"2026-01-01T00:00:00Z"},"components":[{"type":"library","name":"left-pad",)"
         R"("bom-ref":"c1","purl":"pkg:npm/left-pad@1.0.0"}],"vulnerabilities":[)" +
         vulnerability + "]}";
}
std::string analysis(const std::string& body, const std::string& ref = "c1") {
  return cyclonedx(R"({"id":"CVE-1","analysis":{)" + body + R"(},"affects":[{"ref":")" + ref + R"("}]})");
}

}  // namespace

TEST_CASE("OpenVEX statements cover the products they name, with or without a version") {
  for (const auto& [product, covered] : std::vector<std::pair<std::string, bool>>{
           {R"({"@id":"pkg:npm/left-pad"})", true},
           {R"({"@id":"pkg:npm/left-pad@1.0.0"})", true},
           {R"({"@id":"pkg:npm/left-pad@1.0.1"})", false},
           {R"({"@id":"https://acme.example/x","identifiers":{"purl":"pkg:npm/left-pad"}})", true},
           {R"({"@id":"pkg:npm/right-pad"})", false},
           {R"({"@id":"pkg:generic/notes"})", true},
           {R"({"@id":"pkg:generic/notes@1.2.0"})", true},
           {R"({"@id":"pkg:generic/notes@1.1.0"})", false},
           {R"({"@id":"pkg:generic/notes@1.2.0","subcomponents":[{"@id":"pkg:npm/left-pad@1.0.0"}]})", true},
           {R"({"@id":"pkg:generic/notes@1.2.0","subcomponents":[{"@id":"pkg:npm/other"}]})", false},
           {R"({"@id":"pkg:generic/else","subcomponents":[{"@id":"pkg:npm/left-pad@1.0.0"}]})", false},
           {"", false}}) {
    CAPTURE(product);
    CHECK(status_of(openvex(statement(product, absent))) == (covered ? "not_affected" : ""));
  }
  const std::string named = openvex(statement(R"({"@id":"pkg:npm/left-pad"})", absent));
  CHECK(status_of(named, {"GHSA-1"}) == "not_affected");
  CHECK(status_of(named, {"CVE-2"}).empty());
}

TEST_CASE("later statements override earlier ones, and of equal times the one that takes nothing away") {
  const std::string product = R"({"@id":"pkg:npm/left-pad"})";
  const auto at = [&](const std::string& time, const std::string& status) {
    return statement(product, R"("timestamp":")" + time + "\"," + status);
  };
  const std::string affected = R"("status":"affected","action_statement":"update")";
  CHECK(status_of(openvex(at("2026-02-01T00:00:00Z", affected) + "," + at("2026-03-01T00:00:00Z", absent))) ==
        "not_affected");
  CHECK(status_of(openvex(at("2026-03-01T00:00:00Z", affected) + "," + at("2026-02-01T00:00:00Z", absent))) ==
        "affected");
  CHECK(status_of(openvex(statement(product, absent) + "," + statement(product, affected))) == "affected");
  CHECK(status_of(openvex(statement(product, affected) + "," + statement(product, absent))) == "affected");
  // Without a time of its own a statement has the document's.
  CHECK(status_of(openvex(statement(product, absent) + "," + at("2025-01-01T00:00:00Z", affected))) ==
        "not_affected");
}

TEST_CASE("what OpenVEX forbids is refused with its place") {
  const std::string product = R"({"@id":"pkg:npm/left-pad"})";
  for (const std::string& document :
       {openvex(statement(product, R"("status":"not_affected")")),
        openvex(statement(product, R"("status":"not_affected","impact_statement":" ")")),
        openvex(statement(product, R"("status":"not_affected","justification":"because")")),
        openvex(statement(product, R"("status":"fine")")), openvex(statement(product, R"("x":1)")),
        openvex(statement("{}", absent)), openvex(R"({"status":"fixed"})"),
        openvex(statement(product, absent + R"(,"timestamp":"yesterday")")),
        std::string(R"({"@context":"https://openvex.dev/ns/v0.2.0","statements":[]})"), std::string("{}"),
        std::string("[]"), std::string("{\"@context\":\"https://example.com\"}")}) {
    CAPTURE(document);
    const auto statements = read_vex(document, "vex.json");
    REQUIRE_FALSE(statements.has_value());
    CHECK(statements.error().kind == ErrorKind::invalid);
    CHECK_FALSE(statements.error().hint.empty());
  }
  CHECK(status_of(openvex(statement(
            product, R"("status":"not_affected","impact_statement":"never loaded")"))) == "not_affected");
}

TEST_CASE("states of CycloneDX's analyses") {
  for (const auto& [body, status] : std::vector<std::pair<std::string, std::string>>{
           {R"("state":"resolved")", "fixed"},
           {R"("state":"resolved_with_pedigree")", "fixed"},
           {R"("state":"false_positive")", "not_affected"},
           {R"("state":"not_affected","justification":"code_not_present")", "not_affected"},
           {R"("state":"not_affected","detail":"never loaded")", "not_affected"},
           {R"("state":"not_affected")", "under_investigation"},
           {R"("state":"exploitable")", "affected"},
           {R"("state":"in_triage")", "under_investigation"},
           {"", "under_investigation"}}) {
    CAPTURE(body);
    CHECK(status_of(analysis(body)) == status);
  }
  CHECK_FALSE(read_vex(analysis(R"("state":"whatever")"), "vex.json").has_value());
}

TEST_CASE("a bom-ref counts in its own document only") {
  const std::string fixed = R"("state":"resolved")";
  const Asked asked;
  CHECK(status_of(analysis(fixed, "pkg:npm/left-pad@1.0.0")) == "fixed");
  CHECK(status_of(analysis(fixed, "pkg:npm/left-pad@2.0.0")).empty());
  Asked other = asked;
  other.part.bom_ref = "c9";
  CHECK(status_of(analysis(fixed, "c9"), {"CVE-1"}, other).empty());
  CHECK(status_of(analysis(fixed, "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#c9"), {"CVE-1"}, other) ==
        "fixed");
  CHECK(status_of(analysis(fixed, "urn:cdx:bbbbbbbb-395b-41f5-a30f-a58921a69b79/1#c9"), {"CVE-1"}, other)
            .empty());
  other.serial = "urn:uuid:aaaaaaaa-395b-41f5-a30f-a58921a69b79";
  CHECK(status_of(analysis(fixed, "c9"), {"CVE-1"}, other) == "fixed");
  other.serial = "";
  CHECK(status_of(analysis(fixed, "c9"), {"CVE-1"}, other).empty());
}

TEST_CASE("CycloneDX statements about some versions are about those") {
  const auto document = [](const std::string& versions) {
    return cyclonedx(
        R"({"id":"CVE-1","analysis":{"state":"resolved"},"affects":[{"ref":"pkg:npm/left-pad","versions":[)" +
        versions + "]}]}");
  };
  CHECK(status_of(document(R"({"version":"1.0.0"})")) == "fixed");
  CHECK(status_of(document(R"({"version":"1.0.1"})")).empty());
  CHECK(status_of(document(R"({"range":"vers:npm/<2.0.0"})")).empty());
  CHECK(status_of(document("")) == "fixed");
}

TEST_CASE("which of several statements counts") {
  const std::string exact = R"({"@id":"pkg:npm/left-pad@1.0.0"})", any = R"({"@id":"pkg:npm/left-pad"})";
  const std::string other = R"({"@id":"pkg:npm/left-pad@2.0.0"})";
  const std::string part = R"({"@id":"pkg:generic/notes","subcomponents":[{"@id":"pkg:npm/left-pad"}]})";
  const std::string no = R"("status":"not_affected","justification":"component_not_present")";
  const std::string yes = R"("status":"affected","action_statement":"update")";
  const std::string asking = R"("status":"under_investigation")", fixed = R"("status":"fixed")";
  struct Said {
    std::string product, day, status;
    std::string id = "CVE-1";
  };
  struct Example {
    std::vector<Said> said;
    std::string counts;
    std::vector<std::string> asked = {"CVE-1"};
  };
  for (const Example& each : std::vector<Example>{
           {{{any, "01", no}, {exact, "02", yes}}, "affected"},
           {{{exact, "01", yes}, {any, "02", no}}, "not_affected"},  // the later one, not the narrower one
           {{{any, "02", no}, {other, "03", yes}}, "not_affected"},  // of another version
           {{{other, "03", no}}, ""},
           {{{part, "02", no}, {any, "01", yes}}, "not_affected"},
           {{{part, "01", no}, {any, "02", asking}}, "under_investigation"},
           {{{any, "01", asking}, {any, "02", fixed}}, "fixed"},
           {{{any, "02", fixed}, {any, "03", yes}}, "affected"},
           {{{any, "02", no}, {any, "02", asking}}, "under_investigation"},  // at one time: the careful one
           {{{any, "02", yes}, {any, "02", fixed}}, "affected"},
           // An advisory has several names; a statement by any of them counts.
           {{{any, "01", no, "GHSA-9"}}, "not_affected", {"CVE-1", "GHSA-9"}},
           {{{any, "02", no, "GHSA-9"}, {any, "03", yes}}, "affected", {"CVE-1", "GHSA-9"}},
           {{{any, "02", no, "GHSA-9"}}, "", {"CVE-1", "GHSA-8"}}}) {
    std::string list;
    for (const Said& said : each.said)
      list += (list.empty() ? "" : ",") + std::string(R"({"vulnerability":{"name":")") + said.id +
              R"("},"timestamp":"2026-03-)" + said.day + R"(T00:00:00Z","products":[)" + said.product + "]," +
              said.status + "}";
    CAPTURE(list);
    CHECK(status_of(openvex(list), each.asked) == each.counts);
  }
}

TEST_CASE("a document names something of a bill of materials, or it does not") {
  sbom::Catalog catalog;
  catalog.main = app();
  catalog.components = {component("left-pad", "1.0.0")};
  const VexScope scope(catalog, "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79");
  const auto names = [&](const std::string& product) {
    const auto statements = read_vex(openvex(statement(product, absent)), "vex.json");
    REQUIRE(statements.has_value());
    return scope.has(statements->at(0));
  };
  CHECK(names(R"({"@id":"pkg:npm/left-pad"})"));
  CHECK(names(R"({"@id":"pkg:npm/left-pad@9.9.9"})"));  // another version is still ours to speak of
  CHECK(names(R"({"@id":"pkg:generic/notes@1.2.0"})"));
  CHECK(names(R"({"@id":"pkg:generic/notes","subcomponents":[{"@id":"pkg:npm/left-pad"}]})"));
  CHECK_FALSE(names(R"({"@id":"pkg:generic/notes","subcomponents":[{"@id":"pkg:npm/right-pad"}]})"));
  CHECK_FALSE(names(R"({"@id":"pkg:npm/right-pad"})"));
  CHECK_FALSE(names(R"({"@id":"pkg:pypi/left-pad"})"));
}
