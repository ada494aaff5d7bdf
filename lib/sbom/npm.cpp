// package-lock.json, all three versions.
//
// Versions 2 and 3 list every place of node_modules under "packages"; version 1 nests "dependencies". Both
// become one table, place → package, and edges are found as node finds modules: in the package's own
// node_modules, then in that of each directory above. Packages of one name and version are one component,
// whatever their places.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "doc/value.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

constexpr std::string_view modules = "node_modules/";
// Edges are looked up in every directory above a place: these bound the product. Real lockfiles stay far
// below.
constexpr std::size_t max_place_bytes = 1024;
constexpr std::ptrdiff_t max_place_depth = 100;

struct Package {
  std::string name;
  std::string version;
  std::string link;     // the place that a link stands for
  std::string vcs_url;  // for packages from git
  std::string license;
  std::string download;
  std::vector<Hash> hashes;
  std::string scope;
  std::vector<std::string> needs;       // names
  std::set<std::string> may_be_absent;  // of them
};

void add_needs(const doc::Value& value, std::string_view key, bool optional, Package& package) {
  const doc::Value* list = value.find(key);
  if (list == nullptr || !list->is_object()) return;
  std::set<std::string_view> optional_peers;
  for (const doc::Member& about : members_at(value, "peerDependenciesMeta"))
    if (flag_at(about.value, "optional")) optional_peers.insert(about.key);
  for (const doc::Member& member : list->as_object()) {
    package.needs.push_back(member.key);
    if (optional || optional_peers.contains(member.key)) package.may_be_absent.insert(member.key);
  }
}

void read_common(const doc::Value& value, Package& package) {
  package.hashes = read_integrity(text_at(value, "integrity"));
  package.license = text_at(value, "license");
  if (flag_at(value, "devOptional") || flag_at(value, "optional"))
    package.scope = "optional";
  else if (flag_at(value, "dev"))
    package.scope = "excluded";
  const std::string resolved = text_at(value, "resolved");
  if (is_git_address(resolved)) package.vcs_url = resolved;
}

// "node_modules/a/node_modules/@s/b" → "@s/b"; a workspace's place → its last segment.
std::string name_of_place(std::string_view place) {
  const std::size_t at = place.rfind(modules);
  if (at != std::string_view::npos) return std::string(place.substr(at + modules.size()));
  return std::string(place.substr(place.rfind('/') + 1));
}

class Lock {
 public:
  explicit Lock(std::string file) : file_(std::move(file)) {}

  Result<Catalog> read(std::string_view text) {
    const doc::Value value = TRY(doc::parse_json(text, file_, lock_limits));
    const auto version =
        value.is_object() ? value.integer("lockfileVersion") : Result<std::int64_t>(fail(Error()));
    if (!version || *version < 1 || *version > 3)
      return fail_hint(ErrorKind::invalid,
                       "npm install --package-lock-only writes it; versions 1, 2 and 3 are read",
                       "{} is no npm lockfile of a known version", printable(file_));
    catalog_.main.type = "application";
    catalog_.main.name = text_at(value, "name");
    catalog_.main.version = text_at(value, "version");
    if (const doc::Value* packages = value.find("packages"); packages != nullptr && packages->is_object()) {
      TRY(read_packages(*packages));
    } else if (const doc::Value* tree = value.find("dependencies"); tree != nullptr) {
      TRY(read_tree(*tree, ""));
      root_needs_the_rest();
    }
    return build();
  }

 private:
  void warn(std::string text) {
    if (catalog_.warnings.size() < max_warnings)
      catalog_.warnings.push_back(fmt::format("{}: {}", printable(file_), text));
  }

  Result<> keep(std::string place, Package package) {
    if (places_.size() >= max_components)
      return fail(ErrorKind::invalid, "{} has more than {} packages", printable(file_), max_components);
    edges_ += package.needs.size();
    if (edges_ > max_edges)
      return fail(ErrorKind::invalid, "{} has more than {} dependencies", printable(file_), max_edges);
    if (place.size() > max_place_bytes || std::ranges::count(place, '/') > max_place_depth)
      return fail(ErrorKind::invalid, "{}: the place '{}' is too long", printable(file_),
                  printable(place, 80));
    if (!place.empty() && package.link.empty() && !plain(package))
      if (const auto purl = parse_purl(purl_of(package)); !purl) {
        warn(fmt::format("the entry '{}' is not listed: {}", printable(place), purl.error().message));
        return {};
      }
    places_.emplace(std::move(place), std::move(package));
    return {};
  }

  // True for nearly all packages: of such parts every package URL is one.
  static bool plain(const Package& package) {
    const auto visible = [](std::string_view text) {
      return text.size() <= 256 && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
    };
    return !package.name.empty() && package.name != "." && package.name != ".." && visible(package.name) &&
           visible(package.version) && package.vcs_url.empty();
  }

  void warn_wrong(const doc::Value& value, std::string_view place) {
    if (catalog_.warnings.size() < max_warnings)
      catalog_.warnings.push_back(
          fmt::format("{}:{}: the entry '{}' is not a map; npm install "
                      "--package-lock-only writes it anew",
                      printable(file_), value.place.line, printable(place)));
  }

