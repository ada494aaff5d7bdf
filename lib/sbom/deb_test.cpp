// .deb files that dpkg-deb builds, read back.
#include "sbom/deb.hpp"

#include <cstdlib>
#include <filesystem>

#include "os/world.hpp"
#include "sbom/elf_sample.hpp"
#include "sbom/lock_samples.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

namespace {

struct Scene {
  support::TempDirectory directory;
  os::RealWorld real;
  ports::World& world = real.world();

  bool ready() {
    if (support::have_program(world.process, "dpkg-deb")) return true;
    MESSAGE("skipped: dpkg-deb is missing (apt-get install dpkg)");
    CHECK(std::getenv("TRANCHE_REQUIRE_PEERS") == nullptr);
    return false;
  }
  void write(const std::string& path, std::string_view bytes) {
    REQUIRE(world.files.write(directory / path, bytes));
  }
  std::string build(const std::string& packing = "xz") {
    const auto built = world.process.run({.argv = {"dpkg-deb", "-Z" + packing, "--root-owner-group",
                                                   "--build", directory / "tree", directory / "notes.deb"}});
    REQUIRE(built.has_value());
    REQUIRE_MESSAGE(built->exit_code == 0, built->err);
    return directory / "notes.deb";
  }
};

constexpr std::string_view control =
    "Package: notes\nVersion: 1:1.2.0-1\nArchitecture: amd64\nSource: notes-src (1:1.2.0-1)\n"
    "Maintainer: Ana <ana@example.org>\nPre-Depends: dpkg\nDepends: libz1 (>= 1.2) | libother, libsmall1, "
    "absent\n"
    "Description: notes\n that stay\n";
constexpr std::string_view copyright =
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
    "Files: *\nCopyright: 2026 Ana\nLicense: Expat\n\n"
    "Files: vendor/*\nCopyright: others\nLicense: GPL-2+\n Text.\n\nLicense: Expat\n Text.\n";

}  // namespace

TEST_CASE("a .deb is the package that its control file names, and needs what its programs link") {
  Scene scene;
  if (!scene.ready()) return;
  ElfSample program;
  program.needed = {"libz.so.1"};
  ElfSample library;
  library.soname = "libz.so.1";
  scene.write("root/etc/os-release", "ID=debian\nVERSION_ID=12\n");
  scene.write("root/usr/lib/x86_64-linux-gnu/libz.so.1", library.bytes());
  scene.write("root/var/lib/dpkg/info/libz1:amd64.list", "/usr/lib/x86_64-linux-gnu/libz.so.1\n");
  scene.write("root/var/lib/dpkg/status",
              "Package: libz1\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.3\n");
  scene.write("tree/DEBIAN/control", control);
  scene.write("tree/usr/bin/notes", program.bytes());
  scene.write("tree/usr/share/doc/notes/copyright", copyright);
  for (const char* packing : {"xz", "gzip", "zstd", "none"}) {
    CAPTURE(packing);
    const std::string path = scene.build(packing);
    const Catalog catalog = taken(make_catalog(
        scene.world, {.app = "x", .scan = {}, .root = scene.directory / "root", .paths = {path}}));
    const std::string self = "pkg:deb/debian/notes@1:1.2.0-1?arch=amd64";
    const std::string libz = "pkg:deb/debian/libz1@1.3?arch=amd64&distro=debian-12";
    CHECK(listed(catalog) == List{libz, self});
    const Component& package = at(catalog, self);
    CHECK(package.depends_on == List{libz});
    CHECK(package.licenses == List{"GPL-2.0-or-later", "MIT"});
    CHECK(package.supplier == "Ana <ana@example.org>");
    CHECK(package.description == "notes");
    CHECK(package.properties ==
          std::vector<std::pair<std::string, std::string>>{{"deb:source", "notes-src (1:1.2.0-1)"}});
    const auto theirs = scene.world.process.run({.argv = {"sha256sum", path}});
    REQUIRE(theirs);
    CHECK(package.hashes == std::vector{Hash{"SHA-256", theirs->out.substr(0, 64)}});
    CHECK(catalog.main.depends_on == List{self});
    CHECK(catalog.warnings.empty());
  }
}

