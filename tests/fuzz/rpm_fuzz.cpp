// The headers of a .rpm, what rpm answers, the status file of dpkg, a .deb and a copyright file. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/deb.hpp"
#include "sbom/installed.hpp"
#include "sbom/rpm.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto package = sbom::read_rpm(text, "x.rpm"))
    if (package->name.empty() || !sbom::parse_purl(package->purl)) std::abort();
  if (const auto package = sbom::read_deb(text, "x.deb"))
    if (package->component.version.empty() || !sbom::parse_purl(package->component.purl)) std::abort();
  for (const std::string& license : sbom::read_debian_copyright(text))
    if (license.empty()) std::abort();
  fuzz::check_catalog(sbom::catalog_rpm_query(text, "rpmdb", {"fedora", "40"}));
  fuzz::check_catalog(sbom::catalog_dpkg_status(text, "status", {"debian", "12"}));
  return 0;
}
