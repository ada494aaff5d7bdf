#include <doctest/doctest.h>

#include <algorithm>

#include "sbom/catalogers.hpp"

using namespace tranche;
using namespace tranche::sbom;

namespace {

Catalog read(std::string_view text) {
  auto catalog = catalog_npm_lock(text, "package-lock.json");
  REQUIRE_MESSAGE(catalog, (catalog ? "" : catalog.error().message));
  return std::move(*catalog);
}

std::vector<std::string> purls(const Catalog& catalog) {
  std::vector<std::string> list;
  for (const Component& component : catalog.components) list.push_back(component.purl);
  return list;
}

const Component& at(const Catalog& catalog, std::string_view purl) {
  const auto found = std::ranges::find(catalog.components, purl, &Component::purl);
  REQUIRE(found != catalog.components.end());
  return *found;
}

using List = std::vector<std::string>;
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr std::string_view version_3 = R"({
  "name": "shop", "version": "2.0.0", "lockfileVersion": 3, "packages": {
    "": {"name": "shop", "version": "2.0.0", "dependencies": {"left": "^1.0.0", "@scope/right": "*"},
         "devDependencies": {"lint": "*"}, "optionalDependencies": {"absent": "*"}},
    "node_modules/left": {"version": "1.2.0", "license": "MIT", "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg== sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
    "node_modules/@scope/right": {"version": "3.0.0", "dependencies": {"left": "^2.0.0"}},
    "node_modules/@scope/right/node_modules/left": {"version": "2.0.0"},
    "node_modules/lint": {"version": "5.0.0", "dev": true, "dependencies": {"left": "*"},
                          "peerDependencies": {"maybe": "*"}, "peerDependenciesMeta": {"maybe": {"optional": true}}},
    "node_modules/twice": {"version": "1.0.0", "dev": true},
    "node_modules/lint/node_modules/twice": {"version": "1.0.0"},
    "node_modules/soft": {"version": "1.0.0", "optional": true},
    "node_modules/alias": {"name": "real", "version": "4.0.0"},
    "node_modules/forked": {"version": "1.0.0", "resolved": "git+ssh://git@example.com/f.git#abc"},
    "node_modules/cart": {"resolved": "packages/cart", "link": true},
    "packages/cart": {"version": "0.1.0", "dependencies": {"left": "*"}}
  }})";

}  // namespace

TEST_CASE("every place of a lockfile becomes a component, each name and version once") {
  const Catalog catalog = read(version_3);
  CHECK(catalog.main.name == "shop");
  CHECK(catalog.main.version == "2.0.0");
  CHECK(purls(catalog) == List{"pkg:npm/%40scope/right@3.0.0", "pkg:npm/cart@0.1.0",
                               "pkg:npm/forked@1.0.0?vcs_url=git%2Bssh:%2F%2Fgit%40example.com%2Ff.git%23abc",
                               "pkg:npm/left@1.2.0", "pkg:npm/left@2.0.0", "pkg:npm/lint@5.0.0",
                               "pkg:npm/real@4.0.0", "pkg:npm/soft@1.0.0", "pkg:npm/twice@1.0.0"});
  CHECK(at(catalog, "pkg:npm/%40scope/right@3.0.0").group == "@scope");
  CHECK(at(catalog, "pkg:npm/%40scope/right@3.0.0").name == "right");
  CHECK(at(catalog, "pkg:npm/left@1.2.0").licenses == List{"MIT"});
  CHECK(catalog.warnings.empty());
}

TEST_CASE("edges go to the copy that node would load") {
  const Catalog catalog = read(version_3);
  CHECK(at(catalog, "pkg:npm/%40scope/right@3.0.0").depends_on == List{"pkg:npm/left@2.0.0"});
  CHECK(at(catalog, "pkg:npm/lint@5.0.0").depends_on == List{"pkg:npm/left@1.2.0"});
  CHECK(at(catalog, "pkg:npm/cart@0.1.0").depends_on == List{"pkg:npm/left@1.2.0"});
  CHECK(catalog.main.depends_on == List{"pkg:npm/%40scope/right@3.0.0", "pkg:npm/cart@0.1.0",
                                        "pkg:npm/left@1.2.0", "pkg:npm/lint@5.0.0"});
}

TEST_CASE(
    "development packages are excluded, optional ones optional, and one needed place makes a package "
    "needed") {
  const Catalog catalog = read(version_3);
  CHECK(at(catalog, "pkg:npm/lint@5.0.0").scope == "excluded");
  CHECK(at(catalog, "pkg:npm/soft@1.0.0").scope == "optional");
  CHECK(at(catalog, "pkg:npm/twice@1.0.0").scope.empty());
  CHECK(at(catalog, "pkg:npm/left@1.2.0").scope.empty());
}

TEST_CASE("integrity becomes hashes in hex") {
  const auto catalog = read(version_3);
  const auto& hashes = at(catalog, "pkg:npm/left@1.2.0").hashes;
  REQUIRE(hashes.size() == 2);  // both of the empty text
  CHECK(hashes[0].algorithm == "SHA-512");
  CHECK(hashes[0].hex.starts_with("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"));
  CHECK(hashes[1] == Hash{"SHA-1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"});
}

