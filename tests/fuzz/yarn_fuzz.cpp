// A yarn.lock, of version 1 or of berry, is text from a pull request. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::check_catalog(sbom::catalog_yarn_lock(text, "yarn.lock"));
  fuzz::check_catalog(
      sbom::catalog_yarn_lock(text, "yarn.lock", R"({"name": "x", "dependencies": {"left": "^1.0.0"}})"));
  return 0;
}
