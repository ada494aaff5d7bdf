// CycloneDX 1.4 to 1.6 (cyclonedx.org/docs/1.6/json and the schemas' own text), as tables.
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

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

void check_date(const doc::Value& value, Walk& walk) {
  if (!parse_instant(value.as_string()))
    walk.findings.add(value.place, fmt::format("'{}' is no date and time", printable(value.as_string(), 64)),
                      "write 2026-11-21T10:45:00Z");
}

void check_purl_text(const doc::Value& value, Walk& walk) {
  if (const auto purl = parse_purl(value.as_string()); !purl)
    walk.findings.add(value.place, purl.error().message, purl.error().hint);
}

// At most 1024 characters since 1.6.
void check_version(const doc::Value& value, Walk& walk) {
  const auto characters = std::ranges::count_if(
      value.as_string(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  if (walk.version >= 6 && characters > 1024)
    walk.findings.add(value.place, "'version' has more than 1024 characters");
}

// "text/plain", in lower case.
void check_mime_type(const doc::Value& value, Walk& walk) {
  const std::string_view text = value.as_string();
  const std::size_t slash = text.find('/');
  const auto fits = [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
    });
  };
  if (slash == text.npos || !fits(text.substr(0, slash)) || !fits(text.substr(slash + 1)))
    walk.findings.add(value.place, fmt::format("'{}' is no media type", printable(text, 80)),
                      "write text/plain, in lower case");
}

// refType: not empty. 1.4 did not say so.
void check_reference(const doc::Value& value, Walk& walk) {
  if (value.as_string().empty() && walk.version >= 5)
    walk.findings.add(value.place, "a bom-ref is empty", "name it, or leave it out");
}

// iri-reference: no blanks, no control characters, none of the bytes that RFC 3987 keeps out.
void check_uri(const doc::Value& value, Walk& walk) {
  const bool fits = std::ranges::all_of(value.as_string(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '\x7f' && !std::string_view("<>\"{}|\\^`").contains(c);
  });
  if (!fits)
    walk.findings.add(value.place, fmt::format("'{}' is no address", printable(value.as_string(), 80)),
                      "encode blanks and brackets as %XX");
}

void check_serial(const doc::Value& value, Walk& walk) {
  const std::string_view text = value.as_string();
  constexpr std::string_view form = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  bool fits = text.size() == form.size();
  for (std::size_t i = 0; fits && i < form.size(); ++i)
    fits = form[i] == 'x' && i > 8 ? is_hex(text.substr(i, 1)) && !(text[i] >= 'A' && text[i] <= 'F')
                                   : text[i] == form[i];
  if (!fits)
    walk.findings.add(value.place, fmt::format("'{}' is no serial number", printable(text, 80)),
                      fmt::format("its form is {}", form));
}

void check_bom_version(const doc::Value& value, Walk& walk) {
  if (value.as_int() < 1 && walk.version >= 5)
    walk.findings.add(value.place, "the version of a BOM counts from 1", "");
}

template <auto& rules>
const Shape* shape_named(std::string_view what) {
  static const Shape shape{what, rules};
  return &shape;
}

// Lists that hold nothing twice.
void check_unique(const doc::Value& list, Walk& walk) {
  std::set<std::string> seen;
  for (const doc::Value& item : list.as_array()) {
    const auto text = doc::canonical_json(item);
    if (text && !seen.insert(*text).second)
      walk.findings.add(item.place, "this stands in the list twice", "");
  }
}

constexpr Choice hash_names[] = {{"MD5"},         {"SHA-1"},       {"SHA-256"},     {"SHA-384"},
                                 {"SHA-512"},     {"SHA3-256"},    {"SHA3-384"},    {"SHA3-512"},
                                 {"BLAKE2b-256"}, {"BLAKE2b-384"}, {"BLAKE2b-512"}, {"BLAKE3"}};

