#include "sbom/read.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "doc/value.hpp"
#include "sbom/check.hpp"
#include "sbom/purl.hpp"
#include "sbom/spdx.hpp"

namespace tranche::sbom {

namespace {

constexpr doc::Limits bom_limits{.max_bytes = max_bom_bytes, .max_depth = 64, .max_nodes = 5'000'000};

// The document is checked: members that are there have their kind.
std::string text_of(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

const doc::Array& list_of(const doc::Value& value, std::string_view key) {
  static const doc::Array none;
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_array() ? found->as_array() : none;
}

void sort_unique(std::vector<std::string>& list) {
  std::ranges::sort(list);
  list.erase(std::ranges::unique(list).begin(), list.end());
}

std::unexpected<Error> too_many(const std::string& file) {
  return fail_hint(ErrorKind::invalid, "split it by application", "{} has more than {} components",
                   printable(file), max_components);
}

class CycloneDx {
 public:
  explicit CycloneDx(const std::string& file) : file_(file) {}

  Result<Bom> read(const doc::Value& value) {
    const std::string version = text_of(value, "specVersion");
    if (version != "1.4" && version != "1.5" && version != "1.6")
      return fail_hint(ErrorKind::invalid, "make it as 1.6; 1.4, 1.5 and 1.6 are read",
                       "{} is CycloneDX '{}'", printable(file_), printable(version, 20));
    TRY(check_cyclonedx(value, version[2] - '0'));
    bom_.format = "cyclonedx-" + version;
    if (const doc::Value* metadata = value.find("metadata")) {
      if (auto created = parse_instant(text_of(*metadata, "timestamp"))) bom_.created = *created;
      if (const doc::Value* main = metadata->find("component")) {
        bom_.catalog.main = component_of(*main);
        TRY(read_components(list_of(*main, "components")));
      }
    }
    TRY(read_components(list_of(value, "components")));
    name_the_nameless();
    read_edges(list_of(value, "dependencies"));
    return std::move(bom_);
  }

  // "properties" and "modelCard".
  static void add_properties(const doc::Value& value, Component& component) {
    for (const doc::Value& property : list_of(value, "properties"))
      component.properties.emplace_back(text_of(property, "name"), text_of(property, "value"));
    std::ranges::sort(component.properties);
    if (const doc::Value* card = value.find("modelCard")) component.model = model_of(*card);
  }

 private:
  // Components in components stand beside them: the depth of the document bounds the recursion.
  Result<> read_components(const doc::Array& list) {
    for (const doc::Value& value : list) {
      if (bom_.catalog.components.size() >= max_components) return too_many(file_);
      Component component = component_of(value);
      bom_.catalog.components.push_back(std::move(component));
      TRY(read_components(list_of(value, "components")));
    }
    return {};
  }

  // Components without a bom-ref get one that nobody has.
  void name_the_nameless() {
    std::set<std::string> taken{bom_.catalog.main.bom_ref};
    for (const Component& component : bom_.catalog.components) taken.insert(component.bom_ref);
    std::size_t number = 0;
    for (Component& component : bom_.catalog.components) {
      ++number;
      if (!component.bom_ref.empty()) continue;
      component.bom_ref = fmt::format("#{}", number);
      while (!taken.insert(component.bom_ref).second) component.bom_ref.insert(0, "#");
    }
  }

  static Component component_of(const doc::Value& value) {
    Component component;
    component.type = text_of(value, "type");
    component.group = text_of(value, "group");
    component.name = text_of(value, "name");
    component.version = text_of(value, "version");
    component.purl = text_of(value, "purl");
    component.scope = text_of(value, "scope");
    if (component.scope == "required") component.scope.clear();
    component.bom_ref = text_of(value, "bom-ref");
    component.description = text_of(value, "description");
    if (const doc::Value* supplier = value.find("supplier")) component.supplier = text_of(*supplier, "name");
    for (const doc::Value& hash : list_of(value, "hashes"))
      component.hashes.push_back({text_of(hash, "alg"), lower(text_of(hash, "content"))});
    for (const doc::Value& choice : list_of(value, "licenses")) {
      std::string text = text_of(choice, "expression");
      if (const doc::Value* license = choice.find("license")) {
        text = text_of(*license, "id");
        if (text.empty()) text = text_of(*license, "name");
      }
      component.licenses.push_back(std::move(text));
    }
    for (const doc::Value& reference : list_of(value, "externalReferences")) {
      const std::string type = text_of(reference, "type");
      if (component.download.empty() && (type == "distribution" || type == "vcs"))
        component.download = text_of(reference, "url");
    }
    add_properties(value, component);
    return component;
  }

  static ModelCard model_of(const doc::Value& card) {
    ModelCard model;
    if (const doc::Value* parameters = card.find("modelParameters")) {
      model.task = text_of(*parameters, "task");
      model.architecture_family = text_of(*parameters, "architectureFamily");
      model.architecture = text_of(*parameters, "modelArchitecture");
    }
    for (const doc::Value& property : list_of(card, "properties"))
      model.properties.emplace_back(text_of(property, "name"), text_of(property, "value"));
    std::ranges::sort(model.properties);
    return model;
  }

  void read_edges(const doc::Array& list) {
    std::map<std::string, Component*> by_reference;
    for (Component& component : bom_.catalog.components) by_reference.emplace(component.bom_ref, &component);
    if (!bom_.catalog.main.bom_ref.empty())
      by_reference.emplace(bom_.catalog.main.bom_ref, &bom_.catalog.main);
    for (const doc::Value& item : list) {
      const auto from = by_reference.find(text_of(item, "ref"));
      if (from == by_reference.end()) continue;  // of a service
      for (const doc::Value& other : list_of(item, "dependsOn"))
        if (by_reference.contains(other.as_string())) from->second->depends_on.push_back(other.as_string());
      sort_unique(from->second->depends_on);
    }
  }

  const std::string& file_;
  Bom bom_;
};

class Spdx {
 public:
  explicit Spdx(const std::string& file) : file_(file) {}

  Result<Bom> read(const doc::Value& value) {
    if (const std::string version = text_of(value, "spdxVersion"); version != "SPDX-2.3")
      return fail_hint(ErrorKind::invalid, "make it as 2.3", "{} is '{}', and SPDX-2.3 is read",
                       printable(file_), printable(version, 20));
    TRY(check_spdx(value));
    bom_.format = "spdx-2.3";
    if (auto created = parse_instant(text_of(*value.find("creationInfo"), "created")))
      bom_.created = *created;
    for (const doc::Value& license : list_of(value, "hasExtractedLicensingInfos")) {
      const std::string name = text_of(license, "name");
      names_.emplace(text_of(license, "licenseId"), name.empty() ? text_of(license, "licenseId") : name);
    }
    const std::string main = main_of(value);
    for (const doc::Value& package : list_of(value, "packages")) {
      if (text_of(package, "SPDXID") == main) {
        bom_.catalog.main = component_of(package);
        continue;
      }
      if (bom_.catalog.components.size() >= max_components) return too_many(file_);
      bom_.catalog.components.push_back(component_of(package));
    }
    read_edges(list_of(value, "relationships"));
    return std::move(bom_);
  }

 private:
  // What the document describes; when that are several, they are components like the others.
  static std::string main_of(const doc::Value& value) {
    std::vector<std::string> described;
    for (const doc::Value& item : list_of(value, "documentDescribes")) described.push_back(item.as_string());
    for (const doc::Value& item : list_of(value, "relationships")) {
      const std::string type = text_of(item, "relationshipType");
      if (type == "DESCRIBES" && text_of(item, "spdxElementId") == "SPDXRef-DOCUMENT")
        described.push_back(text_of(item, "relatedSpdxElement"));
      if (type == "DESCRIBED_BY" && text_of(item, "relatedSpdxElement") == "SPDXRef-DOCUMENT")
        described.push_back(text_of(item, "spdxElementId"));
    }
    sort_unique(described);
    return described.size() == 1 ? described.front() : std::string();
  }

  static std::string type_of(const std::string& purpose) {
    if (purpose.empty() || purpose == "OTHER" || purpose == "INSTALL" || purpose == "ARCHIVE" ||
        purpose == "SOURCE")
      return "library";
    return purpose == "OPERATING_SYSTEM" ? "operating-system" : lower(purpose);
  }

  // "SHA256" is CycloneDX's "SHA-256"; SHA-3 and BLAKE2 are spelled the same.
  static std::string algorithm_of(const std::string& name) {
    return name.starts_with("SHA") && !name.starts_with("SHA3-") ? "SHA-" + name.substr(3) : name;
  }

  Component component_of(const doc::Value& package) const {
    Component component;
    component.bom_ref = text_of(package, "SPDXID");
    component.name = text_of(package, "name");
    component.version = text_of(package, "versionInfo");
    component.type = type_of(text_of(package, "primaryPackagePurpose"));
    component.description = text_of(package, "description");
    for (const std::string_view kind : {"Organization: ", "Person: "})
      if (const std::string supplier = text_of(package, "supplier"); supplier.starts_with(kind))
        component.supplier = supplier.substr(kind.size());
    if (const std::string download = text_of(package, "downloadLocation");
        download != "NOASSERTION" && download != "NONE")
      component.download = download;
    for (const doc::Value& reference : list_of(package, "externalRefs"))
      if (component.purl.empty() && text_of(reference, "referenceType") == "purl")
        component.purl = text_of(reference, "referenceLocator");
    for (const doc::Value& hash : list_of(package, "checksums"))
      component.hashes.push_back(
          {algorithm_of(text_of(hash, "algorithm")), lower(text_of(hash, "checksumValue"))});
    if (!component.purl.empty())
      if (const auto purl = parse_purl(component.purl); purl && !purl->name_space.empty())
        if (component.name == purl->name_space + "/" + purl->name) {
          component.group = purl->name_space;
          component.name = purl->name;
        }
    for (const doc::Value& note : list_of(package, "annotations")) {
      if (!text_of(note, "annotator").starts_with(our_tool)) continue;
      // One that is not ours after all says nothing.
      const auto kept = doc::parse_json(text_of(note, "comment"), file_, bom_limits);
      if (!kept || !kept->is_object()) continue;
      if (const std::string type = text_of(*kept, "type"); !type.empty()) component.type = type;
      CycloneDx::add_properties(*kept, component);
    }
    std::string license = text_of(package, "licenseDeclared");
    if (license.empty() || license == "NOASSERTION") license = text_of(package, "licenseConcluded");
    if (!license.empty() && license != "NOASSERTION" && license != "NONE") {
      const auto name = names_.find(license);  // one LicenseRef alone: the name that it stands for
      component.licenses.push_back(name == names_.end() ? license : name->second);
    }
    return component;
  }

  // An edge of another kind is left out: it is about files, or builds, or no dependency.
  void read_edges(const doc::Array& list) {
    std::map<std::string, Component*> by_id{{bom_.catalog.main.bom_ref, &bom_.catalog.main}};
    for (Component& component : bom_.catalog.components) by_id.emplace(component.bom_ref, &component);
    std::map<std::string, int> strength;  // how much the dependents need it
    for (const doc::Value& item : list) {
      const std::string type = text_of(item, "relationshipType");
      std::string from = text_of(item, "spdxElementId");
      std::string to = text_of(item, "relatedSpdxElement");
      int needs = 2;
      if (type == "OPTIONAL_DEPENDENCY_OF")
        needs = 1;
      else if (type == "DEV_DEPENDENCY_OF" || type == "BUILD_DEPENDENCY_OF" || type == "TEST_DEPENDENCY_OF")
        needs = 0;
      else if (type != "DEPENDS_ON" && type != "CONTAINS" && type != "DEPENDENCY_OF" &&
               type != "RUNTIME_DEPENDENCY_OF" && type != "PROVIDED_DEPENDENCY_OF")
        continue;
      if (type.ends_with("_OF")) std::swap(from, to);
      const auto source = by_id.find(from);
      const auto target = by_id.find(to);
      if (source == by_id.end() || target == by_id.end() || from == to) continue;
      source->second->depends_on.push_back(to);
      const auto [at, fresh] = strength.emplace(to, needs);
      if (!fresh) at->second = std::max(at->second, needs);
    }
    for (auto& [id, component] : by_id) {
      sort_unique(component->depends_on);
      const auto needs = strength.find(id);
      if (needs != strength.end() && needs->second < 2)
        component->scope = needs->second == 1 ? "optional" : "excluded";
    }
  }

  const std::string& file_;
  std::map<std::string, std::string> names_;  // LicenseRef → name
  Bom bom_;
};

}  // namespace

Result<Bom> read_bom(std::string_view text, const std::string& file) {
  const doc::Value value = TRY_WHILE("reading the SBOM", doc::parse_json(text, file, bom_limits));
  if (text_of(value, "bomFormat") == "CycloneDX")
    return TRY_WHILE("reading the SBOM", CycloneDx(file).read(value));
  if (value.find("spdxVersion") != nullptr) return TRY_WHILE("reading the SBOM", Spdx(file).read(value));
  return fail_hint(ErrorKind::invalid, "make it as CycloneDX JSON (1.4 to 1.6) or SPDX JSON (2.3)",
                   "{} is no bill of materials", printable(file));
}

}  // namespace tranche::sbom
