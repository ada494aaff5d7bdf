#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "artifact/collect.hpp"
#include "base/encoding.hpp"
#include "crypto/hash.hpp"
#include "os/world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::artifact;
namespace fs = std::filesystem;

namespace {

std::string sha512(std::string_view bytes) {
  return to_base64(crypto::hash(crypto::HashKind::sha512, bytes));
}

struct Scene {
  support::TempDirectory directory;
  os::RealWorld real;
  std::string repository = directory / "repo";
  void write(const std::string& path, std::string_view bytes) const {
    const fs::path full = fs::path(repository) / path;
    fs::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  void write_yml(const std::string& path, const std::string& url, std::string_view bytes,
                 std::size_t size) const {
    write(path, fmt::format("version: 1.2.0\nfiles:\n  - url: {0}\n    sha512: {1}\n    size: {2}\n"
                            "path: {0}\nsha512: {1}\nreleaseDate: '2026-01-01T00:00:00.000Z'\n",
                            url, sha512(bytes), size));
  }
  Result<std::vector<Artifact>> collect(std::vector<Pattern> patterns, std::string_view version = "1.2.0") {
    return artifact::collect(real.world().files, repository, patterns, version);
  }
  Error refused(ErrorKind kind = ErrorKind::invalid) {
    const auto result = collect({{"dist/latest*.yml", "", "electron-builder", {}}});
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == kind);
    CHECK_FALSE(result.error().hint.empty());
    return result.error();
  }
};
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a latest.yml brings its files, their blockmaps and their platform, and stays out itself") {
  Scene scene;
  scene.write("dist/Notes-1.2.0.exe", "installer");
  scene.write("dist/Notes-1.2.0.exe.blockmap", "map");
  scene.write("dist/Notes-1.2.0-arm64-mac.zip", "zip");
  scene.write("dist/Notes-1.2.0.AppImage", "image");
  scene.write("dist/builder-debug.yml", "x: 1\n");
  scene.write_yml("dist/latest.yml", "Notes-1.2.0.exe", "installer", 9);
  scene.write_yml("dist/latest-mac.yml", "Notes-1.2.0-arm64-mac.zip", "zip", 3);
  scene.write_yml("dist/latest-linux.yml", "Notes-1.2.0.AppImage", "image", 5);
  const auto found = scene.collect({{"dist/latest*.yml", "", "electron-builder", {}}});
  REQUIRE(found);
  REQUIRE(found->size() == 4);
  const auto& list = *found;
  CHECK(list[0].name == "Notes-1.2.0-arm64-mac.zip");
  CHECK(list[0].platform == "darwin/arm64");
  CHECK(list[0].metadata.ends_with("dist/latest-mac.yml"));
  CHECK(list[0].sha512 == to_hex(crypto::hash(crypto::HashKind::sha512, "zip")));
  CHECK(list[1].name == "Notes-1.2.0.AppImage");
  CHECK(list[1].platform == "linux/amd64");
  CHECK(list[2].name == "Notes-1.2.0.exe");
  CHECK(list[2].platform == "windows/amd64");
  CHECK(list[3].name == "Notes-1.2.0.exe.blockmap");
  CHECK(list[3].platform == "windows/amd64");
  CHECK(list[3].sha512.empty());
}

TEST_CASE("a file that a plain pattern finds too is one artifact, with what its yml says of it") {
  Scene scene;
  scene.write("dist/Notes.AppImage", "image");
  scene.write_yml("dist/latest-linux.yml", "Notes.AppImage", "image", 5);
  const Pattern plain{"dist/*.AppImage", "", "", {}}, built{"dist/latest*.yml", "", "electron-builder", {}};
  for (const auto& patterns : {std::vector{plain, built}, std::vector{built, plain}}) {
    const auto found = scene.collect(patterns);
    REQUIRE(found);
    REQUIRE(found->size() == 1);
    CHECK(found->front().platform == "linux/amd64");
    CHECK_FALSE(found->front().metadata.empty());
  }
}

