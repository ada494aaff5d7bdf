#include "sbom/read.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.hpp"

using namespace tranche;
using namespace tranche::sbom;

namespace {

// `at` is replaced in a document that is valid as it stands.
std::string with(std::string text, std::string_view from, std::string_view to) {
  CAPTURE(from);
  REQUIRE(text.find(from) != std::string::npos);
  return replace_all(std::move(text), from, to);
}

const std::string cyclonedx = R"({
  "bomFormat": "CycloneDX",
  "specVersion": "1.6",
  "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
  "version": 1,
  "metadata": {
    "timestamp": "2026-11-21T10:45:00Z",
    "tools": [{"vendor": "v", "name": "t", "version": "1"}],
    "component": {"type": "application", "name": "app", "version": "1", "bom-ref": "app"}
  },
  "components": [
    {"type": "library", "bom-ref": "a", "name": "a", "version": "1.0", "purl": "pkg:npm/a@1.0",
     "scope": "required",
     "hashes": [{"alg": "SHA-1", "content": "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"}],
     "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Mine"}}],
     "externalReferences": [{"type": "website", "url": "https://example.test/"}],
     "components": [{"type": "file", "name": "inner"}]},
    {"type": "library", "bom-ref": "b", "name": "b", "licenses": [{"expression": "MIT OR ISC"}],
     "properties": [{"name": "k", "value": "v"}]}
  ],
  "services": [{"bom-ref": "s", "name": "s"}],
  "dependencies": [{"ref": "app", "dependsOn": ["a", "s"]}, {"ref": "a", "dependsOn": ["b"]}, {"ref": "s"}]
})";

const std::string spdx = R"({
  "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "doc",
  "documentNamespace": "https://example.test/doc",
  "creationInfo": {"created": "2026-11-21T10:45:00Z", "creators": ["Tool: x"]},
  "packages": [
    {"SPDXID": "SPDXRef-a", "name": "a", "downloadLocation": "NOASSERTION", "versionInfo": "1.0",
     "licenseDeclared": "LicenseRef-x", "checksums": [{"algorithm": "SHA1",
     "checksumValue": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}],
     "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                       "referenceLocator": "pkg:npm/a@1.0"}]},
    {"SPDXID": "SPDXRef-b", "name": "b", "downloadLocation": "https://example.test/b"}
  ],
  "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-x", "extractedText": "t", "name": "X Licence"}],
  "relationships": [
    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-a"},
    {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-b"}
  ]
})";

struct Broken {
  const char* from;
  const char* to;
  const char* says;
};

void check_refused(const std::string& text, const Broken& row) {
  CAPTURE(row.to);
  const auto bom = read_bom(with(text, row.from, row.to), "sbom.json");
  REQUIRE_FALSE(bom);
  const Error& error = bom.error();
  CHECK(error.kind == ErrorKind::invalid);
  CHECK_FALSE(error.hint.empty());
  std::string all = error.message;
  for (const Error& other : error.others) all += "\n" + other.message;
  CAPTURE(all);
  CHECK(all.find(row.says) != std::string::npos);
  REQUIRE(error.mark);
  CHECK(error.mark->file == "sbom.json");
  CHECK(error.mark->line > 0);
}

}  // namespace

TEST_CASE("a version of more than 1024 characters is refused since CycloneDX 1.6, and was not before") {
  const auto read = [](const char* format, std::size_t letters) {
    std::string version;
    for (std::size_t i = 0; i < letters; ++i) version += "\xc3\xa9";
    return read_bom(
               fmt::format(
                   R"({{"bomFormat":"CycloneDX","specVersion":"{}","version":1,"components":[{{"type":"library","name":"a","version":"{}"}}]}})",
                   format, version),
               "x")
        .has_value();
  };
  CHECK(read("1.6", 1024));
  CHECK_FALSE(read("1.6", 1025));
  CHECK(read("1.5", 1025));
}

