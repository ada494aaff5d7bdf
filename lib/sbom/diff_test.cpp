#include "sbom/diff.hpp"

#include <doctest/doctest.h>

#include "sbom/purl.hpp"
#include "sbom/read.hpp"
#include "sbom/write.hpp"

using namespace tranche;
using namespace tranche::sbom;

namespace {

Component library(const std::string& name, const std::string& version,
                  std::vector<std::string> licenses = {}) {
  Component component;
  component.name = name;
  component.version = version;
  component.bom_ref = component.purl = make_purl("npm", "", name, version);
  component.licenses = std::move(licenses);
  return component;
}

Catalog catalog_of(std::vector<Component> components) {
  Catalog catalog;
  catalog.main.name = "app";
  catalog.main.bom_ref = "app@";
  catalog.components = std::move(components);
  return catalog;
}

std::vector<std::string> lines(const std::vector<Change>& changes) {
  std::vector<std::string> out;
  for (const Change& change : changes)
    out.push_back(
        fmt::format("{} {} {} > {}", to_text(change.kind), change.name, change.before, change.after));
  return out;
}

}  // namespace

TEST_CASE("components are added, removed, change versions and licences") {
  const Catalog before = catalog_of({library("gone", "1"), library("same", "1", {"MIT"}),
                                     library("up", "1.0.0"), library("relicensed", "1", {"MIT"})});
  const Catalog after = catalog_of({library("new", "2"), library("same", "1", {"MIT"}),
                                    library("up", "1.1.0"), library("relicensed", "1", {"BUSL-1.1"})});
  CHECK(lines(compare_catalogs(before, after)) ==
        std::vector<std::string>{"added new  > 2", "removed gone 1 > ", "version up 1.0.0 > 1.1.0",
                                 "license relicensed MIT > BUSL-1.1"});
  CHECK(compare_catalogs(before, before).empty());
}

TEST_CASE("of a package in several versions, those that both have are the same") {
  const Catalog before = catalog_of({library("a", "1"), library("a", "2")});
  const Catalog after = catalog_of({library("a", "2"), library("a", "3"), library("a", "4")});
  CHECK(lines(compare_catalogs(before, after)) ==
        std::vector<std::string>{"added a  > 4", "version a 1 > 3"});
}

TEST_CASE("the same version with other bytes is a change of its own") {
  Catalog before = catalog_of({library("a", "1")});
  Catalog after = before;
  before.components[0].hashes = {{"SHA-1", std::string(40, 'a')}};
  CHECK(compare_catalogs(before, after).empty());
  after.components[0].hashes = {{"SHA-1", std::string(40, 'b')}};
  const auto changes = compare_catalogs(before, after);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].kind == ChangeKind::digest);
}

TEST_CASE("packages of two machines are two, and where they were fetched from does not count") {
  Component one = library("x", "1"), two = one;
  one.purl = "pkg:deb/debian/x@1?arch=amd64&distro=debian-12";
  two.purl = "pkg:deb/debian/x@1?arch=arm64&distro=debian-12";
  CHECK(compare_catalogs(catalog_of({one}), catalog_of({one, two})).size() == 1);
  two.purl = "pkg:deb/debian/x@1?arch=amd64&distro=debian-13";
  CHECK(compare_catalogs(catalog_of({one}), catalog_of({two})).empty());
}

TEST_CASE("the same catalog in two formats has no differences") {
  Component scoped = library("b", "2", {"(MIT OR ISC)"});
  scoped.group = "@scope";
  scoped.purl = scoped.bom_ref = "pkg:npm/%40scope/b@2";
  const Catalog catalog = catalog_of({library("a", "1", {"Mine own"}), scoped});
  const auto one = read_bom(*write_bom(catalog, "cyclonedx-1.6", Instant{}, ""), "one");
  const auto two = read_bom(*write_bom(catalog, "spdx-2.3", Instant{}, ""), "two");
  REQUIRE(one);
  REQUIRE(two);
  CHECK(lines(compare_catalogs(one->catalog, two->catalog)).empty());
}
