#include "sbom/write.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.hpp"
#include "doc/value.hpp"
#include "sbom/purl.hpp"
#include "sbom/read.hpp"
#include "sbom/spdx.hpp"
#include "sbom/write_samples.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

namespace {

// An application, libraries of each scope, licences of each kind, and a model.
Catalog shop() {
  Catalog catalog;
  catalog.main.type = "application";
  catalog.main.name = "shop";
  catalog.main.version = "2.0.0";
  catalog.main.bom_ref = "shop@2.0.0";
  catalog.main.depends_on = {"model", "pkg:npm/a@1.0.0", "pkg:npm/dev@1.0.0"};
  catalog.components = {library("a", {"pkg:npm/b@1.0.0"}), library("b", {}, "optional"),
                        library("dev", {}, "excluded")};
  Component& a = catalog.components[0];
  a.hashes = {{"SHA-1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
              {"SHA-256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}};
  a.licenses = {"MIT"};
  a.supplier = "Acme";
  a.description = "left and right";
  a.download = "https://example.test/a.tgz";
  a.properties = {{"tranche:place", "vendor/a"}};
  catalog.components[1].licenses = {"(MIT OR Apache-2.0)"};
  catalog.components[2].licenses = {"SEE LICENSE IN LICENSE.md"};
  Component scoped = library("c");
  scoped.group = "@scope";
  scoped.bom_ref = scoped.purl = make_purl("npm", "@scope", "c", "1.0.0");
  catalog.components.push_back(scoped);
  Component model;
  model.type = "machine-learning-model";
  model.name = "tiny";
  model.bom_ref = "model";
  model.model = ModelCard{"text-generation", "transformer", "llama", {{"parameters", "1100000000"}}};
  catalog.components.push_back(model);
  return catalog;
}

const Component* find(const Catalog& catalog, std::string_view name) {
  const auto at = std::ranges::find(catalog.components, name, &Component::name);
  return at == catalog.components.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("every format is written, the same bytes each time, and read back as valid") {
  for (const std::string_view format : bom_formats) {
    CAPTURE(format);
    Catalog other = shop();
    std::ranges::reverse(other.components);
    const auto text = write_bom(shop(), format, created, "1.0");
    REQUIRE(text);
    CHECK(*text == *write_bom(other, format, created, "1.0"));
    const auto bom = read_bom(*text, "sbom.json");
    if (!bom) FAIL(bom.error().message);
    CHECK(bom->format == format);
    CHECK(bom->created == created);
    CHECK(bom->catalog.main.name == "shop");
    CHECK(bom->catalog.main.version == "2.0.0");
    CHECK(bom->catalog.main.depends_on.size() == 3);
    REQUIRE(bom->catalog.components.size() == 5);
    const Component* a = find(bom->catalog, "a");
    REQUIRE(a != nullptr);
    CHECK(a->purl == "pkg:npm/a@1.0.0");
    CHECK(a->hashes == shop().components[0].hashes);
    CHECK(a->licenses == std::vector<std::string>{"MIT"});
    CHECK(a->supplier == "Acme");
    CHECK(a->description == "left and right");
    CHECK(a->download == "https://example.test/a.tgz");
    REQUIRE(a->depends_on.size() == 1);
    CHECK(a->depends_on[0] == find(bom->catalog, "b")->bom_ref);
    CHECK(find(bom->catalog, "b")->scope == "optional");
    CHECK(find(bom->catalog, "b")->licenses == std::vector<std::string>{"(MIT OR Apache-2.0)"});
    CHECK(find(bom->catalog, "dev")->scope == "excluded");
    CHECK(find(bom->catalog, "dev")->licenses == std::vector<std::string>{"SEE LICENSE IN LICENSE.md"});
    CHECK(find(bom->catalog, "c")->group == "@scope");
    CHECK(find(bom->catalog, "tiny")->model == shop().components[4].model);
    CHECK(find(bom->catalog, "tiny")->type == "machine-learning-model");
    CHECK(a->properties == shop().components[0].properties);
  }
  CHECK_FALSE(write_bom(shop(), "cyclonedx-1.4", created, "1.0"));
}

TEST_CASE(
    "an SPDX document has relationships by scope, a text for each licence of its own, a namespace of what it "
    "says") {
  const auto document = doc::parse_json(to_spdx(shop(), created + std::chrono::milliseconds(7), "1.0"));
  REQUIRE(document);
  CHECK(*document->text("spdxVersion") == "SPDX-2.3");
  CHECK(*(*document->object_at("creationInfo"))->text("created") == "2026-11-21T10:45:00Z");
  CHECK(document->text("documentNamespace")->starts_with("https://spdx.org/spdxdocs/shop-2.0.0-"));
  std::vector<std::string> kinds;
  for (const doc::Value& item : (*document->array_at("relationships"))->as_array())
    kinds.push_back(*item.text("relationshipType"));
  std::ranges::sort(kinds);
  CHECK(kinds == std::vector<std::string>{"DEPENDS_ON", "DEPENDS_ON", "DESCRIBES", "DEV_DEPENDENCY_OF",
                                          "OPTIONAL_DEPENDENCY_OF"});
  const auto& texts = (*document->array_at("hasExtractedLicensingInfos"))->as_array();
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].text("licenseId")->starts_with("LicenseRef-SEE-LICENSE-IN-LICENSE.md-"));
  Catalog other = shop();
  other.components.pop_back();
  CHECK(*doc::parse_json(to_spdx(other, created, "1.0"))->text("documentNamespace") !=
        *document->text("documentNamespace"));
}

TEST_CASE("several licences are joined, each in parentheses where it wants them") {
  Catalog catalog;
  catalog.main.name = "x";
  Component one = library("one");
  one.licenses = {"MIT", "ISC OR Apache-2.0"};
  catalog.components = {one};
  const auto document = doc::parse_json(to_spdx(catalog, created, ""));
  REQUIRE(document);
  CHECK(*(*document->array_at("packages"))->as_array()[1].text("licenseDeclared") ==
        "MIT AND (ISC OR Apache-2.0)");
}

TEST_CASE("licences that make no expression together, by length or by word, are one of the document's own") {
  Catalog catalog;
  catalog.main.name = "x";
  Component one = library("one");
  one.licenses.assign(1500, "MIT");
  catalog.components = {one};
  const auto bom = read_bom(to_spdx(catalog, created, ""), "x");
  REQUIRE(bom);
  REQUIRE(bom->catalog.components[0].licenses.size() == 1);
  CHECK(bom->catalog.components[0].licenses[0].starts_with("MIT AND MIT"));
}

TEST_CASE("an annotation of somebody else says nothing about a package, one that is no JSON neither") {
  Catalog catalog;
  catalog.main.name = "x";
  Component one = library("one");
  one.properties = {{"deb:source", "openssl"}};
  catalog.components = {one};
  const std::string text = to_spdx(catalog, created, "1.0");
  const auto changed = [&](std::string_view from, std::string_view to) {
    const auto bom = read_bom(replace_all(text, from, to), "x");
    REQUIRE(bom);
    return bom->catalog.components[0].properties;
  };
  CHECK(changed("x", "x") == one.properties);
  CHECK(changed("\"annotator\": \"Tool: tranche", "\"annotator\": \"Tool: other").empty());
  CHECK(changed("\"comment\": \"{", "\"comment\": \"").empty());
}

TEST_CASE("addresses in a document are addresses: other bytes are encoded") {
  Catalog catalog;
  catalog.main.name = "x";
  Component one = library("one");
  one.download = "git+ssh://git:secret@example.test/a b<c>[%zz%20].git#main#2";
  catalog.components = {one};
  const auto bom = read_bom(*write_bom(catalog, "cyclonedx-1.6", created, ""), "x");
  REQUIRE(bom);
  CHECK(bom->catalog.components[0].download ==
        "git+ssh://git@example.test/a%20b%3Cc%3E%5B%25zz%20%5D.git#main%232");
}
