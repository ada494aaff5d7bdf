#include "sbom/catalogers.hpp"

#include <set>

#include "os/world.hpp"
#include "sbom/lock_samples.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

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
  const Catalog catalog = taken(make_catalog(files, request));
  CHECK(listed(catalog) == List{"pkg:npm/left@1.0.0", "pkg:npm/right@2.0.0"});
  REQUIRE(catalog.warnings.size() == 1);
  CHECK_MESSAGE(has(catalog.warnings[0], "a/package-lock.json:3:3: not JSON"), catalog.warnings[0]);
}
