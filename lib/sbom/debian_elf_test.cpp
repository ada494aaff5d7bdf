// A small root file system with a dpkg database, and artifacts that link what is in it.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "os/world.hpp"
#include "sbom/archive.hpp"
#include "sbom/elf_sample.hpp"
#include "sbom/sbom.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::sbom;
namespace fs = std::filesystem;

namespace {

using List = std::vector<std::string>;
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string elf(const List& needed, const std::string& soname = "") {
  ElfSample sample;
  sample.needed = needed;
  sample.soname = soname;
  return sample.bytes();
}

// One file of a POSIX ustar archive.
std::string tar_entry(const std::string& name, const std::string& bytes) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", bytes.size()));
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}

struct Scene {
  support::TempDirectory directory;
  os::RealWorld real;
  std::string root = directory / "root";
  Scene() {
    write("root/etc/os-release", "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\n");
    library("libssl.so.3", {"libc.so.6", "libz.so.1"});
    library("libz.so.1.2", {"libc.so.6"});
    fs::create_symlink("libz.so.1.2", root + "/usr/lib/x86_64-linux-gnu/libz.so.1");
    library("libc.so.6", {});
    library("libown.so.1", {});
    write("root/var/lib/dpkg/info/libc6:amd64.list", "/.\n/lib/x86_64-linux-gnu/libc.so.6\n");
    write("root/var/lib/dpkg/info/libssl3:amd64.list", "/usr/lib/x86_64-linux-gnu/libssl.so.3\n");
    write("root/var/lib/dpkg/info/zlib1g:amd64.list",
          "/usr/lib/x86_64-linux-gnu/libz.so.1\n/usr/lib/x86_64-linux-gnu/libz.so.1.2\n");
    write("root/var/lib/dpkg/status",
          "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u14\n\n"
          "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13-1\n\n"
          "Package: libssl3\nStatus: install ok installed\nSource: openssl\nArchitecture: amd64\nVersion: "
          "3.0.22\n");
  }
  void write(const std::string& name, std::string_view bytes) const {
    const fs::path path = directory / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  void library(const std::string& name, const List& needed) const {
    write("root/usr/lib/x86_64-linux-gnu/" + name, elf(needed, name));
  }
  Result<Catalog> read(const std::string& bytes) {
    write("artifact", bytes);
    return catalog_linked_packages(real.world().files, directory / "artifact", root);
  }
  Catalog catalog(const std::string& bytes) {
    auto result = read(bytes);
    REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
    return std::move(*result);
  }
};

List names(const Catalog& catalog) {
  List list;
  for (const Component& component : catalog.components) list.push_back(component.name);
  std::ranges::sort(list);
  return list;
}

const std::string libc = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12";
const std::string zlib = "pkg:deb/debian/zlib1g@1:1.2.13-1?arch=amd64&distro=debian-12";

}  // namespace

TEST_CASE("a program's packages are found through its libraries' libraries, with the edges between them") {
  Scene scene;
  const Catalog catalog = scene.catalog(elf({"libssl.so.3"}));
  CHECK(names(catalog) == List{"libc6", "libssl3", "zlib1g"});
  CHECK(catalog.warnings.empty());
  REQUIRE(catalog.main.depends_on.size() == 1);
  CHECK(has(catalog.main.depends_on[0], "libssl3@3.0.22"));
  const auto ssl = std::ranges::find(catalog.components, "libssl3", &Component::name);
  CHECK(ssl->properties == std::vector<std::pair<std::string, std::string>>{{"deb:source", "openssl"}});
  CHECK(ssl->depends_on == List{libc, zlib});
}

TEST_CASE("a library that nobody owns, one that is not there, and names that are paths are warnings") {
  Scene scene;
  const Catalog catalog = scene.catalog(elf({"libown.so.1", "libnone.so.9", "../../etc/passwd", ".."}));
  CHECK(catalog.components.empty());
  REQUIRE(catalog.warnings.size() == 4);
  CHECK(std::ranges::count_if(catalog.warnings, [](const auto& w) { return has(w, "not installed here"); }) ==
        3);
  CHECK(std::ranges::count_if(catalog.warnings,
                              [](const auto& w) { return has(w, "no installed package owns"); }) == 1);
}

TEST_CASE("a library link that leads out of the root is not followed") {
  Scene scene;
  scene.write("outside.so", elf({}));
  fs::create_symlink("../../../../outside.so", scene.root + "/usr/lib/x86_64-linux-gnu/libevil.so.1");
  CHECK(has(scene.catalog(elf({"libevil.so.1"})).warnings.at(0), "not installed here"));
}

TEST_CASE("ELF files inside a tar archive are read, and the libraries it brings are its own") {
  Scene scene;
  const std::string tar = tar_entry("usr/bin/notes", elf({"libnotes.so.1", "libz.so.1"})) +
                          tar_entry("usr/lib/libnotes.so.1", elf({"libc.so.6"}, "libnotes.so.1")) +
                          tar_entry("usr/share/readme", "text") + std::string(1024, '\0');
  CHECK(looks_like_archive(tar));
  const Catalog catalog = scene.catalog(tar);
  CHECK(names(catalog) == List{"libc6", "zlib1g"});
  CHECK(catalog.main.depends_on == List{libc, zlib});
  CHECK(catalog.warnings.empty());
}

