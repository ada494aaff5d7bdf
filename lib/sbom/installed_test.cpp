#include "sbom/installed.hpp"

#include <cstdlib>
#include <set>

#include "base/text.hpp"
#include "os/world.hpp"
#include "sbom/lock_samples.hpp"
#include "sbom/rpm.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

namespace {

bool peers_required() {
  const char* required = std::getenv("TRANCHE_REQUIRE_PEERS");
  return required != nullptr && std::string(required) == "1";
}

constexpr std::string_view status = R"(Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9
Maintainer: GNU Libc Maintainers
Description: GNU C Library: Shared libraries
 Contains the standard libraries.

Package: mail-agent
Status: install ok installed
Architecture: amd64
Version: 1.0
Provides: mta (= 1), smtp

Package: shop
Status: hold ok installed
Architecture: amd64
Version: 1:2.0-1
Pre-Depends: libc6 (>= 2.34)
Depends: exim | mta, gone

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1.0
)";

}  // namespace

TEST_CASE("dpkg's status lists what is installed, with the edges to what satisfies them") {
  const Catalog catalog = taken(catalog_dpkg_status(status, "status", {"debian", "12"}));
  CHECK(listed(catalog) == List{"pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
                                "pkg:deb/debian/mail-agent@1.0?arch=amd64&distro=debian-12",
                                "pkg:deb/debian/shop@1:2.0-1?arch=amd64&distro=debian-12"});
  CHECK(catalog.components[0].description == "GNU C Library: Shared libraries");
  CHECK(catalog.components[0].properties.at(0) == std::pair<std::string, std::string>("deb:source", "glibc"));
  CHECK(catalog.components[2].depends_on ==
        List{catalog.components[0].bom_ref, catalog.components[1].bom_ref});
  CHECK(catalog.main.depends_on == List{catalog.components[2].bom_ref});
}

TEST_CASE("the packages of this machine are those that dpkg-query names") {
  os::RealWorld real;
  const auto answer = real.world().process.run(
      {.argv = {"dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture}\\n"},
       .max_output_bytes = 8 << 20});
  if (!answer || answer->exit_code != 0) {
    MESSAGE("skipped: dpkg-query is missing (apt-get install dpkg)");
    CHECK_FALSE(peers_required());
    return;
  }
  std::set<std::string> theirs;
  for (const std::string_view line : split(answer->out, '\n'))
    if (line.starts_with("installed ")) theirs.emplace(line.substr(10));
  const Catalog catalog = taken(catalog_installed_system(real.world().files, nullptr, "/"));
  std::set<std::string> ours;
  for (const Component& component : catalog.components)
    ours.insert(fmt::format("{} {} {}", component.name, component.version,
                            parse_purl(component.purl)->qualifier("arch")));
  CHECK(ours == theirs);
}

TEST_CASE("what rpm answers is listed, with the edges that capabilities make") {
  const Catalog catalog = taken(catalog_rpm_query(
      "glibc\t(none)\t2.38\t1.fc40\tx86_64\tLGPL-2.1-or-later\tFedora "
      "Project\tglibc-2.38-1.fc40.src.rpm\tlibc.so.6()(64bit) glibc \trtld(X) \n"
      "shop\t1\t2.0\t3\tx86_64\tMIT\t(none)\tshop-2.0-3.src.rpm\tshop \tlibc.so.6()(64bit) /bin/sh \n"
      "gpg-pubkey\t(none)\tabc\tdef\t(none)\tpubkey\t(none)\t(none)\tgpg(x) \t\n"
      "broken\n",
      "rpmdb", {"fedora", "40"}));
  CHECK(listed(catalog) == List{"pkg:rpm/fedora/glibc@2.38-1.fc40?arch=x86_64&distro=fedora-40",
                                "pkg:rpm/fedora/shop@2.0-3?arch=x86_64&distro=fedora-40&epoch=1"});
  CHECK(catalog.components[1].depends_on == List{catalog.components[0].bom_ref});
  CHECK(catalog.components[0].licenses == List{"LGPL-2.1-or-later"});
  CHECK(catalog.main.depends_on == List{catalog.components[1].bom_ref});
  CHECK(catalog.warnings == List{"rpmdb:4: this is no line of rpm's answer"});
}

