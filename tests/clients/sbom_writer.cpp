// Writes and reads SBOMs for the validators in this directory.
//
//   sbom_writer FORMAT npm LOCKFILE        components and edges of a lockfile, as cyclonedx-1.6, ...
//   sbom_writer FORMAT elf ARTIFACT...     the Debian packages that artifacts link
//   sbom_writer FORMAT sample              an application with one of everything that a document can say
//   sbom_writer check FILE...              "ok FILE" or "refused FILE: why" for each
#include <cstdio>
#include <string>
#include <string_view>

#include "os/world.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/read.hpp"
#include "sbom/sbom.hpp"
#include "sbom/write.hpp"

using namespace tranche;

namespace {

Result<sbom::Catalog> read_catalog(ports::Files& files, std::string_view kind, const std::string& path) {
  if (kind == "elf") return sbom::catalog_linked_packages(files, path);
  const auto text = TRY(files.read(path, 64 << 20));
  if (!text) return fail(ErrorKind::invalid, "no such file");
  return sbom::catalog_npm_lock(*text, path);
}

sbom::Catalog sample() {
  sbom::Catalog catalog;
  catalog.main.type = "application";
  catalog.main.name = "shop";
  catalog.main.version = "2.0.0";
  catalog.main.bom_ref = "shop@2.0.0";
  catalog.main.depends_on = {"pkg:huggingface/acme/tiny@1", "pkg:npm/%40scope/left@1.0.0"};
  sbom::Component left;
  left.group = "@scope";
  left.name = "left";
  left.version = "1.0.0";
  left.purl = left.bom_ref = "pkg:npm/%40scope/left@1.0.0";
  left.hashes = {{"SHA-1", std::string(40, 'a')}, {"SHA-512", std::string(128, 'b')}};
  left.licenses = {"MIT", "Somebody's own", "ISC OR Apache-2.0"};
  left.supplier = "Acme";
  left.description = "left, \x01 and \"right\"";
  left.download = "https://example.test/a b<c>.tgz#main";
  left.properties = {{"tranche:place", "vendor/left"}};
  left.depends_on = {"pkg:npm/right@1.0.0"};
  sbom::Component right;
  right.name = "right";
  right.version = "1.0.0";
  right.purl = right.bom_ref = "pkg:npm/right@1.0.0";
  right.licenses = {"GPL-2.0-only WITH Classpath-exception-2.0"};
  right.scope = "optional";
  sbom::Component model;
  model.type = "machine-learning-model";
  model.name = "tiny";
  model.version = "1";
  model.purl = model.bom_ref = "pkg:huggingface/acme/tiny@1";
  model.hashes = {{"SHA-256", std::string(64, 'c')}};
  model.model = sbom::ModelCard{"text-generation", "transformer", "llama", {{"parameters", "1100000000"}}};
  model.scope = "excluded";
  catalog.components = {left, right, model};
  return catalog;
}

int check(ports::Files& files, int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    const auto text = files.read(argv[i], sbom::max_bom_bytes);
    if (!text || !*text) return 2;
    const auto bom = sbom::read_bom(**text, argv[i]);
    if (bom)
      std::printf("ok %s\n", argv[i]);
    else
      std::printf("refused %s: %s\n", argv[i], bom.error().message.c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  os::RealWorld real;
  auto& files = real.world().files;
  if (std::string_view(argv[1]) == "check") return check(files, argc, argv);
  const std::string_view kind = argv[2];
  sbom::Catalog all = sample();
  if (kind != "sample") {
    std::vector<sbom::Catalog> catalogs;
    for (int i = 3; i < argc; ++i) {
      auto catalog = read_catalog(files, kind, argv[i]);
      if (!catalog) {
        std::fprintf(stderr, "sbom_writer: %s\n", catalog.error().message.c_str());
        return 1;
      }
      catalogs.push_back(std::move(*catalog));
    }
    if (catalogs.empty()) return 2;
    sbom::Component main = catalogs.front().main;
    main.type = "application";
    all = sbom::merge(std::move(main), std::move(catalogs));
  }
  for (const std::string& warning : all.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  const auto bom = sbom::write_bom(all, argv[1], *parse_instant("2026-11-21T10:45:00Z"), "0.0.0");
  if (!bom) return 1;
  std::fputs(bom->c_str(), stdout);
  return 0;
}
