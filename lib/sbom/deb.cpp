#include "sbom/deb.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sbom/archive.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/digest_file.hpp"
#include "sbom/licenses.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t max_licenses = 100;
constexpr std::size_t max_license_bytes = 256;

std::string field(const Deb822Stanza& stanza, std::string_view name) {
  const std::string_view value = stanza.find(name).value_or(std::string_view());
  return is_valid_utf8(value) ? std::string(value) : std::string();  // old packages name people in Latin 1
}

// Debian's short names that SPDX spells otherwise (copyright-format/1.0, "License short name").
std::string spdx_name(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> table[] = {
      {"expat", "MIT"},
      {"apache-2", "Apache-2.0"},
      {"artistic", "Artistic-1.0"},
      {"boost-1.0", "BSL-1.0"},
      {"cc0", "CC0-1.0"},
      {"psf-2", "PSF-2.0"},
      {"perl", "(GPL-1.0-or-later OR Artistic-1.0)"}};
  const std::string small = lower(name);
  for (const auto& [debian, spdx] : table)
    if (small == debian) return std::string(spdx);
  for (const std::string_view family : {"gpl-", "lgpl-", "agpl-", "gfdl-", "gfdl-niv-"}) {
    if (!small.starts_with(family)) continue;
    std::string_view version = std::string_view(small).substr(family.size());
    const bool later = version.ends_with('+');
    if (later) version.remove_suffix(1);
    std::string text(family.starts_with("gfdl-niv") ? "gfdl-" : family);
    text.append(version).append(version.find('.') == version.npos ? ".0" : "");
    if (family.starts_with("gfdl-niv")) text += "-no-invariants";
    text += later ? "-or-later" : "-only";
    if (const std::string_view id = find_license_id(text); !id.empty()) return std::string(id);
  }
  return std::string(name);
}

// "GPL-2+ or Expat, and ISC" → "(GPL-2.0-or-later OR MIT) AND ISC": a comma binds weaker than the words. What
// is no expression then stays as it stands.
std::string spdx_license(std::string_view text) {
  std::string expression;
  for (std::string_view part : split(text, ',')) {
    part = trim(part);
    std::string_view joint = " AND ";
    for (const auto& [word, operation] :
         {std::pair<std::string_view, std::string_view>{"and ", " AND "}, {"or ", " OR "}})
      if (!expression.empty() && part.starts_with(word)) {
        part.remove_prefix(word.size());
        joint = operation;
      }
    std::string names;
    bool several = false;
    for (const std::string_view word : split(part, ' ')) {
      if (word.empty()) continue;
      several = several || !names.empty();
      names +=
          (names.empty() ? "" : " ") + (word == "or" || word == "and" ? std::string(word) : spdx_name(word));
    }
    if (several && text.find(',') != text.npos) names = "(" + names + ")";
    expression += (expression.empty() ? "" : std::string(joint)) + names;
  }
  const auto parsed = parse_license_expression(expression);
  return parsed ? parsed->text : std::string(text);
}

}  // namespace

bool is_deb(std::string_view bytes) { return bytes.starts_with("!<arch>\ndebian-binary"); }

Component debian_component(const Deb822Stanza& stanza, const Distribution& distribution) {
  Component component;
  component.name = field(stanza, "Package");
  component.version = field(stanza, "Version");
  const bool known = !distribution.id.empty() && !distribution.version.empty();
  component.purl = make_purl("deb", distribution.id.empty() ? "debian" : distribution.id, component.name,
                             component.version,
                             {{"arch", field(stanza, "Architecture")},
                              {"distro", known ? distribution.id + "-" + distribution.version : ""}});
  component.bom_ref = component.purl;
  component.supplier = field(stanza, "Maintainer");
  const std::string description = field(stanza, "Description");
  component.description = description.substr(0, description.find('\n'));
  if (std::string source = field(stanza, "Source"); !source.empty())
    component.properties.emplace_back("deb:source", std::move(source));
  return component;
}

std::string_view relation_name(std::string_view text) {
  text = trim(text);
  return text.substr(0, text.find_first_of(" :(["));
}

Result<DebPackage> read_deb(std::string_view head, const std::string& file) {
  const std::string control = TRY(read_deb_control(head));
  const auto stanzas = TRY_WHILE("reading the control file of " + printable(file), parse_deb822(control));
  const auto broken = [&](std::string_view why) {
    return fail_hint(ErrorKind::invalid, "build the package again (dpkg-deb --build)", "{}: {}",
                     printable(file), why);
  };
  if (stanzas.size() != 1) return broken("its control file is not one paragraph");
  DebPackage package;
  Component& component = package.component;
  component = debian_component(stanzas[0]);
  if (component.name.empty() || component.version.empty())
    return broken("its control file names no package and version");
  if (const auto purl = parse_purl(component.purl); !purl) return broken(purl.error().message);
  for (const char* relation : {"Pre-Depends", "Depends"})
    for (const std::string_view need : split(stanzas[0].find(relation).value_or(std::string_view()), ','))
      for (const std::string_view alternative : split(need, '|'))
        if (const std::string_view name = relation_name(alternative); !name.empty())
          package.depends.emplace_back(name);
  return package;
}

Result<Catalog> catalog_deb_file(ports::Files& files, const std::string& path, const std::string& root) {
  const Digested file = TRY(digest_file(files, path, max_deb_head_bytes));
  Catalog catalog = TRY(catalog_linked_packages(files, path, root));
  if (!is_deb(file.head)) return catalog;  // that warning is enough
  auto package = read_deb(file.head, path);
  if (!package) {
    if (package.error().kind != ErrorKind::invalid) return fail(package.error());
    catalog.warnings.push_back(warn_of(package.error(), path).warnings.front());
    return catalog;
  }
  Component& component = package->component;
  component.hashes = {file.hash};
  component.licenses = std::move(catalog.main.licenses);
  component.depends_on = std::move(catalog.main.depends_on);
  // What it says it needs, as far as that is listed here.
  for (const Component& other : catalog.components)
    if (std::ranges::find(package->depends, other.name) != package->depends.end())
      component.depends_on.push_back(other.bom_ref);
  std::ranges::sort(component.depends_on);
  component.depends_on.erase(std::ranges::unique(component.depends_on).begin(), component.depends_on.end());
  catalog.main.depends_on = {component.bom_ref};
  catalog.components.push_back(std::move(component));
  return catalog;
}

std::vector<std::string> read_debian_copyright(std::string_view text) {
  std::vector<std::string> licenses;
  const auto stanzas = parse_deb822(text);
  if (!stanzas || stanzas->empty()) return licenses;
  if (field(stanzas->front(), "Format").find("copyright-format") == std::string::npos) return licenses;
  for (const Deb822Stanza& stanza : *stanzas) {
    if (!stanza.find("Files")) continue;  // the text of a licence that others name
    const std::string value = field(stanza, "License");
    const std::string_view name = trim(std::string_view(value).substr(0, value.find('\n')));
    if (!name.empty() && name.size() <= max_license_bytes) licenses.push_back(spdx_license(name));
  }
  std::ranges::sort(licenses);
  licenses.erase(std::ranges::unique(licenses).begin(), licenses.end());
  if (licenses.size() > max_licenses) licenses.resize(max_licenses);
  return licenses;
}

}  // namespace tranche::sbom
