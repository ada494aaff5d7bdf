// C and C++: conan.lock (version 1 has a graph, version 2 lists) and vcpkg.json (a manifest: the baseline,
// which is elsewhere, decides versions, so that only overrides are exact).
#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

// A Conan reference: NAME/VERSION@USER/CHANNEL#REVISION%TIME. nullopt when it has no version.
std::optional<Component> read_conan_reference(std::string_view text) {
  text = text.substr(0, text.find('%'));
  const std::size_t hash = text.find('#');
  const std::string_view revision = hash == text.npos ? std::string_view() : text.substr(hash + 1);
  text = text.substr(0, hash);
  const std::size_t sign = text.find('@');
  const std::string_view owner = sign == text.npos ? std::string_view() : text.substr(sign + 1);
  text = text.substr(0, sign);
  const std::size_t slash = text.find('/');
  if (slash == text.npos || slash == 0 || slash + 1 == text.size()) return std::nullopt;
  const std::size_t channel = owner.find('/');
  Component component;
  component.name = text.substr(0, slash);
  component.version = text.substr(slash + 1);
  const std::string user(owner == "_/_" ? std::string_view() : owner.substr(0, channel));
  // Readers of the older type definition want a namespace beside a channel; it is the user there.
  component.purl = make_purl(
      "conan", user, component.name, component.version,
      {{"user", user},
       {"channel", channel == owner.npos || owner == "_/_" ? "" : std::string(owner.substr(channel + 1))},
       {"rrev", std::string(revision == "0" ? "" : revision)}});
  return component;
}

Result<Catalog> read_conan_graph(const doc::Value& nodes, LockGraph& graph) {
  for (const doc::Member& node : nodes.as_object()) {
    const std::string reference = text_at(node.value, "ref");
    const bool root = node.key == "0" || text_at(node.value, "path").find("conanfile") != std::string::npos;
    auto component = read_conan_reference(reference);
    if (root) {
      if (component) {
        graph.main.name = component->name;
        graph.main.version = component->version;
      }
    } else if (!component) {
      graph.warn(node.key_place.line, fmt::format("'{}' is no Conan reference", printable(reference)));
      continue;
    } else {
      if (text_at(node.value, "context") == "build") component->scope = "excluded";
      TRY(graph.add(node.key, std::move(*component)));
    }
    for (const auto& [member, needed] :
         {std::pair("requires", Needed::running), std::pair("build_requires", Needed::building)})
      for (const doc::Value& need : items_at(node.value, member))
        if (need.is_string()) TRY(graph.connect(root ? "" : node.key, need.as_string(), needed));
  }
  graph.derive_scopes();
  return graph.finish();
}

}  // namespace

Result<Catalog> catalog_conan_lock(std::string_view text, const std::string& file) {
  const doc::Value value = TRY(doc::parse_json(text, file, lock_limits));
  LockGraph graph(file);
  if (const doc::Value* old = value.find("graph_lock"))
    if (const doc::Value* nodes = old->find("nodes"); nodes != nullptr && nodes->is_object())
      return read_conan_graph(*nodes, graph);
  if (text_at(value, "version").empty() || value.find("requires") == nullptr)
    return fail_hint(ErrorKind::invalid, "conan lock create writes it", "{} is no Conan lockfile",
                     printable(file));
  for (const char* section : {"requires", "build_requires", "python_requires"}) {
    for (const doc::Value& reference : items_at(value, section)) {
      // Version 2.0 of Conan may write [reference, {...}].
      const doc::Value& first =
          reference.is_array() && !reference.as_array().empty() ? reference.as_array()[0] : reference;
      auto component = first.is_string() ? read_conan_reference(first.as_string()) : std::nullopt;
      if (!component) {
        graph.warn(reference.place.line, "this is no Conan reference");
        continue;
      }
      const bool running = std::string_view(section) == "requires";
      if (!running) component->scope = "excluded";
      const std::string key = component->purl;
      TRY(graph.add(key, std::move(*component)));
      TRY(graph.connect("", key));
    }
  }
  return graph.finish();
}

Result<Catalog> catalog_vcpkg_manifest(std::string_view text, const std::string& file) {
  const doc::Value value = TRY(doc::parse_json(text, file, lock_limits));
  if (!value.is_object())
    return fail_hint(ErrorKind::invalid, "vcpkg new --application writes it", "{} is no vcpkg manifest",
                     printable(file));
  LockGraph graph(file);
  graph.main.name = text_at(value, "name");
  const auto version_of = [](const doc::Value& entry) {
    for (const char* key : {"version", "version-semver", "version-string", "version-date"})
      if (const std::string version = text_at(entry, key); !version.empty()) return version;
    return std::string();
  };
  graph.main.version = version_of(value);
  std::map<std::string, std::pair<std::string, std::string>> overrides;  // name → version, port version
  for (const doc::Value& entry : items_at(value, "overrides")) {
    std::string version = version_of(entry);
    const std::size_t hash = version.find('#');
    std::string port = hash == std::string::npos ? "" : version.substr(hash + 1);
    if (const doc::Value* number = entry.find("port-version"); number != nullptr && number->is_int())
      port = fmt::format("{}", number->as_int());
    overrides[text_at(entry, "name")] = {version.substr(0, hash), port};
  }
  const auto take = [&](const doc::Value& entry, Needed needed) -> Result<> {
    const std::string name = entry.is_string() ? entry.as_string() : text_at(entry, "name");
    if (name.empty()) {
      graph.warn(entry.place.line, "a dependency has no name");
      return {};
    }
    Component component;
    component.name = name;
    std::vector<std::pair<std::string, std::string>> qualifiers;
    if (const auto found = overrides.find(name); found != overrides.end()) {
      component.version = found->second.first;
      if (found->second.second != "0") qualifiers.emplace_back("port_version", found->second.second);
    } else {
      graph.warn(entry.place.line,
                 fmt::format("the version of '{}' is decided by a baseline that is not here: an "
                             "override, or a BOM of the build, says it",
                             printable(name)));
    }
    component.purl = make_purl("vcpkg", "", name, component.version, std::move(qualifiers));
    component.scope = scope_of(flag_at(entry, "host") ? Needed::building : needed);
    const std::string key = component.purl;
    TRY(graph.add(key, std::move(component)));
    return graph.connect("", key);
  };
  for (const doc::Value& entry : items_at(value, "dependencies")) TRY(take(entry, Needed::running));
  for (const doc::Member& feature : members_at(value, "features"))
    for (const doc::Value& entry : items_at(feature.value, "dependencies"))
      TRY(take(entry, Needed::optional));
  return graph.finish();
}

}  // namespace tranche::sbom