void check_hash_text(const doc::Value& value, Walk& walk) {
  const std::size_t size = value.as_string().size();
  if (!is_hex(value.as_string()) || !(size == 32 || size == 40 || size == 64 || size == 96 || size == 128))
    walk.findings.add(value.place, "this is no digest", "write it in hexadecimal digits, whole");
}

// The digits that a digest of that name has; 0: several are possible.
std::size_t digits_of(std::string_view algorithm) {
  if (algorithm == "MD5") return 32;
  if (algorithm == "SHA-1") return 40;
  if (algorithm.ends_with("256")) return 64;
  if (algorithm.ends_with("384")) return 96;
  return algorithm.ends_with("512") ? 128 : 0;
}

void check_hashes(const doc::Value& list, Walk& walk) {
  for (const doc::Value& item : list.as_array()) {
    const doc::Value* name = item.find("alg");
    const doc::Value* text = item.find("content");
    if (name == nullptr || text == nullptr || !name->is_string() || !text->is_string()) continue;
    const std::size_t digits = digits_of(name->as_string());
    if (digits != 0 && text->as_string().size() != digits)
      walk.findings.add(text->place,
                        fmt::format("a digest by {} has {} digits, not {}", printable(name->as_string(), 20),
                                    digits, text->as_string().size()));
  }
}

constexpr Rule hash_rules[] = {{"alg", Kind::text, needed, {}, {}, hash_names},
                               {"content", Kind::text, needed, {}, {}, {}, check_hash_text}};
const Shape* hash_shape() { return shape_named<hash_rules>("a digest"); }

constexpr Rule property_rules[] = {{"name", Kind::text}, {"value", Kind::text}};
void check_properties(const doc::Value& list, Walk& walk) {
  for (const doc::Value& item : list.as_array())
    if (walk.version >= 6 && item.is_object() && item.find("name") == nullptr)
      walk.findings.add(item.place, "a property has no 'name'", "add 'name'");
}
const Shape* property_shape() {
  static const Shape shape{"a property", property_rules, 6};
  return &shape;
}
constexpr Rule properties{"properties", Kind::list, false, Kind::map, property_shape, {}, check_properties};

constexpr Choice encodings[] = {{"base64"}};
constexpr Rule attachment_rules[] = {{"contentType", Kind::text},
                                     {"encoding", Kind::text, false, {}, {}, encodings},
                                     {"content", Kind::text, needed}};
const Shape* attachment_shape() { return shape_named<attachment_rules>("an attachment"); }

void check_license_id(const doc::Value& value, Walk& walk) {
  const std::string& text = value.as_string();
  if (find_license_id(text) == text || find_exception_id(text) == text) return;
  const std::string_view near = find_license_id(text);
  walk.findings.add(value.place, fmt::format("'{}' is no licence in the list of SPDX", printable(text, 80)),
                    near.empty() ? "give it as 'name'" : fmt::format("did you mean '{}'?", near));
}

constexpr Choice acknowledgements[] = {{"declared"}, {"concluded"}};
constexpr Rule bom_ref{"bom-ref", Kind::text, false, {}, {}, {}, check_reference};
constexpr Rule later_bom_ref{"bom-ref", Kind::text, false, {}, {}, {}, check_reference, 5};

constexpr Rule license_rules[] = {
    {"id", Kind::text, false, {}, {}, {}, check_license_id},
    {"name", Kind::text},
    {"text", Kind::map, false, {}, attachment_shape},
    {"url", Kind::text, false, {}, {}, {}, check_uri},
    later_bom_ref,
    {"licensing", Kind::map, false, {}, {}, {}, {}, 5},
    {"properties", Kind::list, false, Kind::map, property_shape, {}, check_properties, 5},
    {"acknowledgement", Kind::text, false, {}, {}, acknowledgements, {}, 6}};
const Shape* license_shape() { return shape_named<license_rules>("a licence"); }

