// A pnpm-lock.yaml of any version. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::check_catalog(sbom::catalog_pnpm_lock(text, "pnpm-lock.yaml"));
  return 0;
}
