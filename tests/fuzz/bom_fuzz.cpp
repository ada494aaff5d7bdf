// A bill of materials made elsewhere is a stranger's text: no bytes may crash its reader; what it takes has
// components of distinct names, edges that lead somewhere, and no differences from itself. rooms: sbom
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "sbom/diff.hpp"
#include "sbom/licenses.hpp"
#include "sbom/read.hpp"
#include "sbom/write.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto expression = sbom::parse_license_expression(text)) {
    const auto again = sbom::parse_license_expression(expression->text);
    if (!again || again->text != expression->text) std::abort();
  }
  const auto bom = sbom::read_bom(text, "fuzz.json");
  if (!bom) return 0;
  const sbom::Catalog& catalog = bom->catalog;
  std::set<std::string> references;
  for (const sbom::Component& component : catalog.components)
    if (component.bom_ref.empty() || !references.insert(component.bom_ref).second) std::abort();
  references.insert(catalog.main.bom_ref);
  const auto check = [&](const sbom::Component& component) {
    for (const std::string& other : component.depends_on)
      if (!references.contains(other)) std::abort();
  };
  check(catalog.main);
  for (const sbom::Component& component : catalog.components) check(component);
  if (!sbom::compare_catalogs(catalog, catalog).empty()) std::abort();
  for (const std::string_view format : sbom::bom_formats)
    if (!sbom::write_bom(catalog, format, Instant{}, "0")) std::abort();
  return 0;
}
