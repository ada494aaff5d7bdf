#include "sbom/spdx.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "sbom/cyclonedx.hpp"
#include "sbom/licenses.hpp"
#include "sbom/write.hpp"

namespace tranche::sbom {

namespace {

// "SPDXRef-" and "LicenseRef-" names hold letters, digits, '.' and '-' only. Eight bytes of a digest keep two
// names apart that differ in other characters.
std::string safe_name(std::string_view text, std::string_view unique) {
  std::string name;
  for (const char c : text.substr(0, 64)) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (kept)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  if (name.ends_with('-')) name.pop_back();
  return fmt::format("{}-{}", name, crypto::to_hex(crypto::sha256(unique)).substr(0, 16));
}

std::string full_name(const Component& component) {
  return component.group.empty() ? component.name : component.group + "/" + component.name;
}

std::string id_of(const Component& component) {
  const std::string name = fmt::format("{}-{}", full_name(component), component.version);
  return "SPDXRef-Package-" + safe_name(name, component.bom_ref);
}

// SPDX spells "SHA-256" as "SHA256"; the names of SHA-3 and BLAKE2 have their '-' in both.
std::string algorithm_of(const Hash& hash) {
  return hash.algorithm.starts_with("SHA-") ? "SHA" + hash.algorithm.substr(4) : hash.algorithm;
}

std::string_view purpose_of(std::string_view type) {
  constexpr std::pair<std::string_view, std::string_view> table[] = {
      {"application", "APPLICATION"}, {"library", "LIBRARY"},  {"framework", "FRAMEWORK"},
      {"container", "CONTAINER"},     {"file", "FILE"},        {"operating-system", "OPERATING_SYSTEM"},
      {"device", "DEVICE"},           {"firmware", "FIRMWARE"}};
  for (const auto& [from, to] : table)
    if (from == type) return to;
  return "OTHER";
}

class Writer {
 public:
  Writer(const Catalog& catalog, Instant created, std::string_view tool_version)
      : catalog_(catalog),
        created_(to_text(std::chrono::floor<std::chrono::seconds>(created))),
        tool_(tool_version.empty() ? std::string(our_tool) : fmt::format("{}-{}", our_tool, tool_version)) {}

  std::string write() {
    Component main = catalog_.main;
    if (main.bom_ref.empty()) main.bom_ref = fmt::format("{}@{}", main.name, main.version);
    std::vector<const Component*> sorted{&main};
    for (const Component& component : catalog_.components) sorted.push_back(&component);
    std::ranges::sort(sorted.begin() + 1, sorted.end(), {}, &Component::bom_ref);
    for (const Component* component : sorted) by_reference_.emplace(component->bom_ref, component);

    doc::Value packages = doc::Value::array();
    doc::Value relationships = doc::Value::array();
    relationships.push(relate("SPDXRef-DOCUMENT", "DESCRIBES", id_of(main)));
    for (const Component* component : sorted) {
      packages.push(package_of(*component));
      add_edges(*component, relationships);
    }
    const std::string name = main.version.empty() ? main.name : main.name + "-" + main.version;
    doc::Value about = doc::Value::object();
    about.set("created", created_);
    about.set("creators", doc::Array{tool_});
    about.set("licenseListVersion", "3.29");

    doc::Value document = doc::Value::object({{"spdxVersion", "SPDX-2.3"}, {"dataLicense", "CC0-1.0"}});
    document.set("SPDXID", "SPDXRef-DOCUMENT");
    document.set("name", name.empty() ? std::string("unnamed") : name);
    document.set("documentNamespace", "");
    document.set("creationInfo", std::move(about));
    document.set("packages", std::move(packages));
    document.set("relationships", std::move(relationships));
    if (!other_licenses_.empty()) {
      doc::Value list = doc::Value::array();
      for (const auto& [id, text] : other_licenses_)
        list.push(doc::Value::object({{"licenseId", id}, {"extractedText", text}, {"name", text}}));
      document.set("hasExtractedLicensingInfos", std::move(list));
    }
    document.set("documentNamespace",
                 fmt::format("https://spdx.org/spdxdocs/{}-{}", percent_encode(name.substr(0, 128)),
                             document_uuid(doc::to_json(document))));
    return doc::to_json_pretty(document);
  }

 private:
  static doc::Value relate(std::string from, std::string_view type, std::string to) {
    return doc::Value::object({{"spdxElementId", std::move(from)},
                               {"relationshipType", type},
                               {"relatedSpdxElement", std::move(to)}});
  }

