#include "sbom/diff.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "base/text.hpp"
#include "sbom/purl.hpp"

namespace tranche::sbom {

namespace {

using ByVersion = std::map<std::string, const Component*>;

std::string full_name(const Component& component) {
  return component.group.empty() ? component.name : component.group + "/" + component.name;
}

std::string version_of(const Component& component) {
  if (!component.version.empty() || component.purl.empty()) return component.version;
  const auto purl = parse_purl(component.purl);
  return purl ? purl->version : std::string();
}

std::string identity_of(const Component& component) {
  if (!component.purl.empty()) {
    if (auto purl = parse_purl(component.purl)) {
      purl->version.clear();
      purl->subpath.clear();
      std::erase_if(purl->qualifiers, [](const auto& qualifier) {
        constexpr std::array<std::string_view, 4> kept{"arch", "os", "type", "classifier"};
        return std::ranges::find(kept, qualifier.first) == kept.end();
      });
      return write_purl(*purl);
    }
  }
  return full_name(component);
}

std::map<std::string, ByVersion> group(const Catalog& catalog) {
  std::map<std::string, ByVersion> all;
  for (const Component& component : catalog.components)
    all[identity_of(component)].emplace(version_of(component), &component);
  return all;
}

std::string licenses_of(const Component& component) {
  std::vector<std::string> sorted = component.licenses;
  std::ranges::sort(sorted);
  return join(sorted, ", ");
}

Change change_of(ChangeKind kind, const Component& component, std::string before, std::string after) {
  return {kind,           full_name(component), version_of(component),
          component.purl, std::move(before),    std::move(after)};
}

void compare_same(const Component& before, const Component& after, std::vector<Change>& out) {
  const std::string old_licenses = licenses_of(before);
  const std::string new_licenses = licenses_of(after);
  // One that only learnt its licence, or forgot it, is reported too: a policy may hang on it.
  if (old_licenses != new_licenses)
    out.push_back(change_of(ChangeKind::license, after, old_licenses, new_licenses));
  for (const Hash& hash : before.hashes) {
    const auto other = std::ranges::find(after.hashes, hash.algorithm, &Hash::algorithm);
    if (other == after.hashes.end() || other->hex == hash.hex) continue;
    out.push_back(change_of(ChangeKind::digest, after, fmt::format("{}:{}", hash.algorithm, hash.hex),
                            fmt::format("{}:{}", other->algorithm, other->hex)));
    break;
  }
}

void compare_versions_of(const ByVersion& before, const ByVersion& after, std::vector<Change>& out) {
  std::vector<const Component*> gone, come;
  for (const auto& [version, component] : before) {
    const auto same = after.find(version);
    if (same == after.end())
      gone.push_back(component);
    else
      compare_same(*component, *same->second, out);
  }
  for (const auto& [version, component] : after)
    if (!before.contains(version)) come.push_back(component);
  const std::size_t pairs = std::min(gone.size(), come.size());
  for (std::size_t i = 0; i < pairs; ++i) {
    out.push_back(change_of(ChangeKind::version, *come[i], version_of(*gone[i]), version_of(*come[i])));
    if (licenses_of(*gone[i]) != licenses_of(*come[i]))
      out.push_back(change_of(ChangeKind::license, *come[i], licenses_of(*gone[i]), licenses_of(*come[i])));
  }
  for (std::size_t i = pairs; i < gone.size(); ++i)
    out.push_back(change_of(ChangeKind::removed, *gone[i], version_of(*gone[i]), ""));
  for (std::size_t i = pairs; i < come.size(); ++i)
    out.push_back(change_of(ChangeKind::added, *come[i], "", version_of(*come[i])));
}

}  // namespace

std::string_view to_text(ChangeKind kind) {
  constexpr std::array<std::string_view, 5> names{"added", "removed", "version", "license", "digest"};
  return names[static_cast<std::size_t>(kind)];
}

std::vector<Change> compare_catalogs(const Catalog& before, const Catalog& after) {
  const auto old_groups = group(before);
  const auto new_groups = group(after);
  const ByVersion none;
  std::vector<Change> changes;
  for (const auto& [identity, versions] : old_groups) {
    const auto other = new_groups.find(identity);
    compare_versions_of(versions, other == new_groups.end() ? none : other->second, changes);
  }
  for (const auto& [identity, versions] : new_groups)
    if (!old_groups.contains(identity)) compare_versions_of(none, versions, changes);
  std::ranges::sort(changes, [](const Change& a, const Change& b) {
    return std::tie(a.kind, a.name, a.version, a.before) < std::tie(b.kind, b.name, b.version, b.before);
  });
  return changes;
}

}  // namespace tranche::sbom