// "3.2 MIT/X11" in an expression is what makes tools disagree: it must parse, ids and all.
void check_expression(const doc::Value& value, Walk& walk) {
  if (!parse_license_expression(value.as_string()))
    walk.findings.add(
        value.place, fmt::format("'{}' is no expression of SPDX licences", printable(value.as_string(), 120)),
        "give what is no id of SPDX as a licence with 'name'");
}
constexpr Rule choice_rules[] = {{"license", Kind::map, false, {}, license_shape},
                                 {"expression", Kind::text, false, {}, {}, {}, check_expression},
                                 {"acknowledgement", Kind::text, false, {}, {}, acknowledgements, {}, 6},
                                 later_bom_ref};
const Shape* choice_shape() { return shape_named<choice_rules>("a licence choice"); }

void check_licenses(const doc::Value& list, Walk& walk) {
  for (const doc::Value& item : list.as_array()) {
    if (!item.is_object()) continue;
    const doc::Value* license = item.find("license");
    const doc::Value* expression = item.find("expression");
    if ((license == nullptr) == (expression == nullptr))
      walk.findings.add(item.place, "a licence choice has one of 'license' and 'expression'", "");
    if (expression != nullptr && list.as_array().size() > 1 && walk.version >= 5)
      walk.findings.add(item.place, "a licence expression stands alone in its list", "join them with AND");
    if (license != nullptr && expression == nullptr && item.as_object().size() > 1)
      walk.findings.add(item.place, "beside 'license' nothing else may stand", "put it into 'license'");
    if (license == nullptr || !license->is_object()) continue;
    if ((license->find("id") == nullptr) == (license->find("name") == nullptr))
      walk.findings.add(license->place, "a licence has one of 'id' and 'name'", "");
  }
}
constexpr Rule licenses{"licenses", Kind::list, false, Kind::map, choice_shape, {}, check_licenses};

constexpr Choice reference_types[] = {{"vcs"},
                                      {"issue-tracker"},
                                      {"website"},
                                      {"advisories"},
                                      {"bom"},
                                      {"mailing-list"},
                                      {"social"},
                                      {"chat"},
                                      {"documentation"},
                                      {"support"},
                                      {"source-distribution", 6},
                                      {"distribution"},
                                      {"distribution-intake", 5},
                                      {"license"},
                                      {"build-meta"},
                                      {"build-system"},
                                      {"release-notes"},
                                      {"security-contact", 5},
                                      {"model-card", 5},
                                      {"log", 5},
                                      {"configuration", 5},
                                      {"evidence", 5},
                                      {"formulation", 5},
                                      {"attestation", 5},
                                      {"threat-model", 5},
                                      {"adversary-model", 5},
                                      {"risk-assessment", 5},
                                      {"vulnerability-assertion", 5},
                                      {"exploitability-statement", 5},
                                      {"pentest-report", 5},
                                      {"static-analysis-report", 5},
                                      {"dynamic-analysis-report", 5},
                                      {"runtime-analysis-report", 5},
                                      {"component-analysis-report", 5},
                                      {"maturity-report", 5},
                                      {"certification-report", 5},
                                      {"codified-infrastructure", 5},
                                      {"quality-metrics", 5},
                                      {"poam", 5},
                                      {"electronic-signature", 6},
                                      {"digital-signature", 6},
                                      {"rfc-9116", 6},
                                      {"other"}};
constexpr Rule reference_rules[] = {{"url", Kind::text, needed, {}, {}, {}, check_uri},
                                    {"comment", Kind::text},
                                    {"type", Kind::text, needed, {}, {}, reference_types},
                                    {"hashes", Kind::list, false, Kind::map, hash_shape, {}, check_hashes}};
const Shape* reference_shape() { return shape_named<reference_rules>("an external reference"); }
constexpr Rule references{"externalReferences", Kind::list, false, Kind::map, reference_shape};

constexpr Rule contact_rules[] = {
    later_bom_ref, {"name", Kind::text}, {"email", Kind::text}, {"phone", Kind::text}};
