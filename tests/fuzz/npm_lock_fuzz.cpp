// A lockfile is text from a pull request: no bytes may crash its reader, every component has a purl of its
// own, and every document made of one is JSON. rooms: sbom
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "doc/value.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/cyclonedx.hpp"
#include "sbom/sbom.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto catalog =
      sbom::catalog_npm_lock(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.json");
  if (!catalog) return 0;
  std::set<std::string> references;
  for (const sbom::Component& component : catalog->components)
    if (!component.purl.starts_with("pkg:npm/") || !references.insert(component.bom_ref).second) std::abort();
  sbom::Component main = catalog->main;
  std::vector<sbom::Catalog> catalogs;
  catalogs.push_back(std::move(*catalog));
  const std::string bom =
      sbom::to_cyclonedx(sbom::merge(std::move(main), std::move(catalogs)), Instant{}, "0");
  if (!doc::parse_json(bom, "bom", {.max_bytes = 1 << 28, .max_depth = 64, .max_nodes = 100'000'000}))
    std::abort();
  return 0;
}
