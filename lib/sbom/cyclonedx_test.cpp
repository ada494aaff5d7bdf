#include "sbom/cyclonedx.hpp"

#include <doctest/doctest.h>

#include "doc/value.hpp"
#include "sbom/write_samples.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

namespace {

Component app() {
  Component component;
  component.type = "application";
  component.name = "notes";
  component.version = "1.1.0";
  component.bom_ref = "notes@1.1.0";
  return component;
}

}  // namespace

TEST_CASE("the same catalog and time give the same bytes, whatever the order of components") {
  Catalog one;
  one.main = app();
  one.components = {library("a"), library("b")};
  Catalog other = one;
  std::swap(other.components[0], other.components[1]);
  CHECK(to_cyclonedx(one, created, "1.0") == to_cyclonedx(other, created, "1.0"));
  CHECK(to_cyclonedx(one, created, "1.0") != to_cyclonedx(one, created + std::chrono::seconds(1), "1.0"));
}

TEST_CASE("a document names its app, its components and their edges") {
  Catalog catalog;
  catalog.main = app();
  catalog.main.depends_on = {"pkg:npm/a@1.0.0"};
  catalog.components = {library("a", {"pkg:npm/b@1.0.0"}), library("b", {}, "optional")};
  catalog.components[0].hashes = {{"SHA-1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"}};
  catalog.components[0].licenses = {"MIT"};
  catalog.components[1].licenses = {"(MIT OR Apache-2.0)"};
  const auto bom = doc::parse_json(to_cyclonedx(catalog, created, "1.0"));
  REQUIRE(bom);
  CHECK(*bom->text("bomFormat") == "CycloneDX");
  CHECK(*bom->text("specVersion") == "1.6");
  const std::string serial = *bom->text("serialNumber");
  CHECK(serial.size() == 45);
  CHECK(serial.starts_with("urn:uuid:"));
  CHECK(serial[23] == '8');
  const auto& metadata = **bom->object_at("metadata");
  CHECK(*metadata.text("timestamp") == "2026-11-21T10:45:00Z");
  CHECK(*(*metadata.object_at("component"))->text("name") == "notes");
  const auto& components = (*bom->array_at("components"))->as_array();
  REQUIRE(components.size() == 2);
  CHECK(doc::to_json(*components[0].find("licenses")) == R"([{"license":{"id":"MIT"}}])");
  CHECK(doc::to_json(*components[1].find("licenses")) == R"j([{"expression":"(MIT OR Apache-2.0)"}])j");
  CHECK(*components[1].text("scope") == "optional");
  CHECK(doc::to_json(*bom->find("dependencies")) ==
        R"([{"ref":"notes@1.1.0","dependsOn":["pkg:npm/a@1.0.0"]},)"
        R"({"ref":"pkg:npm/a@1.0.0","dependsOn":["pkg:npm/b@1.0.0"]},{"ref":"pkg:npm/b@1.0.0"}])");
}

TEST_CASE("catalogs merge: one component of each reference, edges united, the stronger scope wins") {
  Catalog one, two;
  one.main.depends_on = {"pkg:npm/a@1.0.0"};
  one.components = {library("a", {"pkg:npm/b@1.0.0"}, "excluded"), library("b", {}, "excluded")};
  two.main.depends_on = {"pkg:npm/b@1.0.0"};
  two.components = {library("b", {"pkg:npm/gone@1.0.0"}), library("a", {}, "optional")};
  two.warnings = {"w"};
  two.components.push_back(library("long"));
  two.components.back().version = std::string(1025, '1');
  const Catalog all = merge(app(), {one, two});
  REQUIRE(all.components.size() == 2);
  CHECK(all.main.name == "notes");
  CHECK(all.main.depends_on == std::vector<std::string>{"pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0"});
  CHECK(all.components[0].scope == "optional");
  CHECK(all.components[0].depends_on == std::vector<std::string>{"pkg:npm/b@1.0.0"});
  CHECK(all.components[1].scope.empty());
  CHECK(all.components[1].depends_on.empty());
  REQUIRE(all.warnings.size() == 3);
  CHECK(all.warnings[1] == "'long' is not listed: its version has more than 1024 bytes");
  CHECK(all.warnings[2].find("pkg:npm/gone@1.0.0") != std::string::npos);
}

TEST_CASE("package URLs encode each part and sort their qualifiers") {
  CHECK(make_purl("npm", "@scope", "name", "1.0.0") == "pkg:npm/%40scope/name@1.0.0");
  CHECK(make_purl("deb", "debian", "libstdc++6", "1:12.2-1+deb12u1~x",
                  {{"distro", "debian-12"}, {"arch", "amd64"}}) ==
        "pkg:deb/debian/libstdc%2B%2B6@1:12.2-1%2Bdeb12u1~x?arch=amd64&distro=debian-12");
  CHECK(make_purl("npm", "", "x", "", {{"empty", ""}}) == "pkg:npm/x");
}
