#include "sbom/catalogers.hpp"

#include <set>

#include "base/text.hpp"
#include "os/world.hpp"
#include "sbom/lock_samples.hpp"
#include "support/fake_world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

namespace {

// A small file of each kind that lists one package.
struct Sample {
  std::string_view path, text;
  bool structured;  // cut off anywhere it is broken, and the reader knows where
};
constexpr Sample samples[] = {
    {"package-lock.json",
     R"({"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0", "license": "MIT"}}})",
     true},
    {"npm-shrinkwrap.json", R"({"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0"}}})", true},
    {"yarn.lock", "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n  dependencies:\n    a \"^1\"\n", false},
    {"berry/yarn.lock",
     "__metadata:\n  version: 8\n\n\"a@npm:^1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n", false},
    {"pnpm-lock.yaml",
     "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-x}\nsnapshots:\n  "
     "a@1.0.0: {}\n",
     false},
    {"Cargo.lock",
     "version = 3\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = "
     "\"registry+https://host.example/index\"\n",
     false},
    {"go.mod", "module host.example/x\n\ngo 1.21\n\nrequire host.example/a v1.0.0\n", false},
    {"requirements.txt", "a==1.0.0 --hash=sha256:00\n", false},
    {"requirements/dev.txt", "a==1.0.0 ; python_version > '3'\n", false},
    {"poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[metadata]\nlock-version = \"2.0\"\n",
     false},
    {"uv.lock", "version = 1\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n", false},
    {"pdm.lock", "[metadata]\ngroups = [\"default\"]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n",
     false},
    {"Pipfile.lock", R"({"_meta": {}, "default": {"a": {"version": "==1.0.0"}}})", true},
    {"Gemfile.lock", "GEM\n  remote: https://host.example/\n  specs:\n    a (1.0.0)\n\nDEPENDENCIES\n  a\n",
     false},
    {"gems.locked", "GEM\n  remote: https://host.example/\n  specs:\n    a (1.0.0)\n", false},
    {"composer.lock", R"({"packages": [{"name": "v/a", "version": "1.0.0"}], "packages-dev": []})", true},
    {"packages.lock.json",
     R"({"version": 1, "dependencies": {"net8.0": {"A": {"type": "Direct", "resolved": "1.0.0"}}}})", true},
    {"x.deps.json", R"({"targets": {"t": {"A/1.0.0": {}}}, "libraries": {"A/1.0.0": {"type": "package"}}})",
     true},
    {"conan.lock", R"({"version": "0.5", "requires": ["a/1.0.0#abc%1.0"]})", true},
    {"vcpkg.json", R"({"dependencies": ["a"], "overrides": [{"name": "a", "version": "1.0.0"}]})", true},
};

Catalog run(std::string_view path, std::string_view text) {
  support::FakeWorld fake;
  const std::string name = "x/" + std::string(path);
  REQUIRE(fake.files.write(name, text));
  const Cataloger* cataloger = find_cataloger(name);
  REQUIRE(cataloger != nullptr);
  return taken(run_cataloger(*cataloger, {fake.files, name}));
}

// Warnings name the file that they are about, and the line where there is one.
void check_warnings(const Catalog& catalog, std::string_view path) {
  for (const std::string& warning : catalog.warnings)
    CHECK_MESSAGE(warning.starts_with(fmt::format("x/{}:", path)), warning);
}

}  // namespace

TEST_CASE(
    "a lockfile of any kind that is cut off, garbage or empty ends no run, and says where it is broken") {
  std::set<std::string_view> seen;
  for (const Sample& sample : samples) {
    CAPTURE(sample.path);
    seen.insert(find_cataloger("x/" + std::string(sample.path))->pattern);
    CHECK(listed(run(sample.path, sample.text)).size() == 1);
    for (std::size_t size = 0; size < sample.text.size(); ++size) {
      CAPTURE(size);
      const Catalog catalog = run(sample.path, sample.text.substr(0, size));
      check_warnings(catalog, sample.path);
      if (!sample.structured || trim(sample.text.substr(0, size)) == trim(sample.text)) continue;
      CHECK(catalog.components.empty());
      REQUIRE(catalog.warnings.size() == 1);
      CHECK_MESSAGE(has(catalog.warnings[0], fmt::format("x/{}:1:", sample.path)), catalog.warnings[0]);
    }
    for (const std::string_view garbage :
         {std::string_view("\0\xff\xfe\n\0", 5), std::string_view("\x1f\x8b\x08"), std::string_view("[1, 2"),
          std::string_view("<html>\n<body>not here</body>"),
          std::string_view("<<<<<<< HEAD\n=======\n>>>>>>> x\n")}) {
      CAPTURE(garbage);
      const Catalog catalog = run(sample.path, garbage);
      CHECK(catalog.components.empty());
      CHECK_FALSE(catalog.warnings.empty());
      check_warnings(catalog, sample.path);
    }
  }
  // Models have tests of their own.
  for (const Cataloger& cataloger : catalogers())
    CHECK((seen.contains(cataloger.pattern) || cataloger.what.starts_with("model")));
}

TEST_CASE("each pattern of the table finds its own cataloger") {
  std::set<std::string_view> patterns;
  for (const Cataloger& cataloger : catalogers()) {
    CHECK(patterns.insert(cataloger.pattern).second);
    CHECK_FALSE(cataloger.what.empty());
    std::string name(cataloger.pattern);
    std::replace(name.begin(), name.end(), '*', 'x');
    const Cataloger* found = find_cataloger("some/where/" + name);
    REQUIRE(found != nullptr);
    CHECK((found->read == cataloger.read));
  }
  CHECK(find_cataloger("main.cpp") == nullptr);
}

TEST_CASE("a malformed lockfile is a warning with its line, and the other lockfiles still list") {
  support::TempDirectory directory;
  os::RealWorld real;
  ports::Files& files = real.world().files;
  REQUIRE(files.write(directory / "a/package-lock.json", "{\n  \"lockfileVersion\": 3,\n  oops\n}"));
  REQUIRE(files.write(directory / "b/package-lock.json",
                      R"({"lockfileVersion": 3, "packages": {"node_modules/left": {"version": "1.0.0"}}})"));
  REQUIRE(files.write(directory / "c/yarn.lock", "# yarn lockfile v1\n\nright@*:\n  version \"2.0.0\"\n"));
  REQUIRE(files.write(directory / "node_modules/x/yarn.lock",
                      "# yarn lockfile v1\n\nno@*:\n  version \"2.0.0\"\n"));
  Request request{.app = "shop", .version = "1.0.0", .repository = directory.path()};
  const Catalog catalog = taken(make_catalog(real.world(), request));
  CHECK(listed(catalog) == List{"pkg:npm/left@1.0.0", "pkg:npm/right@2.0.0"});
  REQUIRE(catalog.warnings.size() == 1);
  CHECK_MESSAGE(has(catalog.warnings[0], "a/package-lock.json:3:3: not JSON"), catalog.warnings[0]);
}