TEST_CASE("a CycloneDX document is read: inner components beside the others, edges to services left out") {
  const auto bom = read_bom(cyclonedx, "sbom.json");
  if (!bom) FAIL(bom.error().message);
  CHECK(bom->format == "cyclonedx-1.6");
  CHECK(bom->catalog.main.depends_on == std::vector<std::string>{"a"});
  REQUIRE(bom->catalog.components.size() == 3);
  const Component& a = bom->catalog.components[0];
  CHECK(a.scope.empty());
  CHECK(a.hashes[0].hex == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(a.licenses == std::vector<std::string>{"MIT", "Mine"});
  CHECK(a.depends_on == std::vector<std::string>{"b"});
  CHECK(bom->catalog.components[1].name == "inner");
  CHECK(bom->catalog.components[1].bom_ref == "#2");
  CHECK(bom->catalog.components[2].licenses == std::vector<std::string>{"MIT OR ISC"});
}

TEST_CASE("a made-up name is nobody's") {
  const auto bom = read_bom(with(cyclonedx, "\"bom-ref\": \"b\"", "\"bom-ref\": \"#2\""), "sbom.json");
  CHECK_FALSE(bom);  // an edge leads to b
  const auto fine = read_bom(
      with(with(cyclonedx, "\"bom-ref\": \"b\"", "\"bom-ref\": \"#2\""), "[\"b\"]", "[\"#2\"]"), "sbom.json");
  REQUIRE(fine);
  CHECK(fine->catalog.components[1].bom_ref == "##2");
}

TEST_CASE("an SPDX document is read: what it describes is the main component, a LicenseRef is its name") {
  const auto bom = read_bom(spdx, "sbom.json");
  if (!bom) FAIL(bom.error().message);
  CHECK(bom->format == "spdx-2.3");
  CHECK(bom->catalog.main.name == "a");
  CHECK(bom->catalog.main.licenses == std::vector<std::string>{"X Licence"});
  CHECK(bom->catalog.main.depends_on == std::vector<std::string>{"SPDXRef-b"});
  REQUIRE(bom->catalog.components.size() == 1);
  CHECK(bom->catalog.components[0].download == "https://example.test/b");
}

TEST_CASE("what breaks a rule of CycloneDX is refused with its line") {
  for (const Broken& row : {
           Broken{"\"1.6\"", "\"1.7\"", "is CycloneDX '1.7'"},
           Broken{"3e671687-395b", "3E671687-395b", "no serial number"},
           Broken{"\"version\": 1,\n", "\"version\": 0,\n", "counts from 1"},
           Broken{"10:45:00Z", "10:45", "no date and time"},
           Broken{"\"type\": \"library\", \"bom-ref\": \"a\"", "\"bom-ref\": \"a\"", "has no 'type'"},
           Broken{"\"name\": \"a\"", "\"name\": 7", "'name' is a number, not a string"},
           Broken{"\"bom-ref\": \"b\"", "\"bom-ref\": \"a\"", "is there twice"},
           Broken{"[\"b\"]", "[\"gone\"]", "nothing here has the bom-ref 'gone'"},
           Broken{"[\"b\"]", "[\"b\", \"b\"]", "twice"},
           Broken{"pkg:npm/a@1.0", "npm/a", "package URL"},
           Broken{"\"MIT\"", "\"Mit License\"", "no licence in the list"},
           Broken{"\"MIT OR ISC\"", "\"MIT OR Mine\"", "no expression of SPDX licences"},
           Broken{"{\"id\": \"MIT\"}", "{}", "one of 'id' and 'name'"},
           Broken{"{\"id\": \"MIT\"}", "{\"id\": \"MIT\", \"name\": \"x\"}", "one of 'id' and 'name'"},
           Broken{"[{\"expression\": \"MIT OR ISC\"}]",
                  "[{\"expression\": \"MIT\"}, {\"expression\": \"ISC\"}]", "stands alone"},
           Broken{"DA39A3EE", "DA39", "no digest"},
           Broken{"SHA-1", "SHA-256", "has 64 digits, not 40"},
           Broken{"\"alg\": \"SHA-1\"", "\"alg\": \"sha1\"", "cannot be 'sha1'"},
           Broken{"\"type\": \"website\"", "\"type\": \"web\"", "'type' cannot be 'web'"},
           Broken{"https://example.test/", "https://example test/", "is no address"},
           Broken{"\"scope\": \"required\"", "\"scope\": \"maybe\"", "cannot be 'maybe'"},
           Broken{"\"services\"", "\"servces\"", "has no member 'servces'"},
           Broken{"[{\"vendor\": \"v\", \"name\": \"t\", \"version\": \"1\"}]", "\"t\"",
                  "'tools' is a string"},
           Broken{"{\"name\": \"k\", \"value\": \"v\"}", "{\"value\": \"v\"}", "a property has no 'name'"},
       })
    if (std::string_view(row.says).starts_with("is CycloneDX"))
      CHECK(read_bom(with(cyclonedx, row.from, row.to), "x").error().message.find(row.says) !=
            std::string::npos);
    else
      check_refused(cyclonedx, row);
}

TEST_CASE("what breaks a rule of SPDX is refused with its line") {
  for (const Broken& row : {
           Broken{"CC0-1.0", "MIT", "'dataLicense' cannot be 'MIT'"},
           Broken{"\"creators\": [\"Tool: x\"]", "\"creators\": []", "nobody made"},
           Broken{"10:45:00Z", "10:45:00.5Z", "no date and time"},
           Broken{"SPDXRef-b\", \"name\"", "SPDXRef-a\", \"name\"", "is there twice"},
           Broken{"SPDXRef-b\", \"name\"", "SPDXRef_b\", \"name\"", "no SPDX identifier"},
           Broken{"\"relatedSpdxElement\": \"SPDXRef-b\"", "\"relatedSpdxElement\": \"SPDXRef-c\"",
                  "nothing here has the identifier 'SPDXRef-c'"},
           Broken{"\"LicenseRef-x\", \"extr", "\"LicenseRef-y\", \"extr",
                  "the text of 'LicenseRef-x' is not here"},
           Broken{"\"licenseDeclared\": \"LicenseRef-x\"", "\"licenseDeclared\": \"Mine\"",
                  "no expression of SPDX licences"},
           Broken{"\"SHA1\"", "\"SHA-1\"", "'algorithm' cannot be 'SHA-1'"},
           Broken{"da39a3ee", "zz39a3ee", "no checksum by SHA1"},
           Broken{"PACKAGE-MANAGER", "PACKAGE", "cannot be 'PACKAGE'"},
           Broken{"pkg:npm/a@1.0", "npm/a", "package URL"},
           Broken{"\"downloadLocation\": \"NOASSERTION\",", "", "has no 'downloadLocation'"},
       })
    check_refused(spdx, row);
}

TEST_CASE("all findings come at once, and no more than people read") {
  std::string text = R"({"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[)";
  for (int i = 0; i < 50; ++i) text += (i == 0 ? "" : ",") + fmt::format(R"({{"type":"x","name":"{}"}})", i);
  const auto bom = read_bom(text + "]}", "x.json");
  REQUIRE_FALSE(bom);
  CHECK(bom.error().others.size() == 20);
  CHECK(bom.error().others.back().message == "and 30 more findings like these");
}

TEST_CASE("what is no bill of materials is refused") {
  for (const char* text :
       {"", "{}", "[]", "null", "{\"bomFormat\":\"Cyclone\"}", "{\"spdxVersion\":\"SPDX-2.2\"}",
        "{\"bomFormat\":\"CycloneDX\"}", "{\"bomFormat\":\"CycloneDX\",\"specVersion\":1.6}"}) {
    CAPTURE(text);
    const auto bom = read_bom(text, "x.json");
    REQUIRE_FALSE(bom);
    CHECK(bom.error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("1.4 is read by its own rules: types and members that came later are refused") {
  const std::string old = with(cyclonedx, "\"1.6\"", "\"1.4\"");
  CHECK(read_bom(old, "x"));
  CHECK_FALSE(read_bom(with(old, "\"type\": \"file\"", "\"type\": \"data\""), "x"));
  CHECK_FALSE(read_bom(with(old, "\"services\"", "\"properties\""), "x"));
}
