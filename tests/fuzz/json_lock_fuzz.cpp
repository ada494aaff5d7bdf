// Lockfiles in JSON: Composer, NuGet, Conan, vcpkg, Pipenv. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::check_catalog(sbom::catalog_composer_lock(text, "composer.lock"));
  fuzz::check_catalog(sbom::catalog_nuget_lock(text, "packages.lock.json"));
  fuzz::check_catalog(sbom::catalog_deps_json(text, "x.deps.json"));
  fuzz::check_catalog(sbom::catalog_conan_lock(text, "conan.lock"));
  fuzz::check_catalog(sbom::catalog_vcpkg_manifest(text, "vcpkg.json"));
  fuzz::check_catalog(sbom::catalog_pipfile_lock(text, "Pipfile.lock"));
  return 0;
}