TEST_CASE("a package that rpmbuild made reads as rpm reads it, and its installed database lists it") {
  support::TempDirectory directory;
  os::RealWorld real;
  ports::World world = real.world();
  REQUIRE(world.files.write(directory / "x.spec",
                            "Name: tranche-sample\nEpoch: 2\nVersion: 1.5\nRelease: 3\nSummary: A "
                            "sample\nLicense: MIT AND BSD-3-Clause\n"
                            "Vendor: Acme\nBuildArch: noarch\n%description\nx\n%files\n"));
  const auto built = world.process.run({.argv = {"rpmbuild", "-bb", "--quiet", "--define",
                                                 "_topdir " + directory.path(), directory / "x.spec"},
                                        .environment = {{"HOME", directory.path()}}});
  if (!built) {
    MESSAGE("skipped: rpmbuild is missing (apt-get install rpm)");
    CHECK_FALSE(peers_required());
    return;
  }
  REQUIRE_MESSAGE(built->exit_code == 0, built->err);
  const std::string path = directory / "RPMS/noarch/tranche-sample-1.5-3.noarch.rpm";
  Catalog catalog = taken(catalog_rpm_file(world.files, path));
  REQUIRE(catalog.components.size() == 1);
  const Component component = catalog.components[0];
  CHECK(component.purl == "pkg:rpm/tranche-sample@1.5-3?arch=noarch&epoch=2");
  CHECK(component.description == "A sample");
  CHECK(component.supplier == "Acme");
  CHECK(component.licenses == List{"MIT AND BSD-3-Clause"});
  const auto theirs = world.process.run({.argv = {"sha256sum", path}});
  REQUIRE(theirs);
  CHECK(theirs->out.substr(0, 64) == component.hashes.at(0).hex);

  // Cut off anywhere in its headers it is refused; any byte of them changed breaks nothing.
  const std::string bytes = *world.files.read(path, 1 << 20).value();
  std::size_t taken_from = 0;
  for (std::size_t size = 0; size < bytes.size() && taken_from == 0; ++size)
    if (read_rpm(std::string_view(bytes).substr(0, size), "x")) taken_from = size;
  CHECK(taken_from > 200);
  for (std::size_t i = 0; i < taken_from; ++i) {
    std::string flipped = bytes.substr(0, taken_from);
    flipped[i] = static_cast<char>(flipped[i] ^ 0x80);
    (void)read_rpm(flipped, "x");
  }

  const std::string database = directory / "root/var/lib/rpm";
  REQUIRE(world.files.make_directories(database));
  const auto installed = world.process.run(
      {.argv = {"rpm", "--dbpath", database, "-i", "--nodeps", "--justdb", "--noscripts", path},
       .environment = {{"HOME", directory.path()}}});
  REQUIRE(installed);
  REQUIRE_MESSAGE(installed->exit_code == 0, installed->err);
  REQUIRE(world.files.write(directory / "root/etc/os-release", "ID=fedora\nVERSION_ID=40\n"));
  CHECK(*is_installed_system(world.files, directory / "root"));
  const Catalog system = taken(make_catalog(world, {.app = "x", .scan = {}, .paths = {directory / "root"}}));
  CHECK(listed(system) == List{"pkg:rpm/fedora/tranche-sample@1.5-3?arch=noarch&distro=fedora-40&epoch=2"});
  const Catalog without = taken(catalog_installed_system(world.files, nullptr, directory / "root"));
  CHECK(without.components.empty());
  REQUIRE(without.warnings.size() == 1);
  CHECK(has(without.warnings[0], "the program rpm is missing"));
}
