// SPDX 2.3 JSON (spdx.github.io/spdx-spec/v2.3, clauses 6 to 11), as tables.
#include <algorithm>
#include <set>
#include <string>

#include "base/text.hpp"
#include "base/time.hpp"
#include "sbom/check.hpp"
#include "sbom/licenses.hpp"
#include "sbom/purl.hpp"
#include "sbom/shape.hpp"

namespace tranche::sbom {

namespace {

constexpr bool needed = true;

bool is_id_text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

void check_id(const doc::Value& value, Walk& walk) {
  const std::string_view text = value.as_string();
  if (!text.starts_with("SPDXRef-") || !is_id_text(text.substr(8)))
    walk.findings.add(value.place, fmt::format("'{}' is no SPDX identifier", printable(text, 80)),
                      "write SPDXRef- and then letters, digits, '.' and '-'");
}

void check_date(const doc::Value& value, Walk& walk) {
  const std::string& text = value.as_string();
  if (text.size() != 20 || !text.ends_with('Z') || !parse_instant(text))
    walk.findings.add(value.place, fmt::format("'{}' is no date and time", printable(text, 64)),
                      "write 2026-11-21T10:45:00Z, in UTC and without fractions");
}

void check_license(const doc::Value& value, Walk& walk) {
  const std::string& text = value.as_string();
  if (text != "NONE" && text != "NOASSERTION" && !parse_license_expression(text))
    walk.findings.add(value.place,
                      fmt::format("'{}' is no expression of SPDX licences", printable(text, 120)),
                      "write NOASSERTION, or a LicenseRef- with its text under hasExtractedLicensingInfos");
}

constexpr Choice spdx_versions[] = {{"SPDX-2.3"}};
constexpr Choice data_licenses[] = {{"CC0-1.0"}};
constexpr Choice algorithms[] = {{"SHA1"},        {"BLAKE3"},      {"SHA3-384"}, {"SHA256"},      {"SHA384"},
                                 {"BLAKE2b-512"}, {"BLAKE2b-256"}, {"SHA3-512"}, {"MD2"},         {"ADLER32"},
                                 {"MD4"},         {"SHA3-256"},    {"MD6"},      {"BLAKE2b-384"}, {"SHA512"},
                                 {"MD5"},         {"SHA224"}};
constexpr Choice relationship_types[] = {{"AMENDS"},
                                         {"ANCESTOR_OF"},
                                         {"BUILD_DEPENDENCY_OF"},
                                         {"BUILD_TOOL_OF"},
                                         {"CONTAINED_BY"},
                                         {"CONTAINS"},
                                         {"COPY_OF"},
                                         {"DATA_FILE_OF"},
                                         {"DEPENDENCY_MANIFEST_OF"},
                                         {"DEPENDENCY_OF"},
                                         {"DEPENDS_ON"},
                                         {"DESCENDANT_OF"},
                                         {"DESCRIBED_BY"},
                                         {"DESCRIBES"},
                                         {"DEV_DEPENDENCY_OF"},
                                         {"DEV_TOOL_OF"},
                                         {"DISTRIBUTION_ARTIFACT"},
                                         {"DOCUMENTATION_OF"},
                                         {"DYNAMIC_LINK"},
                                         {"EXAMPLE_OF"},
                                         {"EXPANDED_FROM_ARCHIVE"},
                                         {"FILE_ADDED"},
                                         {"FILE_DELETED"},
                                         {"FILE_MODIFIED"},
                                         {"GENERATED_FROM"},
                                         {"GENERATES"},
                                         {"HAS_PREREQUISITE"},
                                         {"METAFILE_OF"},
                                         {"OPTIONAL_COMPONENT_OF"},
                                         {"OPTIONAL_DEPENDENCY_OF"},
                                         {"OTHER"},
                                         {"PACKAGE_OF"},
                                         {"PATCH_APPLIED"},
                                         {"PATCH_FOR"},
                                         {"PREREQUISITE_FOR"},
                                         {"PROVIDED_DEPENDENCY_OF"},
                                         {"REQUIREMENT_DESCRIPTION_FOR"},
                                         {"RUNTIME_DEPENDENCY_OF"},
                                         {"SPECIFICATION_FOR"},
                                         {"STATIC_LINK"},
                                         {"TEST_CASE_OF"},
                                         {"TEST_DEPENDENCY_OF"},
                                         {"TEST_OF"},
                                         {"TEST_TOOL_OF"},
                                         {"VARIANT_OF"}};
constexpr Choice file_types[] = {{"OTHER"},   {"DOCUMENTATION"}, {"IMAGE"},       {"VIDEO"},
                                 {"ARCHIVE"}, {"SPDX"},          {"APPLICATION"}, {"SOURCE"},
                                 {"BINARY"},  {"TEXT"},          {"AUDIO"}};
constexpr Choice annotation_types[] = {{"OTHER"}, {"REVIEW"}};
constexpr Choice categories[] = {{"OTHER"}, {"PERSISTENT-ID"}, {"SECURITY"}, {"PACKAGE-MANAGER"}};
constexpr Choice purposes[] = {{"OTHER"},       {"INSTALL"},   {"ARCHIVE"},          {"FIRMWARE"},
                               {"APPLICATION"}, {"FRAMEWORK"}, {"LIBRARY"},          {"CONTAINER"},
                               {"SOURCE"},      {"DEVICE"},    {"OPERATING_SYSTEM"}, {"FILE"}};

// The digits that a checksum of that name has; 0: not known here.
std::size_t digits_of(std::string_view algorithm) {
  if (algorithm == "MD5") return 32;
  if (algorithm == "SHA1") return 40;
  if (algorithm == "SHA224") return 56;
  if (algorithm.ends_with("256")) return 64;
  if (algorithm.ends_with("384")) return 96;
  return algorithm.ends_with("512") ? 128 : 0;
}

void check_checksums(const doc::Value& list, Walk& walk) {
  for (const doc::Value& item : list.as_array()) {
    const doc::Value* name = item.find("algorithm");
    const doc::Value* text = item.find("checksumValue");
    if (name == nullptr || text == nullptr || !name->is_string() || !text->is_string()) continue;
    const std::string& hex = text->as_string();
    const std::size_t digits = digits_of(name->as_string());
    const bool is_hex = std::ranges::all_of(hex, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    if (!is_hex || hex.empty() || (digits != 0 && hex.size() != digits))
      walk.findings.add(text->place,
                        fmt::format("this is no checksum by {}", printable(name->as_string(), 20)),
                        "write it in hexadecimal digits, whole");
  }
}

void check_file_checksums(const doc::Value& list, Walk& walk) {
  if (list.as_array().empty()) walk.findings.add(list.place, "a file has no checksum", "add its SHA1");
  check_checksums(list, walk);
}

template <auto& rules>
const Shape* shape_named(std::string_view what) {
  static const Shape shape{what, rules};
  return &shape;
}

constexpr Rule checksum_rules[] = {{"algorithm", Kind::text, needed, {}, {}, algorithms},
                                   {"checksumValue", Kind::text, needed}};
const Shape* checksum_shape() { return shape_named<checksum_rules>("a checksum"); }
constexpr Rule checksums{"checksums", Kind::list, false, Kind::map, checksum_shape, {}, check_checksums};

constexpr Rule annotation_rules[] = {{"annotationDate", Kind::text, needed, {}, {}, {}, check_date},
                                     {"annotationType", Kind::text, needed, {}, {}, annotation_types},
                                     {"annotator", Kind::text, needed},
                                     {"comment", Kind::text, needed}};
const Shape* annotation_shape() { return shape_named<annotation_rules>("an annotation"); }
constexpr Rule annotations{"annotations", Kind::list, false, Kind::map, annotation_shape};

void check_external(const doc::Value& list, Walk& walk) {
  for (const doc::Value& item : list.as_array()) {
    const doc::Value* type = item.find("referenceType");
    const doc::Value* locator = item.find("referenceLocator");
    if (type == nullptr || locator == nullptr || !type->is_string() || !locator->is_string()) continue;
    if (type->as_string() != "purl") continue;
    if (const auto purl = parse_purl(locator->as_string()); !purl)
      walk.findings.add(locator->place, purl.error().message, purl.error().hint);
  }
}
constexpr Rule external_rules[] = {{"comment", Kind::text},
                                   {"referenceCategory", Kind::text, needed, {}, {}, categories},
                                   {"referenceLocator", Kind::text, needed},
                                   {"referenceType", Kind::text, needed}};
const Shape* external_shape() { return shape_named<external_rules>("an external reference"); }

constexpr Rule code_rules[] = {{"packageVerificationCodeExcludedFiles", Kind::list, false, Kind::text},
                               {"packageVerificationCodeValue", Kind::text, needed}};
const Shape* code_shape() { return shape_named<code_rules>("a verification code"); }

constexpr Rule package_rules[] = {
    {"SPDXID", Kind::text, needed, {}, {}, {}, check_id},
    annotations,
    {"attributionTexts", Kind::list, false, Kind::text},
    {"builtDate", Kind::text, false, {}, {}, {}, check_date},
    checksums,
    {"comment", Kind::text},
    {"copyrightText", Kind::text},
    {"description", Kind::text},
    {"downloadLocation", Kind::text, needed},
    {"externalRefs", Kind::list, false, Kind::map, external_shape, {}, check_external},
    {"filesAnalyzed", Kind::boolean},
    {"hasFiles", Kind::list, false, Kind::text},
    {"homepage", Kind::text},
    {"licenseComments", Kind::text},
    {"licenseConcluded", Kind::text, false, {}, {}, {}, check_license},
    {"licenseDeclared", Kind::text, false, {}, {}, {}, check_license},
    {"licenseInfoFromFiles", Kind::list, false, Kind::text},
    {"name", Kind::text, needed},
    {"originator", Kind::text},
    {"packageFileName", Kind::text},
    {"packageVerificationCode", Kind::map, false, {}, code_shape},
    {"primaryPackagePurpose", Kind::text, false, {}, {}, purposes},
    {"releaseDate", Kind::text, false, {}, {}, {}, check_date},
    {"sourceInfo", Kind::text},
    {"summary", Kind::text},
    {"supplier", Kind::text},
    {"validUntilDate", Kind::text, false, {}, {}, {}, check_date},
    {"versionInfo", Kind::text}};
const Shape* package_shape() { return shape_named<package_rules>("a package"); }

constexpr Rule file_rules[] = {
    {"SPDXID", Kind::text, needed, {}, {}, {}, check_id},
    annotations,
    {"artifactOfs", Kind::list, false, Kind::map},
    {"attributionTexts", Kind::list, false, Kind::text},
    {"checksums", Kind::list, needed, Kind::map, checksum_shape, {}, check_file_checksums},
    {"comment", Kind::text},
    {"copyrightText", Kind::text},
    {"fileContributors", Kind::list, false, Kind::text},
    {"fileDependencies", Kind::list, false, Kind::text},
    {"fileName", Kind::text, needed},
    {"fileTypes", Kind::list, false, Kind::text, {}, file_types},
    {"licenseComments", Kind::text},
    {"licenseConcluded", Kind::text, false, {}, {}, {}, check_license},
    {"licenseInfoInFiles", Kind::list, false, Kind::text},
    {"noticeText", Kind::text}};
const Shape* file_shape() { return shape_named<file_rules>("a file"); }

constexpr Rule relationship_rules[] = {{"spdxElementId", Kind::text, needed},
                                       {"comment", Kind::text},
                                       {"relatedSpdxElement", Kind::text, needed},
                                       {"relationshipType", Kind::text, needed, {}, {}, relationship_types}};
const Shape* relationship_shape() { return shape_named<relationship_rules>("a relationship"); }

constexpr Rule license_rules[] = {{"comment", Kind::text},
                                  {"crossRefs", Kind::list, false, Kind::map},
                                  {"extractedText", Kind::text, needed},
                                  {"licenseId", Kind::text, needed},
                                  {"name", Kind::text},
                                  {"seeAlsos", Kind::list, false, Kind::text}};
const Shape* license_shape() { return shape_named<license_rules>("an extracted licence"); }

void check_creators(const doc::Value& list, Walk& walk) {
  if (list.as_array().empty())
    walk.findings.add(list.place, "nobody made this document", "add a creator: \"Tool: name\"");
}
constexpr Rule creation_rules[] = {{"comment", Kind::text},
                                   {"created", Kind::text, needed, {}, {}, {}, check_date},
                                   {"creators", Kind::list, needed, Kind::text, {}, {}, check_creators},
                                   {"licenseListVersion", Kind::text}};
const Shape* creation_shape() { return shape_named<creation_rules>("the creation"); }

constexpr Rule document_rules[] = {
    {"SPDXID", Kind::text, needed, {}, {}, {}, check_id},
    annotations,
    {"comment", Kind::text},
    {"creationInfo", Kind::map, needed, {}, creation_shape},
    {"dataLicense", Kind::text, needed, {}, {}, data_licenses},
    {"externalDocumentRefs", Kind::list, false, Kind::map},
    {"hasExtractedLicensingInfos", Kind::list, false, Kind::map, license_shape},
    {"name", Kind::text, needed},
    {"revieweds", Kind::list, false, Kind::map},
    {"spdxVersion", Kind::text, needed, {}, {}, spdx_versions},
    {"documentNamespace", Kind::text},
    {"documentDescribes", Kind::list, false, Kind::text},
    {"packages", Kind::list, false, Kind::map, package_shape},
    {"files", Kind::list, false, Kind::map, file_shape},
    {"snippets", Kind::list, false, Kind::map},
    {"relationships", Kind::list, false, Kind::map, relationship_shape}};
const Shape* document_shape() { return shape_named<document_rules>("an SPDX document"); }

template <class Visit>
void each_map(const doc::Value& document, std::string_view key, Visit visit) {
  const doc::Value* list = document.find(key);
  if (list == nullptr || !list->is_array()) return;
  for (const doc::Value& item : list->as_array())
    if (item.is_object()) visit(item);
}

const std::string* text_of(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_string() ? &found->as_string() : nullptr;
}

// Identifiers are there once; relationships and LicenseRefs lead to something in the document, or say that
// they leave it (DocumentRef-).
void check_references(const doc::Value& document, Walk& walk) {
  std::set<std::string_view> ids{"SPDXRef-DOCUMENT"};
  for (const std::string_view key : {"packages", "files", "snippets"})
    each_map(document, key, [&](const doc::Value& item) {
      const std::string* id = text_of(item, "SPDXID");
      if (id != nullptr && !ids.insert(*id).second)
        walk.findings.add(item.find("SPDXID")->place,
                          fmt::format("the identifier '{}' is there twice", printable(*id, 80)),
                          "each element has an identifier of its own");
    });
  const auto leads = [&](const doc::Value* value) {
    if (value == nullptr || !value->is_string()) return;
    const std::string& id = value->as_string();
    if (!id.starts_with("DocumentRef-") && id != "NONE" && id != "NOASSERTION" && !ids.contains(id))
      walk.findings.add(value->place, fmt::format("nothing here has the identifier '{}'", printable(id, 80)),
                        "list the package, or drop the relationship");
  };
  each_map(document, "relationships", [&](const doc::Value& item) {
    leads(item.find("spdxElementId"));
    leads(item.find("relatedSpdxElement"));
  });
  if (const doc::Value* list = document.find("documentDescribes"); list != nullptr && list->is_array())
    for (const doc::Value& item : list->as_array()) leads(&item);

  std::set<std::string_view> extracted;
  each_map(document, "hasExtractedLicensingInfos", [&](const doc::Value& item) {
    if (const std::string* id = text_of(item, "licenseId")) extracted.insert(*id);
  });
  each_map(document, "packages", [&](const doc::Value& item) {
    for (const std::string_view key : {"licenseDeclared", "licenseConcluded"}) {
      const std::string* text = text_of(item, key);
      const auto expression = text == nullptr ? std::nullopt : parse_license_expression(*text);
      if (!expression) continue;
      for (const std::string& reference : expression->refs)
        if (!reference.starts_with("DocumentRef-") && !extracted.contains(reference))
          walk.findings.add(item.find(key)->place,
                            fmt::format("the text of '{}' is not here", printable(reference, 80)),
                            "add it under hasExtractedLicensingInfos");
    }
  });
}

}  // namespace

Result<> check_spdx(const doc::Value& document) {
  Walk walk;
  walk.version = 3;
  if (!document.is_object()) {
    walk.findings.add(document.place, fmt::format("an SPDX document is a map, not {}", document.kind_name()));
    return std::move(walk.findings).result();
  }
  check_map(document, *document_shape(), walk);
  check_references(document, walk);
  return std::move(walk.findings).result();
}

}  // namespace tranche::sbom
