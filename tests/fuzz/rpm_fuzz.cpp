// The headers of a .rpm, what rpm answers, and the status file of dpkg. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/installed.hpp"
#include "sbom/rpm.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto package = sbom::read_rpm(text, "x.rpm"))
    if (package->name.empty() || !sbom::parse_purl(package->purl)) std::abort();
  fuzz::check_catalog(sbom::catalog_rpm_query(text, "rpmdb", {"fedora", "40"}));
  fuzz::check_catalog(sbom::catalog_dpkg_status(text, "status", {"debian", "12"}));
  return 0;
}
