// Lockfiles in TOML, of Cargo and of Python, and the reader of TOML below them. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::check_catalog(sbom::catalog_cargo_lock(text, "Cargo.lock"));
  fuzz::check_catalog(sbom::catalog_python_lock(text, "uv.lock", "uv"));
  return 0;
}
