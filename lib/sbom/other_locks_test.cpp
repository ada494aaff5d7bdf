#include "sbom/lock_samples.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

TEST_CASE("composer.lock lists packages with licences; needs of the platform are no packages") {
  const Catalog catalog = taken(catalog_composer_lock(R"({"packages": [
    {"name": "Acme/left", "version": "v1.2.0", "license": ["MIT"], "description": "pads", "require": {"php": ">=8", "acme/right": "^1", "psr/log-implementation": "1"},
     "dist": {"type": "zip", "url": "https://host.example/l.zip", "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}},
    {"name": "acme/right", "version": "1.0.0", "license": ["mit", "GPL-2.0-only"], "dist": {"shasum": ""}},
    {"name": "acme/none"}],
   "packages-dev": [{"name": "acme/lint", "version": "5.0.0"}]})",
                                                      "composer.lock"));
  CHECK(listed(catalog) == List{"pkg:composer/acme/left@v1.2.0", "pkg:composer/acme/lint@5.0.0 (excluded)",
                                "pkg:composer/acme/right@1.0.0"});
  CHECK(at(catalog, "pkg:composer/acme/left@v1.2.0").licenses == List{"MIT"});
  CHECK(at(catalog, "pkg:composer/acme/right@1.0.0").licenses == List{"mit OR GPL-2.0-only"});
  CHECK(at(catalog, "pkg:composer/acme/left@v1.2.0").hashes.at(0).algorithm == "SHA-1");
  CHECK(at(catalog, "pkg:composer/acme/left@v1.2.0").depends_on == List{"pkg:composer/acme/right@1.0.0"});
  CHECK(catalog.main.depends_on == List{"pkg:composer/acme/left@v1.2.0", "pkg:composer/acme/lint@5.0.0"});
  CHECK(catalog.warnings == List{"composer.lock:5: a package has no version"});
  refused(catalog_composer_lock("{}", "c"), "no composer.lock");
}

TEST_CASE("NuGet's lockfile and an application's deps.json list packages, names without case") {
  const Catalog lock = taken(catalog_nuget_lock(R"L({"version": 1, "dependencies": {"net8.0": {
    "Left.Pad": {"type": "Direct", "requested": "[1.0.0, )", "resolved": "1.0.0", "dependencies": {"right": "2.0.0"},
      "contentHash": "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="},
    "Right": {"type": "Transitive", "resolved": "2.0.0"},
    "cart": {"type": "Project", "dependencies": {"Right": "2.0.0"}},
    "none": {"type": "Direct"}}}})L",
                                                "packages.lock.json"));
  CHECK(listed(lock) == List{"pkg:nuget/Left.Pad@1.0.0", "pkg:nuget/Right@2.0.0"});
  CHECK(at(lock, "pkg:nuget/Left.Pad@1.0.0").hashes.at(0).algorithm == "SHA-512");
  CHECK(at(lock, "pkg:nuget/Left.Pad@1.0.0").depends_on == List{"pkg:nuget/Right@2.0.0"});
  CHECK(lock.main.depends_on == List{"pkg:nuget/Left.Pad@1.0.0", "pkg:nuget/Right@2.0.0"});
  CHECK(lock.warnings == List{"packages.lock.json:6: 'none' has no resolved version"});

  const Catalog built = taken(catalog_deps_json(R"({"runtimeTarget": {"name": ".NETCoreApp,Version=v8.0"},
    "targets": {".NETCoreApp,Version=v8.0": {
      "Shop/1.0.0": {"dependencies": {"Left.Pad": "1.0.0", "Cart": "1.0.0"}, "runtime": {"Shop.dll": {}}},
      "Left.Pad/1.0.0": {"dependencies": {"right": "2.0.0"}}, "Right/2.0.0": {}, "Cart/1.0.0": {}}},
    "libraries": {"Shop/1.0.0": {"type": "project"}, "Cart/1.0.0": {"type": "project"},
      "Left.Pad/1.0.0": {"type": "package", "sha512": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="},
      "Right/2.0.0": {"type": "package", "sha512": ""}}})",
                                                "Shop.deps.json"));
  CHECK(listed(built) == List{"pkg:nuget/Left.Pad@1.0.0", "pkg:nuget/Right@2.0.0"});
  CHECK(built.main.name == "Shop");
  CHECK(built.main.depends_on == List{"pkg:nuget/Left.Pad@1.0.0"});
  CHECK(at(built, "pkg:nuget/Left.Pad@1.0.0").depends_on == List{"pkg:nuget/Right@2.0.0"});
  CHECK(built.warnings.empty());
  refused(catalog_nuget_lock("{}", "n"), "no NuGet lockfile");
  refused(catalog_deps_json("{}", "n"), "no .deps.json");
}

