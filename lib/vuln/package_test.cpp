#include "vuln/package.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tranche::vuln;

TEST_CASE("a package URL is what its ecosystem calls it") {
  struct Example {
    std::string purl, family, name, version, release;
  };
  for (const Example& each : std::vector<Example>{
           {"pkg:npm/%40acme/thing@1.2.0", "npm", "@acme/thing", "1.2.0", ""},
           {"pkg:pypi/Zope.Interface@5.0", "pypi", "zope-interface", "5.0", ""},
           {"pkg:golang/github.com/BurntSushi/toml@v1.0.0", "go", "github.com/burntsushi/toml", "v1.0.0", ""},
           {"pkg:cargo/serde@1.0.0", "crates.io", "serde", "1.0.0", ""},
           {"pkg:maven/org.acme/thing@1.0?type=jar", "maven", "org.acme:thing", "1.0", ""},
           {"pkg:gem/rails@7.0.0", "rubygems", "rails", "7.0.0", ""},
           {"pkg:nuget/Newtonsoft.Json@13.0.1", "nuget", "newtonsoft.json", "13.0.1", ""},
           {"pkg:composer/laravel/framework@9.0", "packagist", "laravel/framework", "9.0", ""},
           {"pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12", "debian", "curl", "7.88.1-10", "12"},
           {"pkg:rpm/almalinux/curl@7.76.1-26.el9?epoch=1&distro=almalinux-9.3", "almalinux", "curl",
            "1:7.76.1-26.el9", "9.3"}}) {
    CAPTURE(each.purl);
    const auto package = package_of(each.purl);
    REQUIRE(package.has_value());
    CHECK(package->family == each.family);
    CHECK(package->names == std::vector<std::string>{each.name});
    CHECK(package->version == each.version);
    CHECK(package->release == each.release);
  }
  CHECK(package_of("pkg:deb/debian/libssl3@3.0.2?upstream=openssl@3.0.2")->names ==
        std::vector<std::string>{"libssl3", "openssl"});
  CHECK_FALSE(package_of("").has_value());
  CHECK_FALSE(package_of("pkg:generic/thing@1").has_value());
  CHECK_FALSE(package_of("pkg:deb/unheard-of/thing@1").has_value());
}

TEST_CASE(
    "a distribution's package is known by its source too, in the source's version where that is another") {
  tranche::sbom::Component component;
  component.purl = "pkg:deb/debian/libgcc-s1@12.2.0-14+b1?distro=debian-12";
  const auto with = [&](const std::string& name, const std::string& value) {
    component.properties = {{name, value}};
    return *package_of(component);
  };
  CHECK(package_of(component)->names == std::vector<std::string>{"libgcc-s1"});
  const std::vector<std::string> both{"libgcc-s1", "gcc-12"};
  CHECK(with("deb:source", "gcc-12").names == both);
  const Package package = with("deb:source", "gcc-12 (12.2.0-14)");
  CHECK(package.names == both);
  CHECK(version_under(package, "gcc-12") == "12.2.0-14");
  CHECK(version_under(package, "libgcc-s1") == "12.2.0-14+b1");
  CHECK(with("syft:metadata:source", "gcc-12").names == both);
  CHECK(with("aquasecurity:trivy:SrcName", "gcc-12").names == both);
  component.purl = "pkg:rpm/almalinux/openssl-libs@3.0.7-16.el9_2?epoch=1";
  CHECK(with("rpm:source", "openssl-3.0.7-16.el9_2.src.rpm").names ==
        std::vector<std::string>{"openssl-libs", "openssl"});
}

TEST_CASE("releases of a distribution are told apart where they are known") {
  CHECK(same_release("debian", "12", "12"));
  CHECK_FALSE(same_release("debian", "11", "12"));
  CHECK(same_release("debian", "12", "bookworm"));
  CHECK(same_release("debian", "", "12"));
  CHECK(same_release("debian", "12", ""));
  CHECK(same_release("almalinux", "9", "9.3"));
  CHECK_FALSE(same_release("almalinux", "8", "9.3"));
  CHECK_FALSE(same_release("almalinux", "1", "12"));
  CHECK(same_release("ubuntu", "22.04:LTS", "22.04"));
  CHECK(same_release("ubuntu", "Pro:18.04:LTS", "18.04"));
  CHECK_FALSE(same_release("ubuntu", "22.04:LTS", "24.04"));
  CHECK(same_release("red hat", "enterprise_linux:9::appstream", "9.3"));
}

TEST_CASE("a package URL covers what it names, and with qualifiers only that") {
  CHECK(purl_covers("pkg:npm/a", "pkg:npm/a@1.0.0"));
  CHECK(purl_covers("pkg:npm/a@1.0.0", "pkg:npm/a@1.0.0?x=y"));
  CHECK_FALSE(purl_covers("pkg:npm/a@1.0.0", "pkg:npm/a@1.0.1"));
  CHECK_FALSE(purl_covers("pkg:npm/a@1.0.0", "pkg:npm/a"));
  CHECK_FALSE(purl_covers("pkg:npm/a", "pkg:npm/ab@1"));
  CHECK_FALSE(purl_covers("pkg:npm/a", "pkg:pypi/a@1"));
  CHECK_FALSE(purl_covers("pkg:deb/debian/a?arch=amd64", "pkg:deb/debian/a@1?arch=arm64"));
  CHECK_FALSE(purl_covers("", ""));
  CHECK(purl_names("pkg:generic/app@1.0", "app", "1.0"));
  CHECK(purl_names("pkg:generic/app", "app", "1.0"));
  CHECK_FALSE(purl_names("pkg:generic/app@2.0", "app", "1.0"));
}