TEST_CASE("a lockfile of version 1 gives the same from its nested form") {
  const Catalog catalog = read(R"({"name": "old", "version": "1.0.0", "lockfileVersion": 1, "dependencies": {
    "left": {"version": "1.2.0", "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
    "right": {"version": "3.0.0", "requires": {"left": "^2.0.0"}, "dependencies": {"left": {"version": "2.0.0"}}},
    "lint": {"version": "5.0.0", "dev": true, "requires": {"right": "*"}},
    "alias": {"version": "npm:@scope/real@4.0.0"}}})");
  CHECK(purls(catalog) == List{"pkg:npm/%40scope/real@4.0.0", "pkg:npm/left@1.2.0", "pkg:npm/left@2.0.0",
                               "pkg:npm/lint@5.0.0", "pkg:npm/right@3.0.0"});
  CHECK(at(catalog, "pkg:npm/right@3.0.0").depends_on == List{"pkg:npm/left@2.0.0"});
  CHECK(at(catalog, "pkg:npm/lint@5.0.0").scope == "excluded");
  CHECK(catalog.main.depends_on ==
        List{"pkg:npm/%40scope/real@4.0.0", "pkg:npm/left@1.2.0", "pkg:npm/lint@5.0.0"});
}

TEST_CASE("in version 1 an address may stand where the version is: it is no version") {
  const Catalog catalog = read(R"({"lockfileVersion": 1, "dependencies": {
    "forked": {"version": "git+https://host.example/f.git#abc", "from": "git+https://host.example/f.git"},
    "packed": {"version": "https://host.example/p.tgz"}, "near": {"version": "file:../near"},
    "inside": {"version": "1.0.0", "bundled": true}}})");
  CHECK(purls(catalog) == List{"pkg:npm/forked?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ff.git%23abc",
                               "pkg:npm/inside@1.0.0", "pkg:npm/near", "pkg:npm/packed"});
  CHECK(at(catalog, "pkg:npm/packed").download == "https://host.example/p.tgz");
}

TEST_CASE("a needed package that is not there is a warning, not silence") {
  const Catalog catalog = read(
      R"({"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0", "dependencies": {"b": "*"}}}})");
  REQUIRE(catalog.warnings.size() == 1);
  CHECK(has(catalog.warnings[0], "'a' needs 'b'"));
}

TEST_CASE("an entry that makes no sense is a warning with its line, and the rest lists") {
  for (const char* text :
       {"{\"lockfileVersion\": 3, \"packages\": {\n\"node_modules/a\": 1, \"node_modules/b\": {\"version\": "
        "\"1\"}}}",
        "{\"lockfileVersion\": 1, \"dependencies\": {\n\"a\": 1, \"b\": {\"version\": \"1\"}}}"}) {
    const Catalog catalog = read(text);
    CHECK(purls(catalog) == List{"pkg:npm/b@1"});
    REQUIRE(catalog.warnings.size() == 1);
    CHECK(has(catalog.warnings[0], "package-lock.json:2: the entry 'node_modules/a' is not a map"));
  }
}

TEST_CASE("an entry that no package URL can name is a warning, and the rest lists") {
  const auto catalog = catalog_npm_lock(
      R"({"lockfileVersion": 3, "packages": {"": {"dependencies": {"b": "1"}}, "node_modules/a\u0000": {"version": "1"},
      "node_modules/b": {"version": "1\u0000"}, "node_modules/c": {"version": "1"}}})",
      "package-lock.json");
  REQUIRE(catalog);
  REQUIRE(catalog->components.size() == 1);
  CHECK(catalog->components[0].purl == "pkg:npm/c@1");
  REQUIRE(catalog->warnings.size() == 3);
  CHECK(catalog->warnings[0].starts_with("package-lock.json: the entry 'node_modules/a"));
  CHECK(catalog->warnings[1].starts_with("package-lock.json: the entry 'node_modules/b' is not listed"));
  CHECK(catalog->main.depends_on.empty());
}

TEST_CASE("what is no lockfile, or one made to exhaust the reader, is refused") {
  std::string deep = "node_modules/a";
  for (int i = 0; i < 60; ++i) deep += "/node_modules/a";
  const std::pair<std::string, const char*> table[] = {
      {"", ""},
      {"[]", "no npm lockfile"},
      {"{}", "no npm lockfile"},
      {R"({"lockfileVersion": 4})", "no npm lockfile"},
      {R"({"lockfileVersion": "3"})", "no npm lockfile"},
      {R"({"lockfileVersion": 3, "packages": {")" + deep + R"(": {}}})", "too long"},
      {R"({"lockfileVersion": 3, "packages": {")" + std::string(2000, 'a') + R"(": {}}})", "too long"},
  };
  for (const auto& [text, message] : table) {
    const auto catalog = catalog_npm_lock(text, "x.json");
    REQUIRE_FALSE(catalog);
    CHECK(catalog.error().kind == ErrorKind::invalid);
    CHECK_MESSAGE(has(catalog.error().message, message), catalog.error().message);
  }
}

TEST_CASE("links in a circle end") {
  const Catalog catalog = read(R"({"lockfileVersion": 3, "packages": {
    "": {"dependencies": {"a": "*"}},
    "node_modules/a": {"link": true, "resolved": "node_modules/b"},
    "node_modules/b": {"link": true, "resolved": "node_modules/a"}}})");
  CHECK(catalog.components.empty());
}