TEST_CASE(
    "a package cut off anywhere is refused or read from what is there, and one without names is a warning") {
  Scene scene;
  if (!scene.ready()) return;
  scene.write("tree/DEBIAN/control", control);
  scene.write("tree/usr/bin/notes", ElfSample{}.bytes());
  const std::string path = scene.build("gzip");
  const std::string bytes = *scene.world.files.read(path, 1 << 20).value();
  std::size_t taken_from = 0;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto package = read_deb(std::string_view(bytes).substr(0, size), "x");
    if (package && taken_from == 0) taken_from = size;
    CHECK(package.has_value() == (taken_from != 0));
    if (!package) CHECK(package.error().kind == ErrorKind::invalid);
  }
  CHECK(taken_from > 100);
  CHECK(taken_from < bytes.size());
  for (std::size_t i = 0; i < taken_from; ++i) {
    std::string flipped = bytes.substr(0, taken_from);
    flipped[i] = static_cast<char>(flipped[i] ^ 0x80);
    (void)read_deb(flipped, "x");
  }

  // A member called control beside control.tar is not what dpkg reads.
  std::string other = "!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n";
  other += "control         0           0     0     100644  22        `\nPackage: x\nVersion: 1\n";
  CHECK_FALSE(read_deb(other, "x"));
  scene.write("x.deb", other);
  const Catalog catalog =
      taken(make_catalog(scene.world, {.app = "x", .scan = {}, .paths = {scene.directory / "x.deb"}}));
  CHECK(catalog.components.empty());
  REQUIRE(catalog.warnings.size() == 2);
  CHECK_MESSAGE(has(catalog.warnings[1], "no control file"), catalog.warnings[1]);
}

TEST_CASE("Debian's names of licences become SPDX's; what has no counterpart stays as it stands") {
  const auto read = [](const std::string& license) {
    return read_debian_copyright(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: "
        "x\nLicense: " +
        license + "\n");
  };
  struct Row {
    std::string debian, spdx;
  };
  for (const Row& row :
       {Row{"Expat", "MIT"}, Row{"GPL-3", "GPL-3.0-only"}, Row{"LGPL-2.1+", "LGPL-2.1-or-later"},
        Row{"BSD-3-clause", "BSD-3-Clause"}, Row{"Apache-2.0", "Apache-2.0"}, Row{"zlib", "Zlib"},
        Row{"GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"},
        Row{"GPL-1+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0"},
        Row{"Perl", "(GPL-1.0-or-later OR Artistic-1.0)"},
        Row{"GPL-2+ or Expat, and ISC", "(GPL-2.0-or-later OR MIT) AND ISC"},
        Row{"GPL-2+ with OpenSSL exception", "GPL-2+ with OpenSSL exception"},
        Row{"public-domain", "public-domain"}}) {
    CAPTURE(row.debian);
    CHECK(read(row.debian) == List{row.spdx});
  }
  CHECK(read_debian_copyright("This package is free software.\n").empty());
  CHECK(read_debian_copyright("Files: *\nLicense: MIT\n").empty());
  CHECK(read_debian_copyright("").empty());
}

TEST_CASE("the licences of installed packages come from their copyright files, and from nowhere outside") {
  Scene scene;
  scene.write("root/var/lib/dpkg/status",
              "Package: notes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
              "Package: evil\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n");
  scene.write("root/usr/share/doc/notes/copyright", copyright);
  scene.write("outside/copyright", copyright);
  std::filesystem::create_symlink("../../../../outside", scene.directory / "root/usr/share/doc/evil");
  const Catalog catalog =
      taken(make_catalog(scene.world, {.app = "x", .scan = {}, .paths = {scene.directory / "root"}}));
  REQUIRE(catalog.components.size() == 2);
  CHECK(catalog.components[0].licenses.empty());
  CHECK(catalog.components[1].licenses == List{"GPL-2.0-or-later", "MIT"});
}
