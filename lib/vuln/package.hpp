// A component as advisories speak of it: an ecosystem of OSV, the names it has there, and its version.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sbom/sbom.hpp"
#include "vuln/version_order.hpp"

namespace tranche::vuln {

// "Debian:12" → {"debian", "12"}, "crates.io" → {"crates.io", ""}: family in lower case without what follows
// the first colon. OSV schema, "affected[].package".
struct EcosystemName {
  std::string family;
  std::string release;  // of a distribution, as it is written; may be empty
};
EcosystemName split_ecosystem(std::string_view osv);
Ecosystem order_of(std::string_view family);

// Under which an advisory and a component are the same package: PEP 503 for PyPI, lower case where the
// ecosystem has no case (NuGet, Packagist, Go as package URLs have it).
std::string normal_name(std::string_view family, std::string_view name);

struct Package {
  std::string family;
  Ecosystem order = Ecosystem::other;
  std::vector<std::string> names;  // normal; of a distribution's package its own, then that of its source
  std::string version;             // may be empty
  std::string source_version;      // of the source, where it has another; may be empty
  std::string release;             // "12" of a Debian package; may be empty
};
// nullopt: no package URL, or one of a type that OSV knows no ecosystem of.
std::optional<Package> package_of(std::string_view purl);
// The same, with the source package that the component's properties name: advisories of distributions are by
// source ("openssl" for "libssl3"). Properties as we, syft and trivy write them.
std::optional<Package> package_of(const sbom::Component& component);
// The version that an advisory about `name` speaks of.
std::string_view version_under(const Package& package, std::string_view name);

// An advisory about `advisory` speaks of a component of `component`: one of them is not known, they are
// equal, or one is a part of the other at a dot ("9" and "9.3"). Code names of Debian and words behind a
// further colon
// ("22.04:LTS") are understood; what is not understood is taken to speak of it.
bool same_release(std::string_view family, std::string_view advisory, std::string_view component);

// "npm/left-pad": type and normal name, without version and qualifiers. A text that is no package URL is
// itself.
std::string purl_name(std::string_view purl);
// A package URL that names packages covers one: type, namespace and name are equal, and so are the version
// and the qualifiers that it has. Anything that is no package URL covers only what is the same text.
bool purl_covers(std::string_view pattern, std::string_view purl);
// The package URL is of this name ("group/name") and, where it has one, this version, of whatever type.
bool purl_names(std::string_view purl, std::string_view name, std::string_view version);

}  // namespace tranche::vuln
