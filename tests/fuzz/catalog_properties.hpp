// What holds for every catalog, whatever bytes it was made of.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "sbom/catalogers.hpp"

namespace tranche::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Distinct bom_refs; package URLs that read back as they are written; edges that lead somewhere.
inline void check_catalog(const Result<sbom::Catalog>& catalog) {
  if (!catalog) {
    if (catalog.error().message.empty()) std::abort();
    return;
  }
  std::set<std::string_view> references;
  for (const sbom::Component& component : catalog->components) {
    if (component.name.empty() || component.bom_ref.empty() || !references.insert(component.bom_ref).second)
      std::abort();
    if (component.purl.empty()) continue;
    const auto purl = sbom::parse_purl(component.purl);
    if (!purl || sbom::write_purl(*purl) != component.purl) std::abort();
  }
  for (const sbom::Component& component : catalog->components)
    for (const std::string& other : component.depends_on)
      if (!references.contains(other)) std::abort();
  for (const std::string& other : catalog->main.depends_on)
    if (!references.contains(other)) std::abort();
}

}  // namespace tranche::fuzz