TEST_CASE("conan.lock of both versions lists references with user, channel and revision") {
  const Catalog second = taken(catalog_conan_lock(
      R"({"version": "0.5", "requires": ["zlib/1.2.13#abc%1670000000.1", "left/1.0@acme/stable#def", "bad"],
    "build_requires": ["cmake/3.25.0#123%1.0"], "python_requires": []})",
      "conan.lock"));
  CHECK(listed(second) == List{"pkg:conan/acme/left@1.0?channel=stable&rrev=def&user=acme",
                               "pkg:conan/cmake@3.25.0?rrev=123 (excluded)",
                               "pkg:conan/zlib@1.2.13?rrev=abc"});
  CHECK(second.warnings == List{"conan.lock:1: this is no Conan reference"});
  const Catalog first = taken(catalog_conan_lock(R"({"version": "0.4", "graph_lock": {"nodes": {
    "0": {"ref": "shop/2.0", "requires": ["1"], "build_requires": ["3"], "path": "conanfile.py"},
    "1": {"ref": "left/1.0#0", "requires": ["2"]}, "2": {"ref": "zlib/1.2.13"}, "3": {"ref": "cmake/3.25.0", "context": "build"}}}})",
                                                 "conan.lock"));
  CHECK(first.main.name == "shop");
  CHECK(listed(first) ==
        List{"pkg:conan/cmake@3.25.0 (excluded)", "pkg:conan/left@1.0", "pkg:conan/zlib@1.2.13"});
  CHECK(first.main.depends_on == List{"pkg:conan/cmake@3.25.0", "pkg:conan/left@1.0"});
  CHECK(at(first, "pkg:conan/left@1.0").depends_on == List{"pkg:conan/zlib@1.2.13"});
  refused(catalog_conan_lock("{}", "c"), "no Conan lockfile");
}

TEST_CASE("vcpkg.json lists ports; only an override says which version") {
  const Catalog catalog = taken(catalog_vcpkg_manifest(R"({"name": "shop", "version": "2.0.0",
    "dependencies": ["zlib", {"name": "fmt", "version>=": "9.0.0"}, {"name": "cmake-tools", "host": true}],
    "features": {"gui": {"dependencies": ["qt"]}},
    "overrides": [{"name": "zlib", "version": "1.3.1", "port-version": 2}, {"name": "qt", "version": "6.0.0#1"}]})",
                                                       "vcpkg.json"));
  CHECK(listed(catalog) == List{"pkg:vcpkg/cmake-tools (excluded)", "pkg:vcpkg/fmt",
                                "pkg:vcpkg/qt@6.0.0?port_version=1 (optional)",
                                "pkg:vcpkg/zlib@1.3.1?port_version=2"});
  CHECK(catalog.main.version == "2.0.0");
  REQUIRE(catalog.warnings.size() == 2);
  CHECK(has(catalog.warnings[0], "vcpkg.json:2: the version of 'fmt'"));
  refused(catalog_vcpkg_manifest("[]", "v"), "no vcpkg manifest");
}