TEST_CASE("lockfiles that an archive ships are listed, those of packages inside it and of examples are not") {
  Scene scene;
  const std::string lock =
      R"({"lockfileVersion": 3, "packages": {"": {"dependencies": {"%": "1"}}, "node_modules/%": {"version": "1.0.0"}}})";
  const auto with = [&](const char* name) { return replace_all(lock, "%", name); };
  const std::string tar =
      tar_entry("opt/app/Shop.deps.json",
                R"({"targets": {}, "libraries": {"Left/1.0.0": {"type": "package"}}})") +
      tar_entry("opt/app/package-lock.json", with("a")) + tar_entry("opt/web/package-lock.json", with("b")) +
      tar_entry("opt/app/node_modules/x/package-lock.json", with("c")) +
      tar_entry("usr/share/doc/x/package-lock.json", with("d")) +
      tar_entry("opt/app/yarn.lock", "no lockfile") + tar_entry("opt/requirements.txt", "-r ../x.txt\n") +
      tar_entry("usr/bin/notes", elf({"libz.so.1"})) + std::string(1024, '\0');
  const Catalog catalog = scene.catalog(tar);
  CHECK(names(catalog) == List{"Left", "a", "b", "libc6", "zlib1g"});
  CHECK(catalog.main.depends_on.size() == 3);
  REQUIRE(catalog.warnings.size() == 2);
  CHECK(has(catalog.warnings[0], "artifact/opt/app/yarn.lock:1:1: is no yarn lockfile"));
  CHECK(has(catalog.warnings[1], "artifact/opt/requirements.txt:1: '../x.txt' is not followed"));
}

TEST_CASE("an artifact with nothing to look at gives an empty catalog that says so") {
  Scene scene;
  CHECK(has(scene.catalog("just text").warnings.at(0), "neither an ELF file nor an archive"));
  CHECK(has(scene.catalog(tar_entry("a", "text") + std::string(1024, '\0')).warnings.at(0), "no ELF file"));
  CHECK(has(scene
                .catalog(std::string("\x7f"
                                     "ELF\x02\x01",
                                     6))
                .warnings.at(0),
            "header is cut"));
  ElfSample still;
  still.dynamic = false;
  CHECK(has(scene.catalog(still.bytes()).warnings.at(0), "statically linked"));
}

TEST_CASE("a broken archive and a missing artifact are errors") {
  Scene scene;
  const auto broken = scene.read(
      "\x1f\x8b"
      "garbage");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().kind == ErrorKind::invalid);
  CHECK(has(broken.error().message, "broken archive"));
  CHECK_FALSE(catalog_linked_packages(scene.real.world().files, scene.directory / "none", scene.root));
}

TEST_CASE("a blockmap beside an installer is neither code nor a broken archive") {
  Scene scene;
  scene.write("Notes.exe.blockmap", "\x1f\x8bgzipped digests");
  const auto catalog =
      catalog_linked_packages(scene.real.world().files, scene.directory / "Notes.exe.blockmap", scene.root);
  REQUIRE(catalog);
  CHECK(catalog->components.empty());
  CHECK(catalog->warnings.empty());
}

TEST_CASE("archives are bounded in entries, in bytes and in the size of an entry") {
  const std::string tar = tar_entry("a", std::string(5000, 'a')) + tar_entry("b", std::string(100, 'b')) +
                          std::string(1024, '\0');
  List taken;
  const auto walk = [&](const ArchiveLimits& limits) {
    taken.clear();
    return walk_archive(
        tar, limits, [](std::string_view, std::string_view) { return true; },
        [&](std::string_view name, const std::string& bytes) -> Result<> {
          taken.push_back(fmt::format("{}:{}", name, bytes.size()));
          return {};
        });
  };
  CHECK(*walk({}) == 0);
  CHECK(taken == List{"a:5000", "b:100"});
  CHECK(*walk({.max_entry_bytes = 4500}) == 1);
  CHECK(taken == List{"b:100"});
  CHECK(has(walk({.max_entries = 1}).error().message, "more than 1 entries"));
  CHECK(has(walk({.max_total_bytes = 5050}).error().message, "unpacks to more"));
}

TEST_CASE("everything in a repository is cataloged: lockfiles below it and what its artifacts link") {
  Scene scene;
  scene.write("repo/web/package-lock.json",
              R"({"lockfileVersion": 3, "packages": {"node_modules/left": {"version": "1.0.0"}}})");
  scene.write("repo/web/node_modules/left/package-lock.json", "never read");
  scene.write("repo/dist/notes", elf({"libz.so.1"}));
  Request request;
  request.app = "notes";
  request.version = "1.1.0";
  request.repository = scene.directory / "repo";
  request.artifacts = {scene.directory / "repo/dist/notes"};
  request.root = scene.root;
  const auto catalog = make_catalog(scene.real.world(), request);
  REQUIRE(catalog);
  CHECK(names(*catalog) == List{"left", "libc6", "zlib1g"});
  CHECK(catalog->main.bom_ref == "notes@1.1.0");
  for (const char* scan : {"../root", "/etc", "none"}) {
    request.scan = {scan};
    const auto refused = make_catalog(scene.real.world(), request);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::invalid);
  }
}