const Shape* contact_shape() { return shape_named<contact_rules>("a contact"); }
constexpr Rule entity_rules[] = {later_bom_ref,
                                 {"name", Kind::text},
                                 {"address", Kind::map, false, {}, {}, {}, {}, 6},
                                 {"url", Kind::list, false, Kind::text},
                                 {"contact", Kind::list, false, Kind::map, contact_shape}};
const Shape* entity_shape() { return shape_named<entity_rules>("an organization"); }

constexpr Rule swid_rules[] = {{"tagId", Kind::text, needed},
                               {"name", Kind::text, needed},
                               {"version", Kind::text},
                               {"tagVersion", Kind::integer},
                               {"patch", Kind::boolean},
                               {"text", Kind::map, false, {}, attachment_shape},
                               {"url", Kind::text, false, {}, {}, {}, check_uri}};
const Shape* swid_shape() { return shape_named<swid_rules>("a SWID tag"); }

constexpr Choice approaches[] = {
    {"supervised"}, {"unsupervised"}, {"reinforcement-learning"}, {"semi-supervised"}, {"self-supervised"}};
constexpr Rule approach_rules[] = {{"type", Kind::text, false, {}, {}, approaches}};
const Shape* approach_shape() { return shape_named<approach_rules>("an approach"); }
constexpr Rule parameter_rules[] = {{"approach", Kind::map, false, {}, approach_shape},
                                    {"task", Kind::text},
                                    {"architectureFamily", Kind::text},
                                    {"modelArchitecture", Kind::text},
                                    {"datasets", Kind::list, false, Kind::map},
                                    {"inputs", Kind::list, false, Kind::map},
                                    {"outputs", Kind::list, false, Kind::map}};
const Shape* parameter_shape() { return shape_named<parameter_rules>("the parameters of a model"); }
constexpr Rule card_rules[] = {bom_ref,
                               {"modelParameters", Kind::map, false, {}, parameter_shape},
                               {"quantitativeAnalysis", Kind::map},
                               {"considerations", Kind::map},
                               properties};
const Shape* card_shape() { return shape_named<card_rules>("a model card"); }

constexpr Choice component_types[] = {{"application"},
                                      {"framework"},
                                      {"library"},
                                      {"container"},
                                      {"platform", 5},
                                      {"operating-system"},
                                      {"device"},
                                      {"device-driver", 5},
                                      {"firmware"},
                                      {"file"},
                                      {"machine-learning-model", 5},
                                      {"data", 5},
                                      {"cryptographic-asset", 6}};
constexpr Choice scopes[] = {{"required"}, {"optional"}, {"excluded"}};
const Shape* component_shape();
constexpr Rule component_rules[] = {
    {"type", Kind::text, needed, {}, {}, component_types},
    {"mime-type", Kind::text, false, {}, {}, {}, check_mime_type},
    bom_ref,
    {"supplier", Kind::map, false, {}, entity_shape},
    {"manufacturer", Kind::map, false, {}, entity_shape, {}, {}, 6},
    {"authors", Kind::list, false, Kind::map, contact_shape, {}, {}, 6},
    {"author", Kind::text},
    {"publisher", Kind::text},
    {"group", Kind::text},
    {"name", Kind::text, needed},
    {"version", Kind::text, false, {}, {}, {}, check_version},
    {"description", Kind::text},
    {"scope", Kind::text, false, {}, {}, scopes},
    {"hashes", Kind::list, false, Kind::map, hash_shape, {}, check_hashes},
    licenses,
    {"copyright", Kind::text},
    {"cpe", Kind::text},
    {"purl", Kind::text, false, {}, {}, {}, check_purl_text},
    {"omniborId", Kind::list, false, Kind::text, {}, {}, {}, 6},
    {"swhid", Kind::list, false, Kind::text, {}, {}, {}, 6},
    {"swid", Kind::map, false, {}, swid_shape},
    {"modified", Kind::boolean},
    {"pedigree", Kind::map},
    references,
    {"components", Kind::list, false, Kind::map, component_shape, {}, check_unique},
    {"evidence", Kind::map},
    {"releaseNotes", Kind::map},
    {"modelCard", Kind::map, false, {}, card_shape, {}, {}, 5},
    {"data", Kind::list, false, Kind::map, {}, {}, {}, 5},
    {"cryptoProperties", Kind::map, false, {}, {}, {}, {}, 6},
    properties,
    {"tags", Kind::list, false, Kind::text, {}, {}, {}, 6},
    {"signature", Kind::map}};
