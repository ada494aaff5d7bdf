#include "sbom/lock_samples.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

namespace {

const std::string integrity =
    "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

const std::string version_5 = R"(lockfileVersion: 5.4
specifiers:
  '@scope/right': ^3.0.0
dependencies:
  '@scope/right': 3.0.1_peer@1.0.0
  alias: /@scope/real/4.0.0
devDependencies:
  lint: 5.0.0
packages:
  /@scope/real/4.0.0:
    resolution: {integrity: )" +
                              integrity + R"(}
    dev: false
  /@scope/right/3.0.1_peer@1.0.0:
    resolution: {integrity: )" +
                              integrity + R"(}
    dependencies:
      left: 1.2.0
    optionalDependencies:
      native: 1.0.2
    dev: false
  /left/1.2.0:
    resolution: {integrity: )" +
                              integrity + R"(}
  /lint/5.0.0:
    resolution: {integrity: )" +
                              integrity + R"(}
    dependencies:
      left: 1.2.0
    dev: true
  /native/1.0.2:
    resolution: {integrity: )" +
                              integrity + R"(}
    optional: true
)";

const std::string version_6 = R"(lockfileVersion: '6.0'
importers:
  .:
    dependencies:
      '@scope/right':
        specifier: ^3.0.0
        version: 3.0.1(peer@1.0.0)
      alias:
        specifier: npm:@scope/real@4
        version: /@scope/real@4.0.0
    devDependencies:
      lint:
        specifier: '*'
        version: 5.0.0
  packages/cart:
    dependencies:
      shop:
        specifier: workspace:*
        version: link:../..
packages:
  /@scope/real@4.0.0:
    resolution: {integrity: )" +
                              integrity + R"(}
  /@scope/right@3.0.1(peer@1.0.0):
    resolution: {integrity: )" +
                              integrity + R"(}
    dependencies:
      left: 1.2.0
    optionalDependencies:
      native: 1.0.2
  /left@1.2.0:
    resolution: {integrity: )" +
                              integrity + R"(}
  /lint@5.0.0:
    resolution: {integrity: )" +
                              integrity + R"(}
    dependencies:
      left: 1.2.0
  /native@1.0.2:
    resolution: {integrity: )" +
                              integrity + R"(}
)";

const std::string version_9 = R"(lockfileVersion: '9.0'
settings:
  autoInstallPeers: true
importers:
  .:
    dependencies:
      '@scope/right':
        specifier: ^3.0.0
        version: 3.0.1(peer@1.0.0)
      alias:
        specifier: npm:@scope/real@4
        version: '@scope/real@4.0.0'
    devDependencies:
      lint:
        specifier: '*'
        version: 5.0.0
packages:
  '@scope/real@4.0.0':
    resolution: {integrity: )" +
                              integrity + R"(}
  '@scope/right@3.0.1':
    resolution: {integrity: )" +
                              integrity + R"(}
    peerDependencies:
      peer: '*'
  left@1.2.0:
    resolution: {integrity: )" +
                              integrity + R"(}
  lint@5.0.0:
    resolution: {integrity: )" +
                              integrity + R"(}
  native@1.0.2:
    resolution: {integrity: )" +
                              integrity + R"(}
snapshots:
  '@scope/real@4.0.0': {}
  '@scope/right@3.0.1(peer@1.0.0)':
    dependencies:
      left: 1.2.0
    optionalDependencies:
      native: 1.0.2
  left@1.2.0: {}
  lint@5.0.0:
    dependencies:
      left: 1.2.0
  native@1.0.2:
    optional: true
)";

}  // namespace

TEST_CASE("pnpm-lock.yaml of versions 5, 6 and 9 give the same") {
  for (const std::string& text : {version_5, version_6, version_9}) {
    CAPTURE(text.substr(0, 24));
    const Catalog catalog = taken(catalog_pnpm_lock(text, "pnpm-lock.yaml"));
    CHECK(listed(catalog) == List{"pkg:npm/%40scope/real@4.0.0", "pkg:npm/%40scope/right@3.0.1",
                                  "pkg:npm/left@1.2.0", "pkg:npm/lint@5.0.0 (excluded)",
                                  "pkg:npm/native@1.0.2 (optional)"});
    CHECK(catalog.main.depends_on ==
          List{"pkg:npm/%40scope/real@4.0.0", "pkg:npm/%40scope/right@3.0.1", "pkg:npm/lint@5.0.0"});
    CHECK(at(catalog, "pkg:npm/%40scope/right@3.0.1").depends_on ==
          List{"pkg:npm/left@1.2.0", "pkg:npm/native@1.0.2"});
    CHECK(at(catalog, "pkg:npm/lint@5.0.0").depends_on == List{"pkg:npm/left@1.2.0"});
    CHECK(at(catalog, "pkg:npm/left@1.2.0").hashes.at(0).hex.starts_with("cf83e1357eefb8bd"));
    CHECK(catalog.warnings.empty());
  }
}

TEST_CASE("packages that pnpm takes from git or an address say so") {
  const Catalog catalog = taken(catalog_pnpm_lock(R"(lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      forked: {specifier: x, version: git+https://host.example/f.git#abc}
      packed: {specifier: x, version: https://host.example/p.tgz}
packages:
  forked@git+https://host.example/f.git#abc:
    resolution: {commit: abc, repo: https://host.example/f.git, type: git}
    version: 1.0.0
  packed@https://host.example/p.tgz:
    resolution: {tarball: https://host.example/p.tgz}
    version: 2.0.0
snapshots:
  forked@git+https://host.example/f.git#abc: {}
  packed@https://host.example/p.tgz: {}
)",
                                                  "p"));
  CHECK(listed(catalog) == List{"pkg:npm/forked@1.0.0?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ff.git%40abc",
                                "pkg:npm/packed@2.0.0"});
  CHECK(at(catalog, "pkg:npm/packed@2.0.0").download == "https://host.example/p.tgz");
  CHECK(catalog.main.depends_on.size() == 2);
  CHECK(catalog.warnings.empty());
}

TEST_CASE("an entry of a pnpm-lock.yaml that makes no sense is a warning with its line, and the rest lists") {
  const Catalog catalog = taken(
      catalog_pnpm_lock("lockfileVersion: '9.0'\npackages:\n  a: 1\n  b: {}\n  c@1.0.0: {}\nsnapshots:\n  "
                        "d@1.0.0: {}\nimporters:\n  .:\n    dependencies:\n      e: {}\n",
                        "p"));
  CHECK(listed(catalog) == List{"pkg:npm/c@1.0.0"});
  CHECK(catalog.warnings ==
        List{"p:3: the entry 'a' is a number, not a map", "p:4: the entry 'b' has no version",
             "p:7: 'd@1.0.0' stands under snapshots and not under packages", "p:11: 'e' has no version"});
  refused(catalog_pnpm_lock("lockfileVersion: 4\n", "p"), "no pnpm lockfile");
  refused(catalog_pnpm_lock("[]", "p"), "no pnpm lockfile");
  refused(catalog_pnpm_lock("a: [\n", "p"), "");
}
