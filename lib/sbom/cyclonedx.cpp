#include "sbom/cyclonedx.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "sbom/licenses.hpp"
#include "sbom/write.hpp"

namespace tranche::sbom {

namespace {

doc::Value properties_of(const std::vector<std::pair<std::string, std::string>>& properties) {
  doc::Value list = doc::Value::array();
  for (const auto& [name, value] : properties)
    list.push(doc::Value::object({{"name", name}, {"value", value}}));
  return list;
}

doc::Value card_of(const ModelCard& model) {
  doc::Value parameters = doc::Value::object();
  if (!model.task.empty()) parameters.set("task", model.task);
  if (!model.architecture_family.empty()) parameters.set("architectureFamily", model.architecture_family);
  if (!model.architecture.empty()) parameters.set("modelArchitecture", model.architecture);
  doc::Value card = doc::Value::object();
  if (!parameters.as_object().empty()) card.set("modelParameters", std::move(parameters));
  if (!model.properties.empty()) card.set("properties", properties_of(model.properties));
  return card;
}

// Addresses with other bytes than a URI has are encoded; "%2F" is an escape already. Of '#' the first one
// begins the fragment; brackets stand only around an IPv6 host.
std::string uri_of(std::string_view text) {
  constexpr std::string_view kept = "-._~:/?@!$&'()*+,;=";
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  const std::size_t fragment = text.find('#');
  const std::size_t scheme = text.find("://");
  const std::size_t host_end =
      scheme == text.npos ? 0 : std::min(text.find_first_of("/?#", scheme + 3), text.size());
  std::string uri;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool escape = c == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]);
    const bool bracket = (c == '[' || c == ']') && i < host_end;
    if (letter || kept.contains(c) || escape || bracket || i == fragment)
      uri += c;
    else
      uri += percent_encode(std::string_view(&c, 1));
  }
  return uri;
}

// CycloneDX takes one expression alone, or a list of ids and names.
doc::Value licenses_of(const Component& component) {
  doc::Value list = doc::Value::array();
  for (const std::string& license : component.licenses) {
    const std::string_view id = find_license_id(license);
    if (id.empty() && component.licenses.size() == 1) {
      if (const auto expression = parse_license_expression(license)) {
        list.push(doc::Value::object({{"expression", expression->text}}));
        return list;
      }
    }
    doc::Value value = doc::Value::object();
    value.set(id.empty() ? "name" : "id", id.empty() ? std::string_view(license) : id);
    list.push(doc::Value::object({{"license", std::move(value)}}));
  }
  return list;
}

doc::Value edges_of(const Component& component) {
  doc::Value value = doc::Value::object({{"ref", component.bom_ref}});
  if (component.depends_on.empty()) return value;
  doc::Value list = doc::Value::array();
  for (const std::string& other : component.depends_on) list.push(other);
  value.set("dependsOn", std::move(list));
  return value;
}

}  // namespace

doc::Value to_cyclonedx_component(const Component& component) {
  doc::Value value = doc::Value::object();
  value.set("type", component.type);
  value.set("bom-ref", component.bom_ref);
  if (!component.supplier.empty()) value.set("supplier", doc::Value::object({{"name", component.supplier}}));
  if (!component.group.empty()) value.set("group", component.group);
  value.set("name", component.name);
  if (!component.version.empty()) value.set("version", component.version);
  if (!component.description.empty()) value.set("description", component.description);
  if (!component.scope.empty()) value.set("scope", component.scope);
  if (!component.hashes.empty()) {
    doc::Value hashes = doc::Value::array();
    for (const Hash& hash : component.hashes)
      hashes.push(doc::Value::object({{"alg", hash.algorithm}, {"content", hash.hex}}));
    value.set("hashes", std::move(hashes));
  }
  if (!component.licenses.empty()) value.set("licenses", licenses_of(component));
  if (!component.purl.empty()) value.set("purl", component.purl);
  if (!component.download.empty()) {
    const bool vcs = component.download.starts_with("git") || component.download.starts_with("ssh");
    value.set("externalReferences",
              doc::Array{doc::Value::object({{"type", vcs ? "vcs" : "distribution"},
                                             {"url", uri_of(without_credentials(component.download))}})});
  }
  if (component.model) value.set("modelCard", card_of(*component.model));
  if (!component.properties.empty()) value.set("properties", properties_of(component.properties));
  return value;
}

std::string to_cyclonedx(const Catalog& catalog, Instant created, std::string_view tool_version,
                         std::string_view spec_version) {
  Component main = catalog.main;
  if (main.bom_ref.empty()) main.bom_ref = fmt::format("{}@{}", main.name, main.version);
  std::vector<const Component*> sorted;
  for (const Component& component : catalog.components) sorted.push_back(&component);
  std::ranges::sort(sorted, {}, &Component::bom_ref);

  doc::Value components = doc::Value::array();
  doc::Value dependencies = doc::Value::array();
  dependencies.push(edges_of(main));
  for (const Component* component : sorted) {
    components.push(to_cyclonedx_component(*component));
    dependencies.push(edges_of(*component));
  }
  doc::Value tool = doc::Value::object({{"type", "application"}, {"name", "tranche"}});
  if (!tool_version.empty()) tool.set("version", tool_version);
  doc::Value tools = doc::Value::object({{"components", doc::Array{std::move(tool)}}});
  doc::Value metadata = doc::Value::object({{"timestamp", to_text(created)}, {"tools", std::move(tools)}});
  metadata.set("component", to_cyclonedx_component(main));

  doc::Value bom = doc::Value::object({{"bomFormat", "CycloneDX"}, {"specVersion", spec_version}});
  bom.set("serialNumber", "");
  bom.set("version", 1);
  bom.set("metadata", std::move(metadata));
  bom.set("components", std::move(components));
  bom.set("dependencies", std::move(dependencies));
  bom.set("serialNumber", "urn:uuid:" + document_uuid(doc::to_json(bom)));
  return doc::to_json_pretty(bom);
}

}  // namespace tranche::sbom