const Shape* component_shape() { return shape_named<component_rules>("a component"); }

constexpr Rule tool_rules[] = {{"vendor", Kind::text},
                               {"name", Kind::text},
                               {"version", Kind::text, false, {}, {}, {}, check_version},
                               {"hashes", Kind::list, false, Kind::map, hash_shape, {}, check_hashes},
                               references};
const Shape* tool_shape() { return shape_named<tool_rules>("a tool"); }
constexpr Rule tool_list_rules[] = {{"tools", Kind::list, false, Kind::map, tool_shape}};
constexpr Rule tool_map_rules[] = {
    {"components", Kind::list, false, Kind::map, component_shape, {}, check_unique},
    {"services", Kind::list, false, Kind::map}};
const Shape* tool_map_shape() { return shape_named<tool_map_rules>("the tools"); }

// A list of tools; since 1.5 also a map of components and services.
void check_tools(const doc::Value& value, Walk& walk) {
  if (value.is_object() && walk.version >= 5) return check_map(value, *tool_map_shape(), walk);
  if (!value.is_array()) {
    walk.findings.add(value.place, fmt::format("'tools' is {}, not a list", value.kind_name()));
    return;
  }
  static const Shape as_list{"the tools", tool_list_rules};
  check_map(doc::Value::object({{"tools", value}}), as_list, walk);
}

constexpr Rule metadata_rules[] = {{"timestamp", Kind::text, false, {}, {}, {}, check_date},
                                   {"lifecycles", Kind::list, false, Kind::map, {}, {}, {}, 5},
                                   {"tools", Kind::any, false, {}, {}, {}, check_tools},
                                   {"authors", Kind::list, false, Kind::map, contact_shape},
                                   {"component", Kind::map, false, {}, component_shape},
                                   {"manufacturer", Kind::map, false, {}, entity_shape, {}, {}, 6},
                                   {"manufacture", Kind::map, false, {}, entity_shape},
                                   {"supplier", Kind::map, false, {}, entity_shape},
                                   licenses,
                                   properties};
const Shape* metadata_shape() { return shape_named<metadata_rules>("the metadata"); }

constexpr Rule dependency_rules[] = {{"ref", Kind::text, needed, {}, {}, {}, check_reference},
                                     {"dependsOn", Kind::list, false, Kind::text, {}, {}, check_unique},
                                     {"provides", Kind::list, false, Kind::text, {}, {}, check_unique, 6}};
const Shape* dependency_shape() { return shape_named<dependency_rules>("a dependency"); }

const Shape* service_shape();
constexpr Rule service_rules[] = {bom_ref,
                                  {"provider", Kind::map, false, {}, entity_shape},
                                  {"group", Kind::text},
                                  {"name", Kind::text, needed},
                                  {"version", Kind::text, false, {}, {}, {}, check_version},
                                  {"description", Kind::text},
                                  {"endpoints", Kind::list, false, Kind::text},
                                  {"authenticated", Kind::boolean},
                                  {"x-trust-boundary", Kind::boolean},
                                  {"trustZone", Kind::text, false, {}, {}, {}, {}, 5},
                                  {"data", Kind::list, false, Kind::map},
                                  licenses,
                                  references,
                                  {"services", Kind::list, false, Kind::map, service_shape, {}, check_unique},
                                  {"releaseNotes", Kind::map},
                                  properties,
                                  {"tags", Kind::list, false, Kind::text, {}, {}, {}, 6},
                                  {"signature", Kind::map}};