TEST_CASE("a file with blanks is found by the name with dashes that GitHub's publisher writes") {
  Scene scene;
  scene.write("dist/Notes Agent Setup 1.2.0.exe", "installer");
  for (const char* url :
       {"Notes-Agent-Setup-1.2.0.exe", "Notes Agent Setup 1.2.0.exe", "Notes%20Agent%20Setup%201.2.0.exe"}) {
    CAPTURE(url);
    scene.write_yml("dist/latest.yml", url, "installer", 9);
    const auto found = scene.collect({{"dist/latest.yml", "", "electron-builder", {}}});
    REQUIRE(found);
    REQUIRE(found->size() == 1);
    CHECK(found->front().name == "Notes-Agent-Setup-1.2.0.exe");
    CHECK(found->front().path.ends_with("Notes Agent Setup 1.2.0.exe"));
  }
}

TEST_CASE("a web installer's packages are artifacts too") {
  Scene scene;
  scene.write("dist/Notes.exe", "stub");
  scene.write("dist/notes-1.2.0-x64.nsis.7z", "package");
  scene.write(
      "dist/latest.yml",
      fmt::format("version: 1.2.0\nfiles:\n  - {{url: Notes.exe, sha512: '{}', size: 4}}\npackages:\n"
                  "  x64: {{path: notes-1.2.0-x64.nsis.7z, size: 7, sha512: '{}', blockMapSize: 3}}\n",
                  sha512("stub"), sha512("package")));
  const auto found = scene.collect({{"dist/latest.yml", "", "electron-builder", {}}});
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK(found->back().name == "notes-1.2.0-x64.nsis.7z");
}

TEST_CASE("bytes that are not what the yml says are refused as unverified") {
  Scene scene;
  scene.write("dist/Notes.exe", "Installer");
  scene.write_yml("dist/latest.yml", "Notes.exe", "installer", 9);
  CHECK(has(scene.refused(ErrorKind::verification).message, "SHA-512"));
  scene.write_yml("dist/latest.yml", "Notes.exe", "Installer", 8);
  CHECK(has(scene.refused(ErrorKind::verification).message, "has 8 bytes, it has 9"));
}

TEST_CASE("a yml of another version, of a missing file or without a digest is refused") {
  Scene scene;
  scene.write("dist/Notes.exe", "installer");
  scene.write_yml("dist/latest.yml", "Notes.exe", "installer", 9);
  const auto other = scene.collect({{"dist/latest.yml", "", "electron-builder", {}}}, "1.3.0");
  REQUIRE_FALSE(other);
  CHECK(has(other.error().message, "of version 1.2.0, not 1.3.0"));
  scene.write_yml("dist/latest.yml", "Other.exe", "installer", 9);
  CHECK(has(scene.refused().message, "'Other.exe', which is not beside it"));
  scene.write("dist/latest.yml", "version: 1.2.0\nfiles:\n  - url: Notes.exe\n");
  CHECK(has(scene.refused().message, "no SHA-512"));
  scene.write("dist/latest.yml", "version: 1.2.0\n");
  CHECK(has(scene.refused().message, "names no file"));
  scene.write("dist/latest.yml", "version: [1\n");
  scene.refused();
}

TEST_CASE("a yml cannot bring files from outside the repository or another directory") {
  Scene scene;
  std::ofstream(scene.directory / "secret") << "installer";
  fs::create_directories(scene.repository + "/dist");
  for (const char* url : {"../../secret", "/etc/passwd", "..%2f..%2fsecret", "https://host.example/secret"}) {
    CAPTURE(url);
    scene.write_yml("dist/latest.yml", url, "installer", 9);
    CHECK(has(scene.refused().message, "not beside it"));
  }
  fs::create_symlink(scene.directory / "secret", scene.repository + "/dist/secret");
  scene.write_yml("dist/latest.yml", "secret", "installer", 9);
  CHECK(has(scene.refused().message, "leaves the repository"));
}
