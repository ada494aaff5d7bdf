// Cargo.lock, versions 1 to 4. A dependency is written as shortly as it is still clear: "name", "name
// version" or "name version (source)". Packages without a source are of this workspace.
#include <algorithm>

#include "base/text.hpp"
#include "doc/toml.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

constexpr std::string_view crates_io[] = {"registry+https://github.com/rust-lang/crates.io-index",
                                          "sparse+https://index.crates.io/"};

class Cargo {
 public:
  explicit Cargo(std::string file) : file_(std::move(file)), graph_(file_) {}

  Result<Catalog> read(std::string_view text) {
    const doc::Value value = TRY(doc::parse_toml(text, file_, lock_limits));
    const doc::Value* packages = value.find("package");
    if (packages == nullptr || !packages->is_array())
      return fail_hint(ErrorKind::invalid, "cargo generate-lockfile writes it", "{} is no Cargo lockfile",
                       printable(file_));
    for (const doc::Member& entry : members_at(value, "metadata"))  // version 1
      if (entry.value.is_string()) checksums_.emplace(entry.key, entry.value.as_string());
    if (const doc::Value* root = value.find("root"); root != nullptr && root->is_object()) TRY(take(*root));
    for (const doc::Value& package : packages->as_array()) {
      if (package.is_object())
        TRY(take(package));
      else
        graph_.warn(package.place.line, fmt::format("a package is {}, not a table", package.kind_name()));
    }
    TRY(connect());
    return finish();
  }

 private:
  struct Package {
    std::string name, version, source, key;
    std::vector<std::string> needs;
  };

  static std::string key_of(const std::string& name, const std::string& version, const std::string& source) {
    return source.empty() ? fmt::format("{} {}", name, version)
                          : fmt::format("{} {} ({})", name, version, source);
  }

  Result<> take(const doc::Value& value) {
    Package package{text_at(value, "name"), text_at(value, "version"), text_at(value, "source"), {}, {}};
    if (package.name.empty() || package.version.empty()) {
      graph_.warn(value.place.line,
                  fmt::format("a package has no {}", package.name.empty() ? "name" : "version"));
      return {};
    }
    package.key = key_of(package.name, package.version, package.source);
    for (const doc::Value& need : items_at(value, "dependencies"))
      if (need.is_string()) package.needs.push_back(need.as_string());
    Component component;
    component.name = package.name;
    component.version = package.version;
    std::vector<std::pair<std::string, std::string>> qualifiers;
    if (package.source.starts_with("git+"))
      qualifiers.emplace_back("vcs_url", package.source);
    else if (!package.source.empty() && std::ranges::find(crates_io, package.source) == std::end(crates_io))
      qualifiers.emplace_back("repository_url", package.source.substr(package.source.find('+') + 1));
    component.purl = make_purl("cargo", "", package.name, package.version, std::move(qualifiers));
    std::string checksum = text_at(value, "checksum");
    if (const auto old = checksums_.find("checksum " + package.key); old != checksums_.end())
      checksum = old->second;
    if (auto hash = hash_of_hex(checksum)) component.hashes.push_back(std::move(*hash));
    TRY(graph_.add(package.key, std::move(component)));
    by_name_.emplace(std::pair(package.name, package.version), package.key);
    packages_.push_back(std::move(package));
    return {};
  }

  // The key that a written dependency means; empty when there is none.
  [[nodiscard]] std::string find_key(const std::string& need) const {
    if (graph_.contains(need)) return need;
    const std::string_view text = need;
    const std::size_t blank = text.find(' ');
    std::string_view version = blank == text.npos ? std::string_view() : text.substr(blank + 1);
    version = version.substr(0, version.find(' '));
    const std::string name(text.substr(0, blank));
    const auto found = by_name_.lower_bound({name, std::string(version)});
    if (found == by_name_.end() || found->first.first != name) return {};
    return version.empty() || found->first.second == version ? found->second : std::string();
  }

  Result<> connect() {
    for (const Package& package : packages_)
      for (const std::string& need : package.needs) {
        const std::string key = find_key(need);
        if (!key.empty()) needed_.insert(key);
        TRY(graph_.connect(package.key, key.empty() ? need : key));
      }
    return {};
  }

  // One package of this workspace that no other needs is what the lockfile is of.
  Result<Catalog> finish() {
    std::vector<const Package*> roots;
    for (const Package& package : packages_)
      if (package.source.empty() && !needed_.contains(package.key)) roots.push_back(&package);
    for (const Package* root : roots) TRY(graph_.connect("", root->key));
    if (roots.empty()) TRY(graph_.need_the_rest());
    if (roots.size() == 1) {
      graph_.main.name = roots[0]->name;
      graph_.main.version = roots[0]->version;
    }
    return graph_.finish();
  }

  std::string file_;
  LockGraph graph_;
  std::vector<Package> packages_;
  std::map<std::pair<std::string, std::string>, std::string> by_name_;  // name, version → key
  std::map<std::string, std::string> checksums_;
  std::set<std::string> needed_;
};

}  // namespace

Result<Catalog> catalog_cargo_lock(std::string_view text, const std::string& file) {
  return Cargo(file).read(text);
}

}  // namespace tranche::sbom
