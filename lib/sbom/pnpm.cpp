// pnpm-lock.yaml. How a package is named there changed with the versions:
//   5     /name/1.0.0_peer@2      6   /name@1.0.0(peer@2)      9   name@1.0.0(peer@2)
// and 9 keeps what a package is ("packages") apart from what it needs with these peers ("snapshots"). The
// variants by peers are one component.
#include <algorithm>

#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

class Pnpm {
 public:
  Pnpm(std::string_view file, std::string_view text)
      : file_(file), graph_(file_), texts_(text), text_(text) {}

  Result<Catalog> read() {
    const doc::Value value = TRY(doc::parse_yaml(text_, file_, lock_limits));
    const doc::Value* version = value.find("lockfileVersion");
    const std::string written = version == nullptr ? std::string() : texts_.of(*version);
    const auto major = parse_u64(std::string_view(written).substr(0, written.find('.')));
    if (!major || *major < 5 || *major > 9)
      return fail_hint(ErrorKind::invalid, "pnpm install --lockfile-only writes it; versions 5 to 9 are read",
                       "{} is no pnpm lockfile of a known version", printable(file_));
    slashes_ = *major == 5;
    for (const doc::Member& entry : members_at(value, "packages")) TRY(take_package(entry));
    for (const doc::Member& entry : members_at(value, "snapshots")) TRY(take_snapshot(entry));
    if (const doc::Object& importers = members_at(value, "importers"); !importers.empty()) {
      for (const doc::Member& importer : importers) TRY(take_importer(importer.value));
    } else {
      TRY(take_importer(value));
    }
    for (const auto& [from, name, reference, needed] : needs_)
      TRY(graph_.connect(from, key_of(name, reference), needed));
    graph_.derive_scopes();
    return graph_.finish();
  }

 private:
  struct Need {
    std::string from, name, reference;
    Needed needed;
  };

  // "/@s/a/1.0.0_x@1" or "/@s/a@1.0.0(x@1)" → {"@s/a", "1.0.0"}; no version when it is no name and version.
  [[nodiscard]] std::pair<std::string_view, std::string_view> split_key(std::string_view key) const {
    if (key.starts_with('/')) key.remove_prefix(1);
    key = key.substr(0, key.find('('));
    if (!slashes_) {
      const std::size_t at = key.find('@', 1);
      return at == key.npos ? std::pair(key, std::string_view())
                            : std::pair(key.substr(0, at), key.substr(at + 1));
    }
    const std::size_t slash = key.find('/', key.starts_with('@') ? key.find('/') + 1 : 0);
    if (slash == key.npos) return {key, {}};
    const std::string_view version = key.substr(slash + 1);
    return {key.substr(0, slash), version.substr(0, version.find('_'))};
  }

  // What a reference means: a version, a key of its own (an alias, a tarball), or a place of this workspace.
  [[nodiscard]] std::string key_of(const std::string& name, const std::string& reference) const {
    for (const std::string& key :
         {fmt::format("{}@{}", name, reference), fmt::format("/{}@{}", name, reference),
          fmt::format("/{}/{}", name, reference), reference, "/" + reference})
      if (graph_.contains(key)) return key;
    return fmt::format("{}@{}", name, reference);
  }

  Result<> take_package(const doc::Member& entry) {
    const int line = entry.key_place.line;
    if (!entry.value.is_object()) {
      graph_.warn(line, fmt::format("the entry '{}' is {}, not a map", printable(entry.key),
                                    entry.value.kind_name()));
      return {};
    }
    auto [key_name, key_version] = split_key(entry.key);
    const std::string own_name = text_at(entry.value, "name");
    const doc::Value* own_version = entry.value.find("version");
    const std::string name = own_name.empty() ? std::string(key_name) : own_name;
    const std::string version = own_version == nullptr ? std::string(key_version) : texts_.of(*own_version);
    if (name.empty() || version.empty()) {
      graph_.warn(line, fmt::format("the entry '{}' has no {}", printable(entry.key),
                                    name.empty() ? "name" : "version"));
      return {};
    }
    std::string vcs_url;
    std::vector<Hash> hashes;
    std::string tarball;
    if (const doc::Value* resolution = entry.value.find("resolution")) {
      hashes = read_integrity(text_at(*resolution, "integrity"));
      const std::string repository = text_at(*resolution, "repo");
      if (!repository.empty())
        vcs_url = fmt::format("{}{}@{}", repository.starts_with("git") ? "" : "git+", repository,
                              text_at(*resolution, "commit"));
      tarball = text_at(*resolution, "tarball");
    }
    Component component = npm_component(name, version, vcs_url);
    component.hashes = std::move(hashes);
    if (tarball.starts_with("http")) component.download = tarball;
    if (flag_at(entry.value, "optional"))
      component.scope = "optional";
    else if (flag_at(entry.value, "dev"))
      component.scope = "excluded";
    TRY(graph_.add(entry.key, component));
    components_.insert_or_assign(entry.key, std::move(component));
    take_needs(entry.key, entry.value);
    return {};
  }

  // Version 9: the package without its peers says what it is.
  Result<> take_snapshot(const doc::Member& entry) {
    if (!entry.value.is_object()) {
      graph_.warn(entry.key_place.line, fmt::format("the entry '{}' is {}, not a map", printable(entry.key),
                                                    entry.value.kind_name()));
      return {};
    }
    const auto package = components_.find(entry.key.substr(0, entry.key.find('(')));
    if (package == components_.end()) {
      graph_.warn(entry.key_place.line,
                  fmt::format("'{}' stands under snapshots and not under packages", printable(entry.key)));
      return {};
    }
    Component component = package->second;
    if (flag_at(entry.value, "optional")) component.scope = "optional";
    TRY(graph_.add(entry.key, std::move(component)));
    take_needs(entry.key, entry.value);
    return {};
  }

  void take_needs(const std::string& from, const doc::Value& value) {
    for (const auto& [member, needed] :
         {std::pair("dependencies", Needed::running), std::pair("optionalDependencies", Needed::optional)})
      for (const doc::Member& need : members_at(value, member))
        needs_.push_back({from, need.key, texts_.of(need.value), needed});
  }

  Result<> take_importer(const doc::Value& importer) {
    for (const auto& [member, needed] :
         {std::pair("dependencies", Needed::running), std::pair("optionalDependencies", Needed::optional),
          std::pair("devDependencies", Needed::building)}) {
      for (const doc::Member& need : members_at(importer, member)) {
        const doc::Value* version = need.value.is_object() ? need.value.find("version") : &need.value;
        const std::string reference = version == nullptr ? std::string() : texts_.of(*version);
        if (reference.empty())
          graph_.warn(need.key_place.line, fmt::format("'{}' has no version", printable(need.key)));
        else if (!reference.starts_with("link:"))
          needs_.push_back({"", need.key, reference, needed});
      }
    }
    return {};
  }

  std::string file_;
  LockGraph graph_;
  ScalarTexts texts_;
  std::string_view text_;
  bool slashes_ = false;
  std::map<std::string, Component, std::less<>> components_;  // of "packages"
  std::vector<Need> needs_;
};

}  // namespace

Result<Catalog> catalog_pnpm_lock(std::string_view text, const std::string& file) {
  return Pnpm(file, text).read();
}

}  // namespace tranche::sbom
