// A Gemfile.lock. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::check_catalog(sbom::catalog_gemfile_lock(text, "Gemfile.lock"));
  return 0;
}
