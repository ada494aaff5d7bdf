#include "vuln/package.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "sbom/purl.hpp"

namespace tranche::vuln {
namespace {

struct Family {
  std::string_view family;
  Ecosystem order;
};
// OSV schema, "Defined ecosystems", in lower case.
constexpr std::array<Family, 27> families{
    {{"npm", Ecosystem::npm},         {"go", Ecosystem::go},
     {"crates.io", Ecosystem::cargo}, {"pypi", Ecosystem::pypi},
     {"debian", Ecosystem::debian},   {"ubuntu", Ecosystem::debian},
     {"echo", Ecosystem::debian},     {"red hat", Ecosystem::rpm},
     {"almalinux", Ecosystem::rpm},   {"rocky linux", Ecosystem::rpm},
     {"suse", Ecosystem::rpm},        {"opensuse", Ecosystem::rpm},
     {"mageia", Ecosystem::rpm},      {"openeuler", Ecosystem::rpm},
     {"azure linux", Ecosystem::rpm}, {"photon os", Ecosystem::rpm},
     {"maven", Ecosystem::maven},     {"rubygems", Ecosystem::rubygems},
     {"nuget", Ecosystem::nuget},     {"packagist", Ecosystem::packagist},
     {"hex", Ecosystem::semver},      {"pub", Ecosystem::semver},
     {"swifturl", Ecosystem::semver}, {"github actions", Ecosystem::semver},
     {"julia", Ecosystem::semver},    {"hackage", Ecosystem::other},
     {"cran", Ecosystem::other}}};

struct TypeName {
  std::string_view type, family;
};
constexpr std::array<TypeName, 15> types{{{"npm", "npm"},
                                          {"golang", "go"},
                                          {"cargo", "crates.io"},
                                          {"pypi", "pypi"},
                                          {"maven", "maven"},
                                          {"gem", "rubygems"},
                                          {"nuget", "nuget"},
                                          {"composer", "packagist"},
                                          {"hex", "hex"},
                                          {"pub", "pub"},
                                          {"swift", "swifturl"},
                                          {"githubactions", "github actions"},
                                          {"hackage", "hackage"},
                                          {"cran", "cran"},
                                          {"julia", "julia"}}};
// Namespace of a deb, rpm or apk package URL → family.
constexpr std::array<TypeName, 17> distributions{{{"debian", "debian"},
                                                  {"ubuntu", "ubuntu"},
                                                  {"redhat", "red hat"},
                                                  {"rhel", "red hat"},
                                                  {"almalinux", "almalinux"},
                                                  {"alma", "almalinux"},
                                                  {"rocky", "rocky linux"},
                                                  {"rockylinux", "rocky linux"},
                                                  {"suse", "suse"},
                                                  {"sles", "suse"},
                                                  {"opensuse", "opensuse"},
                                                  {"mageia", "mageia"},
                                                  {"openeuler", "openeuler"},
                                                  {"azurelinux", "azure linux"},
                                                  {"photon", "photon os"},
                                                  {"alpine", "alpine"},
                                                  {"wolfi", "wolfi"}}};
constexpr std::array<TypeName, 8> code_names{{{"buster", "10"},
                                              {"bullseye", "11"},
                                              {"bookworm", "12"},
                                              {"trixie", "13"},
                                              {"forky", "14"},
                                              {"focal", "20.04"},
                                              {"jammy", "22.04"},
                                              {"noble", "24.04"}}};

template <std::size_t N>
std::string_view look_up(const std::array<TypeName, N>& table, std::string_view type) {
  const auto found = std::ranges::find(table, type, &TypeName::type);
  return found == table.end() ? std::string_view() : found->family;
}

using sbom::Purl;

// "debian-12", "12", "bookworm", "ubuntu-22.04" → the release alone.
std::string release_of(std::string_view distro) {
  if (const std::size_t dash = distro.rfind('-'); dash != distro.npos) distro = distro.substr(dash + 1);
  return std::string(distro);
}

std::string with_epoch(const Purl& purl) {
  const std::string_view epoch = purl.qualifier("epoch");
  return epoch.empty() || purl.version.empty() || purl.version.find(':') != std::string::npos
             ? purl.version
             : fmt::format("{}:{}", epoch, purl.version);
}

// "openssl", "openssl@3.0.2" of a qualifier or "gcc-12 (12.2.0-14)" of dpkg.
void add_source(std::string_view text, Package& package) {
  const std::size_t end = text.find_first_of("@ ");
  const std::string name = normal_name(package.family, text.substr(0, end));
  if (name.empty() || std::ranges::find(package.names, name) != package.names.end()) return;
  package.names.push_back(name);
  if (end == text.npos) return;
  text = trim(text.substr(end + 1));
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  package.source_version = text;
}

// "openssl-3.0.7-16.el9_2.src.rpm" → "openssl"
std::string_view name_of_source_rpm(std::string_view file) {
  for (int parts = 0; parts < 2; ++parts) file = file.substr(0, std::min(file.rfind('-'), file.size()));
  return file;
}

std::string_view property(const sbom::Component& component, std::string_view name) {
  for (const auto& [key, value] : component.properties)
    if (key == name) return value;
  return {};
}

std::string normal_purl_name(const Purl& purl) {
  return purl.type + '/' + normal_name(look_up(types, purl.type), purl.full_name());
}

}  // namespace

EcosystemName split_ecosystem(std::string_view osv) {
  const std::size_t colon = osv.find(':');
  EcosystemName out{lower(osv.substr(0, colon)), ""};
  if (colon != osv.npos) out.release = std::string(osv.substr(colon + 1));
  return out;
}

Ecosystem order_of(std::string_view family) {
  const auto found = std::ranges::find(families, family, &Family::family);
  return found == families.end() ? Ecosystem::other : found->order;
}

std::string normal_name(std::string_view family, std::string_view name) {
  const bool folded = family == "pypi" || family == "nuget" || family == "packagist" || family == "go" ||
                      family == "swifturl" || family == "github actions";
  std::string out = folded ? lower(name) : std::string(name);
  if (family != "pypi") return out;
  // PEP 503: runs of "-", "_" and "." are one "-".
  std::string joined;
  for (const char c : out) {
    const bool separator = c == '-' || c == '_' || c == '.';
    if (!separator)
      joined += c;
    else if (!joined.ends_with('-'))
      joined += '-';
  }
  return joined;
}

std::optional<Package> package_of(std::string_view text) {
  const auto purl = sbom::parse_purl(text);
  if (!purl) return std::nullopt;
  Package out;
  const bool distribution = purl->type == "deb" || purl->type == "rpm" || purl->type == "apk";
  out.family = distribution ? look_up(distributions, lower(purl->name_space)) : look_up(types, purl->type);
  if (out.family.empty()) return std::nullopt;
  out.order = order_of(out.family);
  out.names.push_back(normal_name(out.family, distribution ? purl->name : purl->full_name()));
  out.version = distribution ? with_epoch(*purl) : purl->version;
  if (distribution) {
    out.release = release_of(purl->qualifier("distro"));
    for (const std::string_view key : {"upstream", "source"})
      if (const std::string_view source = purl->qualifier(key); !source.empty()) add_source(source, out);
  }
  return out;
}

std::optional<Package> package_of(const sbom::Component& component) {
  auto out = package_of(component.purl);
  if (!out || (out->order != Ecosystem::debian && out->order != Ecosystem::rpm)) return out;
  if (const auto source = property(component, "deb:source"); !source.empty()) add_source(source, *out);
  if (const auto source = property(component, "rpm:source"); !source.empty())
    add_source(name_of_source_rpm(source), *out);
  for (const auto& [name, version] :
       {std::pair("syft:metadata:source", "syft:metadata:sourceVersion"),
        std::pair("aquasecurity:trivy:SrcName", "aquasecurity:trivy:SrcVersion")})
    if (const auto source = property(component, name); !source.empty()) {
      const auto source_version = property(component, version);
      // Trivy writes the version without its revision: only a whole one is of use.
      const bool whole = source_version.find('-') != source_version.npos;
      add_source(whole ? fmt::format("{}@{}", source, source_version) : std::string(source), *out);
    }
  return out;
}

std::string_view version_under(const Package& package, std::string_view name) {
  const bool own = package.names.front() == name || package.source_version.empty();
  return own ? package.version : package.source_version;
}

std::string purl_name(std::string_view text) {
  const auto purl = sbom::parse_purl(text);
  return purl ? normal_purl_name(*purl) : std::string(text);
}

bool purl_covers(std::string_view pattern, std::string_view text) {
  const auto wide = sbom::parse_purl(pattern), narrow = sbom::parse_purl(text);
  if (!wide || !narrow) return !text.empty() && pattern == text;
  return normal_purl_name(*wide) == normal_purl_name(*narrow) &&
         (wide->version.empty() || wide->version == narrow->version) &&
         std::ranges::all_of(wide->qualifiers, [&](const auto& qualifier) {
           return narrow->qualifier(qualifier.first) == qualifier.second;
         });
}

bool purl_names(std::string_view text, std::string_view name, std::string_view version) {
  const auto purl = sbom::parse_purl(text);
  if (!purl) return false;
  const std::string full = purl->name_space.empty() ? purl->name : purl->name_space + "/" + purl->name;
  return full == name && (purl->version.empty() || purl->version == version);
}

bool same_release(std::string_view family, std::string_view advisory, std::string_view component) {
  const auto plain = [&](std::string_view text) {
    // Ubuntu writes "Pro:18.04:LTS" and "22.04:LTS".
    for (const std::string_view part : split(text, ':'))
      if (!part.empty() && part.front() >= '0' && part.front() <= '9') return part;
    if (const std::string_view number = look_up(code_names, lower(text)); !number.empty()) return number;
    return std::string_view();
  };
  // Red Hat names products there, not releases.
  if (family == "red hat" || family == "suse" || family == "opensuse") return true;
  const std::string_view a = plain(advisory), b = plain(component);
  if (a.empty() || b.empty() || a == b) return true;
  const std::string_view shorter = a.size() < b.size() ? a : b, longer = a.size() < b.size() ? b : a;
  return longer.starts_with(shorter) && longer[shorter.size()] == '.';
}

}  // namespace tranche::vuln
