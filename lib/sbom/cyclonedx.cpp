#include "sbom/cyclonedx.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"

namespace tranche::sbom {

namespace {

// One SPDX license id: letters, digits, '.', '-', '+'. An expression has blanks and operators besides.
bool is_simple_id(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '+';
  });
}

bool is_expression(std::string_view text) {
  const bool operators =
      text.find(" OR ") != text.npos || text.find(" AND ") != text.npos || text.find(" WITH ") != text.npos;
  return operators && std::ranges::all_of(text, [](char c) {
           return is_simple_id(std::string_view(&c, 1)) || c == ' ' || c == '(' || c == ')' || c == ':';
         });
}

// The ids of the SPDX list that npm packages use most; the schema refuses ids that it does not know, so all
// others are written as names.
constexpr std::array known_ids{std::string_view("0BSD"),
                               std::string_view("Apache-2.0"),
                               std::string_view("Artistic-2.0"),
                               std::string_view("BSD-2-Clause"),
                               std::string_view("BSD-3-Clause"),
                               std::string_view("BlueOak-1.0.0"),
                               std::string_view("CC-BY-3.0"),
                               std::string_view("CC-BY-4.0"),
                               std::string_view("CC0-1.0"),
                               std::string_view("GPL-2.0-only"),
                               std::string_view("GPL-2.0-or-later"),
                               std::string_view("GPL-3.0-only"),
                               std::string_view("GPL-3.0-or-later"),
                               std::string_view("ISC"),
                               std::string_view("LGPL-2.1-only"),
                               std::string_view("LGPL-3.0-or-later"),
                               std::string_view("MIT"),
                               std::string_view("MIT-0"),
                               std::string_view("MPL-2.0"),
                               std::string_view("Python-2.0"),
                               std::string_view("Unlicense"),
                               std::string_view("WTFPL"),
                               std::string_view("Zlib")};

// CycloneDX takes one expression alone, or a list of ids and names.
doc::Value licenses_of(const Component& component) {
  doc::Value list = doc::Value::array();
  if (component.licenses.size() == 1 && is_expression(component.licenses[0])) {
    list.push(doc::Value::object({{"expression", component.licenses[0]}}));
    return list;
  }
  for (const std::string& license : component.licenses)
    list.push(doc::Value::object(
        {{"license",
          doc::Value::object(
              {{std::ranges::find(known_ids, license) != known_ids.end() ? "id" : "name", license}})}}));
  return list;
}

doc::Value to_value(const Component& component) {
  doc::Value value = doc::Value::object();
  value.set("type", component.type);
  value.set("bom-ref", component.bom_ref);
  if (!component.group.empty()) value.set("group", component.group);
  value.set("name", component.name);
  if (!component.version.empty()) value.set("version", component.version);
  if (!component.scope.empty()) value.set("scope", component.scope);
  if (!component.hashes.empty()) {
    doc::Value hashes = doc::Value::array();
    for (const Hash& hash : component.hashes)
      hashes.push(doc::Value::object({{"alg", hash.algorithm}, {"content", hash.hex}}));
    value.set("hashes", std::move(hashes));
  }
  if (!component.licenses.empty()) value.set("licenses", licenses_of(component));
  if (!component.purl.empty()) value.set("purl", component.purl);
  return value;
}

doc::Value edges_of(const Component& component) {
  doc::Value value = doc::Value::object({{"ref", component.bom_ref}});
  if (component.depends_on.empty()) return value;
  doc::Value list = doc::Value::array();
  for (const std::string& other : component.depends_on) list.push(other);
  value.set("dependsOn", std::move(list));
  return value;
}

// RFC 9562 section 5.8: 122 bits of our own, version 8, variant 10.
std::string uuid_of(std::string_view text) {
  crypto::Sha256Digest digest = crypto::sha256(text);
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x80);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  const std::string hex = crypto::to_hex(digest);
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

}  // namespace

std::string to_cyclonedx(const Catalog& catalog, Instant created, std::string_view tool_version) {
  Component main = catalog.main;
  if (main.bom_ref.empty()) main.bom_ref = fmt::format("{}@{}", main.name, main.version);
  std::vector<const Component*> sorted;
  for (const Component& component : catalog.components) sorted.push_back(&component);
  std::ranges::sort(sorted, {}, &Component::bom_ref);

  doc::Value components = doc::Value::array();
  doc::Value dependencies = doc::Value::array();
  dependencies.push(edges_of(main));
  for (const Component* component : sorted) {
    components.push(to_value(*component));
    dependencies.push(edges_of(*component));
  }
  doc::Value tool = doc::Value::object({{"type", "application"}, {"name", "tranche"}});
  if (!tool_version.empty()) tool.set("version", tool_version);
  doc::Value tools = doc::Value::object({{"components", doc::Array{std::move(tool)}}});
  doc::Value metadata = doc::Value::object({{"timestamp", to_text(created)}, {"tools", std::move(tools)}});
  metadata.set("component", to_value(main));

  doc::Value bom = doc::Value::object({{"bomFormat", "CycloneDX"}, {"specVersion", "1.6"}});
  bom.set("serialNumber", "");
  bom.set("version", 1);
  bom.set("metadata", std::move(metadata));
  bom.set("components", std::move(components));
  bom.set("dependencies", std::move(dependencies));
  bom.set("serialNumber", "urn:uuid:" + uuid_of(doc::to_json(bom)));
  return doc::to_json_pretty(bom);
}

}  // namespace tranche::sbom
