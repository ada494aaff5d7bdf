// All catalogers together: find what there is to catalog, merge what they say.
#include <algorithm>
#include <map>
#include <set>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/installed.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t max_entries = 10'000;
constexpr std::size_t max_depth = 32;

// "" needs it to run, "optional" may do without, "excluded" is for building only.
int strength(std::string_view scope) { return scope.empty() ? 2 : scope == "optional" ? 1 : 0; }

void add_new(std::vector<std::string>& list, const std::vector<std::string>& more) {
  list.insert(list.end(), more.begin(), more.end());
  std::ranges::sort(list);
  list.erase(std::ranges::unique(list).begin(), list.end());
}

struct Scanner {
  ports::Files& files;
  std::size_t entries = 0;
  std::vector<std::string> locks;

  Result<> descend(const std::string& directory, std::size_t depth) {
    if (depth > max_depth) return {};
    for (const std::string& name : TRY(files.list(directory))) {
      if (++entries > max_entries)
        return fail_hint(ErrorKind::invalid, "list the directories with lockfiles under sbom: scan:",
                         "more than {} files and directories below '{}'", max_entries, printable(directory));
      const std::string path = join_path(directory, name);
      const auto info = TRY(files.info(path));
      if (!info) continue;
      if (info->kind == ports::FileInfo::Kind::file && find_cataloger(path) != nullptr) locks.push_back(path);
      if (info->kind == ports::FileInfo::Kind::directory && name != "node_modules" && name != ".git")
        TRY(descend(path, depth + 1));
    }
    return {};
  }
};

struct Sources {
  std::vector<std::string> locks;    // files that a cataloger knows
  std::vector<std::string> systems;  // roots of installed systems
  std::vector<std::string> artifacts;
};

Result<Sources> find_sources(ports::Files& files, const Request& request) {
  Sources found;
  found.artifacts = request.artifacts;
  Scanner scanner{files, 0, {}};
  const std::string repository = request.repository.empty() ? "." : request.repository;
  const std::string real_root = request.scan.empty() ? "" : TRY(files.real_path(repository));
  for (const std::string& scan : request.scan) {
    const std::string path = join_path(repository, scan);
    const bool relative = !scan.starts_with('/') && is_within(".", scan);
    if (relative && !TRY(files.info(path)))
      return fail_hint(ErrorKind::invalid, "correct sbom: scan:", "there is no directory '{}' to scan",
                       printable(scan));
    if (!relative || !is_within(real_root, TRY(files.real_path(path))))
      return fail_hint(ErrorKind::invalid, "scan paths are relative to the repository and stay in it",
                       "the scan path '{}' leaves the repository", printable(scan));
    TRY(scanner.descend(normal_path(path), 0));
  }
  for (const std::string& path : request.paths) {
    const auto info = TRY(files.info(TRY(files.real_path(path))));
    const bool directory = info && info->kind == ports::FileInfo::Kind::directory;
    if (directory && TRY(is_installed_system(files, path)))
      found.systems.push_back(path);
    else if (directory)
      TRY(scanner.descend(normal_path(path), 0));
    else if (find_cataloger(path) != nullptr)
      scanner.locks.push_back(path);
    else
      found.artifacts.push_back(path);
  }
  std::ranges::sort(scanner.locks);
  scanner.locks.erase(std::ranges::unique(scanner.locks).begin(), scanner.locks.end());
  found.locks = std::move(scanner.locks);
  return found;
}

// What a file to ship brings along. One that was made to break a reader is a warning like any other.
Result<Catalog> catalog_artifact(ports::Files& files, const std::string& path, const std::string& root) {
  if (const Cataloger* cataloger = find_cataloger(path)) return run_cataloger(*cataloger, {files, path});
  if (!path.ends_with(".rpm") || !TRY(files.info(path))) return catalog_linked_packages(files, path, root);
  auto package = catalog_rpm_file(files, path);
  if (package || package.error().kind != ErrorKind::invalid) return package;
  return warn_of(package.error(), path);
}

}  // namespace

Catalog merge(Component main, std::vector<Catalog> catalogs) {
  Catalog all;
  all.main = std::move(main);
  std::map<std::string, Component> components;
  for (Catalog& catalog : catalogs) {
    add_new(all.main.depends_on, catalog.main.depends_on);
    for (std::string& warning : catalog.warnings)
      if (all.warnings.size() < max_warnings) all.warnings.push_back(std::move(warning));
    for (Component& component : catalog.components) {
      const std::string reference = component.bom_ref;
      const auto found = components.find(reference);
      if (found == components.end()) {
        components.emplace(reference, std::move(component));
        continue;
      }
      add_new(found->second.depends_on, component.depends_on);
      if (found->second.hashes.empty()) found->second.hashes = std::move(component.hashes);
      if (strength(component.scope) > strength(found->second.scope)) found->second.scope = component.scope;
    }
  }
  const auto drop_dangling = [&](Component& component) {
    std::erase_if(component.depends_on, [&](const std::string& other) {
      const bool dangling = other == component.bom_ref || !components.contains(other);
      if (dangling && other != component.bom_ref && all.warnings.size() < max_warnings)
        all.warnings.push_back(fmt::format("'{}' depends on '{}', which is in no catalog",
                                           printable(component.name), printable(other)));
      return dangling;
    });
  };
  drop_dangling(all.main);
  for (auto& [reference, component] : components) drop_dangling(component);
  for (auto& [reference, component] : components) all.components.push_back(std::move(component));
  return all;
}

Result<Catalog> make_catalog(ports::Files& files, const Request& request) {
  Component main;
  main.type = "application";
  main.name = request.app;
  main.version = request.version;
  main.bom_ref = fmt::format("{}@{}", request.app, request.version);
  std::vector<Catalog> catalogs;
  const Sources sources = TRY(find_sources(files, request));
  for (const std::string& path : sources.locks)
    if (const Cataloger* cataloger = find_cataloger(path))
      catalogs.push_back(TRY(run_cataloger(*cataloger, {files, path})));
  for (const std::string& root : sources.systems)
    catalogs.push_back(TRY(catalog_installed_system(files, request.process, root)));
  for (const std::string& path : sources.artifacts)
    catalogs.push_back(TRY(catalog_artifact(files, path, request.root)));
  return merge(std::move(main), std::move(catalogs));
}

}  // namespace tranche::sbom