const Shape* service_shape() { return shape_named<service_rules>("a service"); }

constexpr Choice format_names[] = {{"CycloneDX"}};
constexpr Rule bom_rules[] = {
    {"$schema", Kind::text},
    {"bomFormat", Kind::text, needed, {}, {}, format_names},
    {"specVersion", Kind::text, needed},
    {"serialNumber", Kind::text, false, {}, {}, {}, check_serial},
    {"version", Kind::integer, false, {}, {}, {}, check_bom_version},
    {"metadata", Kind::map, false, {}, metadata_shape},
    {"components", Kind::list, false, Kind::map, component_shape, {}, check_unique},
    {"services", Kind::list, false, Kind::map, service_shape, {}, check_unique},
    references,
    {"dependencies", Kind::list, false, Kind::map, dependency_shape, {}, check_unique},
    {"compositions", Kind::list, false, Kind::map},
    {"vulnerabilities", Kind::list, false, Kind::map, {}, {}, check_unique},
    {"annotations", Kind::list, false, Kind::map, {}, {}, {}, 5},
    {"formulation", Kind::list, false, Kind::map, {}, {}, {}, 5},
    {"declarations", Kind::map, false, {}, {}, {}, {}, 6},
    {"definitions", Kind::map, false, {}, {}, {}, {}, 6},
    {"properties", Kind::list, false, Kind::map, property_shape, {}, check_properties, 5},
    {"signature", Kind::map}};
const Shape* bom_shape() { return shape_named<bom_rules>("a BOM"); }

// All bom-refs of the document, wherever they stand. The depth of the document bounds the recursion.
void collect_references(const doc::Value& value, std::set<std::string_view>& seen, Walk& walk) {
  if (value.is_array())
    for (const doc::Value& item : value.as_array()) collect_references(item, seen, walk);
  if (!value.is_object()) return;
  for (const doc::Member& member : value.as_object()) {
    if (member.key != "bom-ref" || !member.value.is_string())
      collect_references(member.value, seen, walk);
    else if (!seen.insert(member.value.as_string()).second)
      walk.findings.add(
          member.value.place,
          fmt::format("the bom-ref '{}' is there twice", printable(member.value.as_string(), 80)),
          "each component has a name of its own");
  }
}

void check_edges(const doc::Value& bom, const std::set<std::string_view>& seen, Walk& walk) {
  const doc::Value* list = bom.find("dependencies");
  if (list == nullptr || !list->is_array()) return;
  const auto look = [&](const doc::Value& value) {
    if (value.is_string() && !seen.contains(value.as_string()))
      walk.findings.add(value.place,
                        fmt::format("nothing here has the bom-ref '{}'", printable(value.as_string(), 80)),
                        "list the component, or drop the dependency");
  };
  for (const doc::Value& item : list->as_array()) {
    if (const doc::Value* reference = item.find("ref")) look(*reference);
    for (const std::string_view key : {"dependsOn", "provides"})
      if (const doc::Value* others = item.find(key); others != nullptr && others->is_array())
        for (const doc::Value& other : others->as_array()) look(other);
  }
}

}  // namespace

Result<> check_cyclonedx(const doc::Value& bom, int minor) {
  Walk walk;
  walk.version = minor;
  if (!bom.is_object()) {
    walk.findings.add(bom.place, fmt::format("a BOM is a map, not {}", bom.kind_name()));
    return std::move(walk.findings).result();
  }
  check_map(bom, *bom_shape(), walk);
  std::set<std::string_view> seen;
  collect_references(bom, seen, walk);
  check_edges(bom, seen, walk);
  return std::move(walk.findings).result();
}

}  // namespace tranche::sbom
