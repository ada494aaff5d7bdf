// NuGet: packages.lock.json (what restoring took, for each target framework) and NAME.deps.json (what a built
// .NET application ships with). Names know no case.
#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

Component nuget_component(std::string_view name, std::string_view version) {
  Component component;
  component.name = name;
  component.version = version;
  component.purl = make_purl("nuget", "", name, version);
  return component;
}

std::string key_of(std::string_view target, std::string_view name) {
  return fmt::format("{}|{}", target, lower(name));
}

}  // namespace

Result<Catalog> catalog_nuget_lock(std::string_view text, const std::string& file) {
  const doc::Value value = TRY(doc::parse_json(text, file, lock_limits));
  const doc::Value* targets = value.find("dependencies");
  if (targets == nullptr || !targets->is_object() || value.find("version") == nullptr)
    return fail_hint(ErrorKind::invalid, "dotnet restore --use-lock-file writes it",
                     "{} is no NuGet lockfile", printable(file));
  LockGraph graph(file);
  for (const doc::Member& target : targets->as_object()) {
    if (!target.value.is_object()) {
      graph.warn(target.key_place.line, fmt::format("the target '{}' is {}, not a map", printable(target.key),
                                                    target.value.kind_name()));
      continue;
    }
    for (const doc::Member& package : target.value.as_object()) {
      const std::string type = text_at(package.value, "type");
      const std::string version = text_at(package.value, "resolved");
      const std::string key = key_of(target.key, package.key);
      if (type == "Project") {  // of this solution: its needs are main's
        for (const doc::Member& need : members_at(package.value, "dependencies"))
          TRY(graph.connect("", key_of(target.key, need.key), Needed::optional));
        continue;
      }
      if (version.empty()) {
        graph.warn(package.key_place.line,
                   fmt::format("'{}' has no resolved version", printable(package.key)));
        continue;
      }
      Component component = nuget_component(package.key, version);
      if (const auto digest = from_base64(text_at(package.value, "contentHash")))
        if (auto hash = hash_of_hex(to_hex(*digest))) component.hashes.push_back(std::move(*hash));
      TRY(graph.add(key, std::move(component)));
      if (type == "Direct") TRY(graph.connect("", key));
      for (const doc::Member& need : members_at(package.value, "dependencies"))
        TRY(graph.connect(key, key_of(target.key, need.key)));
    }
  }
  return graph.finish();
}

Result<Catalog> catalog_deps_json(std::string_view text, const std::string& file) {
  const doc::Value value = TRY(doc::parse_json(text, file, lock_limits));
  const doc::Value* libraries = value.find("libraries");
  if (libraries == nullptr || !libraries->is_object() || value.find("targets") == nullptr)
    return fail_hint(ErrorKind::invalid, "dotnet build and dotnet publish write it", "{} is no .deps.json",
                     printable(file));
  LockGraph graph(file);
  std::set<std::string> projects;
  for (const doc::Member& library : libraries->as_object()) {
    const std::size_t slash = library.key.rfind('/');
    const std::string type = text_at(library.value, "type");
    if (slash == std::string::npos || slash == 0 || !library.value.is_object()) {
      graph.warn(library.key_place.line, fmt::format("'{}' is no name and version", printable(library.key)));
      continue;
    }
    const std::string key = lower(library.key);
    if (type == "project") {
      projects.insert(key);
      if (graph.main.name.empty()) {
        graph.main.name = library.key.substr(0, slash);
        graph.main.version = library.key.substr(slash + 1);
      }
      continue;
    }
    Component component = nuget_component(library.key.substr(0, slash), library.key.substr(slash + 1));
    component.hashes = read_integrity(text_at(library.value, "sha512"));
    if (type == "runtimepack") component.type = "framework";
    TRY(graph.add(key, std::move(component)));
  }
  for (const doc::Member& target : members_at(value, "targets")) {
    if (!target.value.is_object()) continue;
    for (const doc::Member& package : target.value.as_object()) {
      const std::string from = lower(package.key);
      for (const doc::Member& need : members_at(package.value, "dependencies")) {
        const std::string to =
            lower(need.value.is_string() ? fmt::format("{}/{}", need.key, need.value.as_string()) : need.key);
        if (projects.contains(to)) continue;
        TRY(graph.connect(projects.contains(from) ? "" : from, to, Needed::optional));
      }
    }
  }
  return graph.finish();
}

}  // namespace tranche::sbom
