#include "sbom/lock_samples.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

TEST_CASE("Gemfile.lock lists gems of all sources, once a platform") {
  const std::string digest(64, 'a');
  const Catalog catalog = taken(catalog_gemfile_lock(R"(GIT
  remote: https://host.example/f.git
  revision: abc
  specs:
    forked (0.1.0)
      left (~> 1.0)

PATH
  remote: .
  specs:
    shop (2.0.0)
      native
      bundler

GEM
  remote: https://rubygems.org/
  specs:
    left (1.2.0)
    native (3.0.0)
    native (3.0.0-x86_64-linux)
    broken

PLATFORMS
  ruby

DEPENDENCIES
  forked!
  shop!
  left (~> 1.0)

CHECKSUMS
  left (1.2.0) sha256=)" + digest + R"(

BUNDLED WITH
   2.5.0
)",
                                                     "Gemfile.lock"));
  CHECK(listed(catalog) == List{"pkg:gem/forked@0.1.0?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ff.git%40abc",
                                "pkg:gem/left@1.2.0", "pkg:gem/native@3.0.0",
                                "pkg:gem/native@3.0.0?platform=x86_64-linux", "pkg:gem/shop@2.0.0"});
  CHECK(at(catalog, "pkg:gem/left@1.2.0").hashes == std::vector{Hash{"SHA-256", digest}});
  CHECK(at(catalog, "pkg:gem/shop@2.0.0").depends_on ==
        List{"pkg:gem/native@3.0.0", "pkg:gem/native@3.0.0?platform=x86_64-linux"});
  CHECK(catalog.main.depends_on.size() == 3);
  CHECK(catalog.warnings == List{"Gemfile.lock:21: 'broken' has no version"});
  refused(catalog_gemfile_lock("hello\n  world\n", "g"), "no Gemfile.lock");
}