  Result<> read_packages(const doc::Value& packages) {
    for (const auto& [place, value, mark] : packages.as_object()) {
      if (!value.is_object()) {
        warn_wrong(value, place);
        continue;
      }
      Package package;
      package.name = text_at(value, "name");
      package.version = text_at(value, "version");
      if (flag_at(value, "link")) package.link = text_at(value, "resolved");
      if (package.name.empty()) package.name = name_of_place(place);
      read_common(value, package);
      add_needs(value, "dependencies", false, package);
      add_needs(value, "optionalDependencies", true, package);
      add_needs(value, "peerDependencies", false, package);
      if (place.find(modules) == std::string::npos) add_needs(value, "devDependencies", false, package);
      if (place.empty() && catalog_.main.name.empty()) catalog_.main.name = text_at(value, "name");
      if (place.empty() && catalog_.main.version.empty()) catalog_.main.version = package.version;
      TRY(keep(place, std::move(package)));
    }
    // The root needs its workspaces.
    Package& root = places_[""];
    for (const auto& [place, package] : places_)
      if (!package.link.empty() && place.starts_with(modules)) root.needs.push_back(name_of_place(place));
    return {};
  }

  // Version 1. The depth of the document bounds the recursion.
  Result<> read_tree(const doc::Value& dependencies, const std::string& above) {
    if (!dependencies.is_object()) {
      warn_wrong(dependencies, above);
      return {};
    }
    for (const auto& [name, value, mark] : dependencies.as_object()) {
      const std::string place = fmt::format("{}{}{}", above, modules, name);
      if (!value.is_object()) {
        warn_wrong(value, place);
        continue;
      }
      Package package;
      package.name = name;
      package.version = text_at(value, "version");
      if (package.version.starts_with("npm:")) {  // an alias: "npm:@scope/real@1.0.0"
        const std::string real = package.version.substr(4);
        const std::size_t at = real.rfind('@');
        if (at != std::string::npos && at > 0) {
          package.name = real.substr(0, at);
          package.version = real.substr(at + 1);
        }
      } else if (is_git_address(package.version)) {
        package.vcs_url = std::move(package.version);
        package.version.clear();
      } else if (package.version.starts_with("http:") || package.version.starts_with("https:") ||
                 package.version.starts_with("file:")) {
        // An address or a directory stands where the version is unknown.
        if (package.version.starts_with("http")) package.download = package.version;
        package.version.clear();
      }
      read_common(value, package);
      add_needs(value, "requires", false, package);
      TRY(keep(place, std::move(package)));
      if (const doc::Value* inner = value.find("dependencies")) TRY(read_tree(*inner, place + "/"));
    }
    return {};
  }

  // Version 1 does not say what the root needs: it is what nobody else does.
  void root_needs_the_rest() {
    std::set<std::string> needed;
    for (const auto& [place, package] : places_)
      for (const std::string& name : package.needs)
        if (const std::string found = find_module(place, name); !found.empty()) needed.insert(found);
    Package root;
    for (const auto& [place, package] : places_)
      if (!needed.contains(place) && place.find(modules, 1) == std::string::npos)
        root.needs.push_back(place.substr(modules.size()));
    places_[""] = std::move(root);
  }

  // The place that `name` means in the package at `place`; empty when there is none. Links are followed.
  [[nodiscard]] std::string find_module(std::string_view place, std::string_view name) const {
    while (true) {
      if (!place.ends_with("node_modules")) {
        const auto found = places_.find(place.empty() ? fmt::format("{}{}", modules, name)
                                                      : fmt::format("{}/{}{}", place, modules, name));
        if (found != places_.end()) {
          if (found->second.link.empty()) return found->first;
          return places_.contains(found->second.link) ? found->second.link : std::string();
        }
      }
      if (place.empty()) return {};
      const std::size_t slash = place.rfind('/');
      place = slash == std::string_view::npos ? std::string_view() : place.substr(0, slash);
    }
  }

  static std::string purl_of(const Package& package) {
    return npm_component(package.name, package.version, package.vcs_url).purl;
  }

  static Component to_component(const Package& package) {
    Component component = npm_component(package.name, package.version, package.vcs_url);
    component.hashes = package.hashes;
    component.scope = package.scope;
    component.download = package.download;
    if (!package.license.empty()) component.licenses.push_back(package.license);
    return component;
  }

  Result<Catalog> build() {
    std::map<std::string, Component> components;
    for (const auto& [place, package] : places_) {
      std::vector<std::string> edges;
      for (const std::string& name : package.needs) {
        const std::string found = find_module(place, name);
        if (found.empty()) {
          if (!package.may_be_absent.contains(name))
            warn(fmt::format("'{}' needs '{}', and the lockfile has no such package", printable(package.name),
                             printable(name)));
          continue;
        }
        edges.push_back(purl_of(places_.at(found)));
      }
      if (place.empty()) {
        catalog_.main.depends_on = std::move(edges);
        continue;
      }
      if (!package.link.empty()) continue;
      const Component fresh = to_component(package);
      auto [at, first] = components.emplace(fresh.bom_ref, fresh);
      // What one place needs for running is needed, whatever the other places say.
      if (!first && (fresh.scope.empty() || at->second.scope == "excluded")) at->second.scope = fresh.scope;
      auto& list = at->second.depends_on;
      list.insert(list.end(), edges.begin(), edges.end());
    }
    const auto tidy = [](Component& component) {
      auto& list = component.depends_on;
      std::ranges::sort(list);
      list.erase(std::ranges::unique(list).begin(), list.end());
      std::erase(list, component.bom_ref);
    };
    tidy(catalog_.main);
    for (auto& [reference, component] : components) {
      tidy(component);
      catalog_.components.push_back(std::move(component));
    }
    return std::move(catalog_);
  }

  std::string file_;
  std::map<std::string, Package> places_;
  std::size_t edges_ = 0;
  Catalog catalog_;
};

}  // namespace

Result<Catalog> catalog_npm_lock(std::string_view text, const std::string& file) {
  return Lock(file).read(text);
}

}  // namespace tranche::sbom
