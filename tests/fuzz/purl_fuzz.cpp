// A package URL from elsewhere: what is read is written in its canonical form, which reads as the same.
// rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/purl.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto purl = sbom::parse_purl(text)) {
    const std::string canonical = sbom::write_purl(*purl);
    const auto again = sbom::parse_purl(canonical);
    // Escaping may make it longer than what is read.
    if (canonical.size() <= sbom::max_purl_bytes && (!again || *again != *purl)) std::abort();
  }
  return 0;
}
