#include "sbom/subject.hpp"

#include <algorithm>

#include "base/paths.hpp"
#include "base/text.hpp"

namespace tranche::sbom {

namespace {

// Empty when the component has none.
std::string digest_of(const Component& component) {
  const auto hash = std::ranges::find(component.hashes, "SHA-256", &Hash::algorithm);
  if (hash != component.hashes.end()) return lower(hash->hex);
  const std::string version = lower(component.version);
  return version.starts_with("sha256:") ? version.substr(7) : std::string();
}

Result<> check_component(const Component& component, std::string_view name,
                         std::span<const ShippedFile> files) {
  const auto file = std::ranges::find(files, name, &ShippedFile::name);
  const std::string digest = file == files.end() ? std::string() : digest_of(component);
  if (digest.empty() || digest == file->sha256) return {};
  return fail_hint(ErrorKind::verification, "make it anew from the files that are shipped",
                   "the SBOM is of another '{}': sha256 {}, and what is shipped has {}", printable(name),
                   printable(digest, 64), file->sha256);
}

}  // namespace

Result<> check_subject(const Catalog& catalog, std::span<const ShippedFile> files) {
  TRY(check_component(catalog.main, base_name(catalog.main.name), files));
  for (const Component& component : catalog.components)
    TRY(check_component(component, component.name, files));
  return {};
}

}  // namespace tranche::sbom
