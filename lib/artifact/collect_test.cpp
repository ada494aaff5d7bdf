#include "artifact/collect.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/digest.hpp"
#include "os/world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::artifact;
namespace fs = std::filesystem;

namespace {

struct Scene {
  support::TempDirectory directory;
  os::RealWorld real;
  ports::Files& files = real.world().files;
  std::string repository = directory / "repo";
  Scene() { fs::create_directories(repository); }
  void write(const std::string& path, std::string_view bytes = "x") const {
    const fs::path full = fs::path(repository) / path;
    fs::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  Result<std::vector<Artifact>> collect(const std::vector<std::string>& paths,
                                        std::string_view version = "1.1.0") {
    std::vector<Pattern> patterns;
    for (const std::string& path : paths) patterns.push_back({path, "", "", {}});
    return artifact::collect(files, repository, patterns, version);
  }
  Error refused(const std::vector<std::string>& paths) {
    const auto result = collect(paths);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::invalid);
    CHECK_FALSE(result.error().hint.empty());
    return result.error();
  }
};

std::vector<std::string> names(const Result<std::vector<Artifact>>& artifacts) {
  REQUIRE(artifacts);
  std::vector<std::string> list;
  for (const Artifact& one : *artifacts) list.push_back(one.name);
  return list;
}
using Names = std::vector<std::string>;
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("patterns name files with their platform, size and digest, sorted by name") {
  Scene scene;
  scene.write("dist/notes_1.1.0_amd64.deb", "deb");
  scene.write("dist/notes_1.0.0_amd64.deb", "old");
  scene.write("dist/deeper/notes.AppImage");
  scene.write("notes-1.1.0.tar.gz", "");
  const auto artifacts = scene.collect({"notes-{version}.tar.gz", "dist/*_{version}_*.deb"});
  REQUIRE(names(artifacts) == Names{"notes-1.1.0.tar.gz", "notes_1.1.0_amd64.deb"});
  CHECK((*artifacts)[0].platform == "any");
  CHECK((*artifacts)[0].sha256 == crypto::to_hex(crypto::sha256("")));
  CHECK((*artifacts)[1].platform == "linux/amd64");
  CHECK((*artifacts)[1].size == 3);
  CHECK((*artifacts)[1].sha256 == crypto::to_hex(crypto::sha256("deb")));
  CHECK(scene.files.read((*artifacts)[1].path, 10).value() == "deb");
}

TEST_CASE("two stars cross directories, one does not, and .git is never looked into") {
  Scene scene;
  scene.write("a/b/c/x.bin");
  scene.write("a/y.bin");
  scene.write(".git/objects/z.bin");
  CHECK(names(scene.collect({"**/*.bin"})) == Names{"x.bin", "y.bin"});
  CHECK(names(scene.collect({"a/*.bin"})) == Names{"y.bin"});
  CHECK(names(scene.collect({"./a//../a/?.bin"})) == Names{"y.bin"});
}

TEST_CASE("a file that two patterns name is one artifact") {
  Scene scene;
  scene.write("dist/a.deb");
  CHECK(names(scene.collect({"dist/*", "dist/a.deb"})) == Names{"a.deb"});
}

TEST_CASE("a pattern that matches nothing is refused, with the nearest name as hint") {
  Scene scene;
  scene.write("dist/notes.deb");
  CHECK(has(scene.refused({"dist/*.rpm"}).message, "no file matches 'dist/*.rpm'"));
  CHECK(scene.refused({"dist/note.deb"}).hint == "did you mean 'notes.deb'?");
  CHECK(has(scene.refused({"nowhere/*.rpm"}).message, "no file matches"));
  CHECK(has(scene.refused({"dist"}).message, "not a regular file"));
  CHECK(has(scene.refused({""}).message, "empty path"));
}

TEST_CASE("a path that leaves the repository is refused, by dots, by root and by link") {
  Scene scene;
  std::ofstream(scene.directory / "secret") << "s";
  scene.write("a");
  fs::create_symlink("../secret", scene.repository + "/link");
  fs::create_directory_symlink("..", scene.repository + "/up");
  CHECK(has(scene.refused({"../secret"}).message, "leaves the repository"));
  CHECK(has(scene.refused({"a/../../secret"}).message, "leaves the repository"));
  CHECK(has(scene.refused({scene.directory / "secret"}).message, "leaves the repository"));
  CHECK(has(scene.refused({"link"}).message, "leaves the repository"));
  CHECK(has(scene.refused({"lin*"}).message, "leaves the repository"));
  CHECK(has(scene.refused({"up/secret"}).message, "leaves the repository"));
  CHECK(has(scene.refused({"up/*"}).message, "leaves the repository"));
}

TEST_CASE("a link inside the repository is followed to its file") {
  Scene scene;
  scene.write("build/out", "bytes");
  fs::create_symlink("build/out", scene.repository + "/notes.bin");
  CHECK(scene.collect({"notes.bin"})->at(0).size == 5);
}

TEST_CASE("two artifacts with one file name are refused") {
  Scene scene;
  scene.write("a/x.deb");
  scene.write("b/x.deb");
  const Error error = scene.refused({"a/*", "b/*"});
  CHECK(has(error.message, "two artifacts have the name 'x.deb': 'a/x.deb' and 'b/x.deb'"));
}

TEST_CASE("all errors are reported at once, each at its line") {
  Scene scene;
  auto source = std::make_shared<doc::Source>(doc::Source{"tranche.yaml", "- none-1\n- ../none-2\n"});
  const std::vector<Pattern> patterns = {{"none-1", "", "", {source, 1, 3, 6}},
                                         {"../none-2", "", "", {source, 2, 3, 9}}};
  const auto result = artifact::collect(scene.files, scene.repository, patterns, "1.0");
  REQUIRE_FALSE(result);
  CHECK(result.error().mark->line == 1);
  REQUIRE(result.error().others.size() == 1);
  CHECK(result.error().others[0].mark->line == 2);
}

TEST_CASE("a walk over too many files or too deep is refused") {
  Scene scene;
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "d/";
  scene.write("deep/" + deep + "x.bin");
  CHECK(has(scene.refused({"deep/**"}).message, "deeper than 32"));
  fs::create_directories(scene.repository + "/many");
  for (int i = 0; i < 10'001; ++i)
    REQUIRE(symlink("x", fmt::format("{}/many/{}", scene.repository, i).c_str()) == 0);
  CHECK(has(scene.refused({"many/*.bin"}).message, "more than 10000"));
}

TEST_CASE("what is no version and unknown kinds are refused") {
  Scene scene;
  scene.write("a");
  CHECK(scene.collect({"a"}, "../x").error().kind == ErrorKind::invalid);
  const auto result =
      artifact::collect(scene.files, scene.repository, {{"a", "", "electron-forge", {}}}, "1.0");
  REQUIRE_FALSE(result);
  CHECK(has(result.error().message, "no artifacts of kind 'electron-forge'"));
}

TEST_CASE("platforms are read from file names that say both halves") {
  const std::pair<const char*, const char*> table[] = {
      {"notes_1.0_amd64.deb", "linux/amd64"},
      {"notes-1.0-x86_64.AppImage", "linux/amd64"},
      {"notes-arm64.exe", "windows/arm64"},
      {"Notes-1.0-arm64.dmg", "darwin/arm64"},
      {"notes-darwin-x64.tar.gz", "darwin/amd64"},
      {"notes.tar.gz", "any"},
      {"notes_1.0_all.deb", "any"},
      {"notes-win32-ia32.zip", "windows/386"},
  };
  for (const auto& [name, platform] : table) CHECK_MESSAGE(platform_of(name) == platform, name);
}

TEST_CASE("many files are hashed in the order asked for, whatever the number of threads") {
  Scene scene;
  std::vector<std::string> paths;
  for (int i = 0; i < 20; ++i) {
    scene.write(std::to_string(i), std::string(static_cast<std::size_t>(i) * 40'000, 'x'));
    paths.push_back(scene.repository + "/" + std::to_string(i));
  }
  for (const unsigned threads : {0U, 1U, 3U, 100U}) {
    const auto digests = digest_files(scene.files, paths, threads);
    REQUIRE(digests);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      CHECK((*digests)[i].size == i * 40'000);
      CHECK((*digests)[i].sha256 == crypto::to_hex(crypto::sha256(std::string(i * 40'000, 'x'))));
    }
  }
  paths.emplace_back(scene.repository + "/none");
  CHECK_FALSE(digest_files(scene.files, paths));
  CHECK(digest_files(scene.files, {})->empty());
}

TEST_CASE("a glob passes over what only says something of other files, and a plain path does not") {
  Scene scene;
  for (const char* name :
       {"notes_1.1.0_amd64.deb", "notes_1.1.0_amd64.deb.sigstore.json",
        "notes_1.1.0_amd64.deb.sigstore.pending", "notes_1.1.0_amd64.deb.slsa-provenance.sigstore.json",
        "notes_1.1.0_amd64.deb.slsa-provenance.sigstore.json.pending",
        "notes_1.1.0_amd64.deb.test-result.dsse.json", "notes_1.1.0_amd64.deb.tranche.sig",
        "notes_1.1.0_amd64.deb.minisig", "notes_1.1.0_amd64.deb.sig", "notes_1.1.0_amd64.deb.asc",
        "notes.dmg.notary.json", "notes.dmg.notary-log.json", "sbom.cdx.json", "sbom.spdx.json", "model.sig"})
    scene.write(std::string("dist/") + name);
  // Signatures by name alone: nothing of that name lies beside them.
  scene.write("dist/handwriting.sig");
  scene.write("dist/armour.asc");
  scene.write("dist/app.json");
  std::vector<std::string> passed_over;
  const auto found = artifact::collect(scene.files, scene.repository, {{"dist/*", "", "", {}}}, "1.1.0",
                                       Digests::all, &passed_over);
  CHECK(names(found) == Names{"app.json", "armour.asc", "handwriting.sig", "notes_1.1.0_amd64.deb"});
  CHECK(passed_over.size() == 14);
  CHECK(names(scene.collect({"dist/sbom.cdx.json"})) == Names{"sbom.cdx.json"});
  scene.write("only/notes.deb.sigstore.json");
  const Error refused = scene.refused({"only/*"});
  CHECK(has(refused.message, "no file matches 'only/*'"));
  CHECK(has(refused.hint, "signatures, attestations and SBOMs"));
}
