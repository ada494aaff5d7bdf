// Writes SBOMs for the validators in this directory.
//
//   sbom_writer npm LOCKFILE        components and edges of a lockfile
//   sbom_writer elf ARTIFACT...     the Debian packages that artifacts link
#include <cstdio>
#include <string>
#include <string_view>

#include "os/world.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/cyclonedx.hpp"
#include "sbom/sbom.hpp"

using namespace tranche;

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  os::RealWorld real;
  auto& files = real.world().files;
  std::vector<sbom::Catalog> catalogs;
  for (int i = 2; i < argc; ++i) {
    auto catalog = [&]() -> Result<sbom::Catalog> {
      if (std::string_view(argv[1]) == "elf") return sbom::catalog_linked_packages(files, argv[i]);
      const auto text = TRY(files.read(argv[i], 64 << 20));
      if (!text) return fail(ErrorKind::invalid, "no such file");
      return sbom::catalog_npm_lock(*text, argv[i]);
    }();
    if (!catalog) {
      std::fprintf(stderr, "sbom_writer: %s\n", catalog.error().message.c_str());
      return 1;
    }
    catalogs.push_back(std::move(*catalog));
  }
  sbom::Component main = catalogs.front().main;
  main.type = "application";
  const sbom::Catalog all = sbom::merge(std::move(main), std::move(catalogs));
  for (const std::string& warning : all.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  std::fputs(sbom::to_cyclonedx(all, *parse_instant("2026-11-21T10:45:00Z"), "0.0.0").c_str(), stdout);
  return 0;
}
