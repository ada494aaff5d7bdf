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
constexpr std::size_t max_version_bytes = 1024;  // as CycloneDX 1.6 has it, in characters

// "" needs it to run, "optional" may do without, "excluded" is for building only.
int strength(std::string_view scope) { return scope.empty() ? 2 : scope == "optional" ? 1 : 0; }

void add_new(std::vector<std::string>& list, const std::vector<std::string>& more) {
  list.insert(list.end(), more.begin(), more.end());
  std::ranges::sort(list);
  list.erase(std::ranges::unique(list).begin(), list.end());
}

// A file that a cataloger knows, and the directory that was looked through.
struct Lock {
  std::string path, root;
  auto operator<=>(const Lock&) const = default;
};

struct Scanner {
  ports::Files& files;
  std::size_t entries = 0;
  std::vector<Lock> locks;

  Result<> descend(const std::string& directory, const std::string& root, std::size_t depth) {
    if (depth > max_depth) return {};
    for (const std::string& name : TRY(files.list(directory))) {
      if (++entries > max_entries)
        return fail_hint(ErrorKind::invalid, "list the directories with lockfiles under sbom: scan:",
                         "more than {} files and directories below '{}'", max_entries, printable(directory));
      const std::string path = join_path(directory, name);
      const auto info = TRY(files.info(path));
      if (!info) continue;
      if (info->kind == ports::FileInfo::Kind::file && find_cataloger(path) != nullptr)
        locks.push_back({path, root});
      if (info->kind == ports::FileInfo::Kind::directory && name != "node_modules" && name != ".git")
        TRY(descend(path, root, depth + 1));
    }
    return {};
  }
};

struct Sources {
  std::vector<Lock> locks;
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
    TRY(scanner.descend(normal_path(path), normal_path(repository), 0));
  }
  for (const std::string& path : request.paths) {
    const auto info = TRY(files.info(TRY(files.real_path(path))));
    const bool directory = info && info->kind == ports::FileInfo::Kind::directory;
    if (directory && TRY(is_installed_system(files, path)))
      found.systems.push_back(path);
    else if (directory)
      TRY(scanner.descend(normal_path(path), normal_path(path), 0));
    else if (find_cataloger(path) != nullptr)
      scanner.locks.push_back({path, ""});
    else
      found.artifacts.push_back(path);
  }
  std::ranges::sort(scanner.locks);
  const auto same = std::ranges::unique(scanner.locks, {}, &Lock::path);
  scanner.locks.erase(same.begin(), same.end());
  found.locks = std::move(scanner.locks);
  return found;
}

// A file that another covers is not cataloged for itself.
Result<std::vector<Catalog>> catalog_locks(ports::Files& files, const std::vector<Lock>& locks) {
  std::map<std::string, Catalog> by_path;
  std::set<std::string> covered;
  for (const auto& [path, root] : locks) {
    const Cataloger* cataloger = find_cataloger(path);
    if (cataloger == nullptr || covered.contains(normal_path(path))) continue;
    Catalog catalog = TRY(run_cataloger(*cataloger, {files, path, root}));
    for (const std::string& other : catalog.covers) {
      by_path.erase(other);
      covered.insert(other);
    }
    by_path.emplace(normal_path(path), std::move(catalog));
  }
  std::vector<Catalog> catalogs;
  for (auto& [path, catalog] : by_path) catalogs.push_back(std::move(catalog));
  return catalogs;
}

// What a file to ship brings along. One that was made to break a reader is a warning like any other.
Result<Catalog> catalog_artifact(ports::Files& files, const std::string& path, const std::string& root) {
  if (const Cataloger* cataloger = find_cataloger(path)) return run_cataloger(*cataloger, {files, path});
  const bool there = TRY(files.info(path)).has_value();
  if (there && path.ends_with(".deb")) return catalog_deb_file(files, path, root);
  if (!there || !path.ends_with(".rpm")) return catalog_linked_packages(files, path, root);
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
      if (component.version.size() > max_version_bytes) {
        if (all.warnings.size() < max_warnings)
          all.warnings.push_back(fmt::format("'{}' is not listed: its version has more than {} bytes",
                                             printable(component.name, 80), max_version_bytes));
        continue;
      }
      const std::string reference = component.bom_ref;
      const auto found = components.find(reference);
      if (found == components.end()) {
        components.emplace(reference, std::move(component));
        continue;
      }
      add_new(found->second.depends_on, component.depends_on);
      if (found->second.hashes.empty()) found->second.hashes = std::move(component.hashes);
      if (found->second.licenses.empty()) found->second.licenses = std::move(component.licenses);
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

Result<Catalog> make_catalog(const ports::World& world, const Request& request) {
  ports::Files& files = world.files;
  Component main;
  main.type = "application";
  main.name = request.app;
  main.version = request.version;
  main.bom_ref = fmt::format("{}@{}", request.app, request.version);
  std::vector<Catalog> catalogs;
  const Sources sources = TRY(find_sources(files, request));
  for (Catalog& catalog : TRY(catalog_locks(files, sources.locks))) catalogs.push_back(std::move(catalog));
  for (const std::string& root : sources.systems)
    catalogs.push_back(TRY(catalog_installed_system(files, &world.process, root)));
  for (const std::string& path : sources.artifacts)
    catalogs.push_back(TRY(catalog_artifact(files, path, request.root)));
  return merge(std::move(main), std::move(catalogs));
}

}  // namespace tranche::sbom
