#include "sbom/lock_samples.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

TEST_CASE("go.mod lists the modules of the build, replaced ones as what replaces them") {
  const Catalog catalog = taken(catalog_go_mod(R"(module host.example/shop // the shop

go 1.21.5
toolchain go1.22.0

require github.com/Acme/left v1.2.0

require (
	host.example/right/v3 v3.0.0-20260101000000-abcdefabcdef // indirect
	"quoted.example/x" v0.1.0
	local.example/y v0.2.0 // indirect; kept
)
replace (
	quoted.example/x => other.example/x v0.1.1
	local.example/y v0.2.0 => ./y
	github.com/Acme/left v9.9.9 => never.example/z v1.0.0
)
exclude github.com/Acme/left v1.1.0
retract (
	v1.0.0 // bad
)
)",
                                               "github.com/Acme/left v1.2.0 h1:aaaa=\ngithub.com/Acme/left "
                                               "v1.2.0/go.mod h1:bbbb=\nonce.example/seen v1.0.0 h1:c=\n",
                                               "go.mod"));
  CHECK(listed(catalog) == List{"pkg:golang/github.com/Acme/left@v1.2.0",
                                "pkg:golang/host.example/right/v3@v3.0.0-20260101000000-abcdefabcdef",
                                "pkg:golang/local.example/y@v0.2.0", "pkg:golang/other.example/x@v0.1.1"});
  CHECK(catalog.main.name == "host.example/shop");
  CHECK(catalog.main.depends_on ==
        List{"pkg:golang/github.com/Acme/left@v1.2.0", "pkg:golang/other.example/x@v0.1.1"});
  using Properties = std::vector<std::pair<std::string, std::string>>;
  CHECK(at(catalog, "pkg:golang/github.com/Acme/left@v1.2.0").properties ==
        Properties{{"go:sum", "h1:aaaa="}});
  CHECK(at(catalog, "pkg:golang/local.example/y@v0.2.0").properties == Properties{{"go:replaced-by", "./y"}});
  CHECK(catalog.warnings.empty());
}

TEST_CASE(
    "before Go 1.17 the newest versions of go.sum stand for what go.mod does not name, and a warning says "
    "so") {
  const Catalog catalog =
      taken(catalog_go_mod("module m\ngo 1.16\nrequire a.example/a v1.0.0\n",
                           "a.example/a v1.0.0 h1:x=\nb.example/b v1.9.0 h1:x=\nb.example/b v1.10.0 h1:x=\n"
                           "c.example/c v1.0.0/go.mod h1:x=\n",
                           "go.mod"));
  CHECK(listed(catalog) == List{"pkg:golang/a.example/a@v1.0.0", "pkg:golang/b.example/b@v1.10.0"});
  REQUIRE(catalog.warnings.size() == 1);
  CHECK(has(catalog.warnings[0], "1 more are taken from go.sum"));
}

TEST_CASE("a line of a go.mod that makes no sense is a warning with its number, and the rest lists") {
  const Catalog catalog = taken(catalog_go_mod(
      "module m\ngo 1.20\nrequire a\nrequire b.example/b v1.0.0\nreplace x y\n", "what\n", "go.mod"));
  CHECK(listed(catalog) == List{"pkg:golang/b.example/b@v1.0.0"});
  CHECK(catalog.warnings == List{"go.mod:3: 'require a' is no line of a go.mod",
                                 "go.mod:5: 'replace x y' is no line of a go.mod",
                                 "go.mod: go.sum:1: 1 lines are no lines of a go.sum"});
  const Catalog slash = taken(catalog_go_mod("module m\ngo 1.20\nrequire a.example/ v1.0.0\n", "", "go.mod"));
  CHECK(slash.components.empty());
  REQUIRE(slash.warnings.size() >= 1);
  CHECK(has(slash.warnings[0], "is not listed"));
  refused(catalog_go_mod("go 1.20\n", "", "go.mod"), "names no module");
}