  void add_edges(const Component& component, doc::Value& relationships) const {
    for (const std::string& reference : component.depends_on) {
      const auto found = by_reference_.find(reference);
      if (found == by_reference_.end()) continue;
      const Component& other = *found->second;
      if (other.scope == "optional")
        relationships.push(relate(id_of(other), "OPTIONAL_DEPENDENCY_OF", id_of(component)));
      else if (other.scope == "excluded")
        relationships.push(relate(id_of(other), "DEV_DEPENDENCY_OF", id_of(component)));
      else
        relationships.push(relate(id_of(component), "DEPENDS_ON", id_of(other)));
    }
  }

  std::string license_of(const Component& component) {
    std::string all;
    for (const std::string& license : component.licenses) {
      auto expression = parse_license_expression(license);
      // A LicenseRef in somebody's expression has its text elsewhere: it is a name to us.
      if (!expression || !expression->refs.empty()) {
        expression = LicenseExpression{"LicenseRef-" + safe_name(license, license), {}, false};
        other_licenses_.emplace(expression->text, license);
      }
      const bool several = component.licenses.size() > 1;
      if (!all.empty()) all += " AND ";
      all += several && expression->compound ? "(" + expression->text + ")" : expression->text;
    }
    if (all.empty()) return "NOASSERTION";
    if (parse_license_expression(all)) return all;
    // Longer than an expression may be.
    const std::string id = "LicenseRef-" + safe_name("several", all);
    other_licenses_.emplace(id, join(component.licenses, " AND "));
    return id;
  }

  // What the format has no member for, in CycloneDX's words: the kind of a component, properties, a model's
  // card.
  [[nodiscard]] doc::Value annotations_of(const Component& component) const {
    doc::Value whole = to_cyclonedx_component(component);
    doc::Value kept = doc::Value::object();
    for (doc::Member& member : whole.as_object())
      if ((member.key == "type" && purpose_of(component.type) == "OTHER") || member.key == "modelCard" ||
          member.key == "properties")
        kept.set(member.key, std::move(member.value));
    doc::Value list = doc::Value::array();
    if (!kept.as_object().empty())
      list.push(doc::Value::object({{"annotationDate", created_},
                                    {"annotationType", "OTHER"},
                                    {"annotator", tool_},
                                    {"comment", doc::to_json(kept)}}));
    return list;
  }

  doc::Value package_of(const Component& component) {
    doc::Value package = doc::Value::object({{"SPDXID", id_of(component)}, {"name", full_name(component)}});
    if (!component.version.empty()) package.set("versionInfo", component.version);
    package.set("primaryPackagePurpose", purpose_of(component.type));
    package.set("supplier", component.supplier.empty() ? std::string("NOASSERTION")
                                                       : "Organization: " + component.supplier);
    package.set("downloadLocation", component.download.empty() ? std::string("NOASSERTION")
                                                               : without_credentials(component.download));
    package.set("filesAnalyzed", false);
    if (!component.hashes.empty()) {
      doc::Value list = doc::Value::array();
      for (const Hash& hash : component.hashes)
        list.push(doc::Value::object({{"algorithm", algorithm_of(hash)}, {"checksumValue", hash.hex}}));
      package.set("checksums", std::move(list));
    }
    package.set("licenseConcluded", "NOASSERTION");
    package.set("licenseDeclared", license_of(component));
    package.set("copyrightText", "NOASSERTION");
    if (!component.description.empty()) package.set("description", component.description);
    if (!component.purl.empty())
      package.set("externalRefs", doc::Array{doc::Value::object({{"referenceCategory", "PACKAGE-MANAGER"},
                                                                 {"referenceType", "purl"},
                                                                 {"referenceLocator", component.purl}})});
    if (doc::Value notes = annotations_of(component); !notes.as_array().empty())
      package.set("annotations", std::move(notes));
    return package;
  }

  const Catalog& catalog_;
  std::string created_;
  std::string tool_;
  std::map<std::string_view, const Component*> by_reference_;
  std::map<std::string, std::string> other_licenses_;  // LicenseRef → text
};

}  // namespace

std::string to_spdx(const Catalog& catalog, Instant created, std::string_view tool_version) {
  return Writer(catalog, created, tool_version).write();
}

}  // namespace tranche::sbom
