// composer.lock: what is needed for running in "packages", for development in "packages-dev". Needs of the
// platform ("php", "ext-json", "lib-curl") are no packages.
#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/licenses.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

// Several are a choice (getcomposer.org/doc/04-schema.md, "license"). Where one of them is no SPDX expression
// they stay a list of names.
std::vector<std::string> licenses_of(const doc::Value& package) {
  std::vector<std::string> names;
  std::string choice;
  for (const doc::Value& license : items_at(package, "license")) {
    if (!license.is_string()) continue;
    names.push_back(license.as_string());
    choice += (choice.empty() ? "" : " OR ") + license.as_string();
  }
  if (names.size() < 2 || !parse_license_expression(choice)) return names;
  return {choice};
}

}  // namespace

Result<Catalog> catalog_composer_lock(std::string_view text, const std::string& file) {
  const doc::Value value = TRY(doc::parse_json(text, file, lock_limits));
  const doc::Value* packages = value.find("packages");
  if (packages == nullptr || !packages->is_array())
    return fail_hint(ErrorKind::invalid, "composer update --lock writes it", "{} is no composer.lock",
                     printable(file));
  LockGraph graph(file);
  std::vector<std::pair<std::string, std::string>> needs;
  for (const char* section : {"packages", "packages-dev"}) {
    for (const doc::Value& package : items_at(value, section)) {
      const std::string name = lower(text_at(package, "name"));
      const std::size_t slash = name.find('/');
      if (name.empty() || text_at(package, "version").empty()) {
        graph.warn(package.place.line, fmt::format("a package has no {}", name.empty() ? "name" : "version"));
        continue;
      }
      Component component;
      component.group = slash == std::string::npos ? "" : name.substr(0, slash);
      component.name = slash == std::string::npos ? name : name.substr(slash + 1);
      component.version = text_at(package, "version");
      component.purl = make_purl("composer", component.group, component.name, component.version);
      component.description = text_at(package, "description");
      component.licenses = licenses_of(package);
      if (const doc::Value* archive = package.find("dist")) {
        if (auto hash = hash_of_hex(text_at(*archive, "shasum")))
          component.hashes.push_back(std::move(*hash));
        if (const std::string url = text_at(*archive, "url"); url.starts_with("http"))
          component.download = url;
      }
      if (std::string_view(section) == "packages-dev") component.scope = "excluded";
      TRY(graph.add(name, std::move(component)));
      for (const doc::Member& need : members_at(package, "require"))
        if (need.key.find('/') != std::string::npos) needs.emplace_back(name, lower(need.key));
    }
  }
  // A package may stand for another ("provide", "replace"): an edge to a name that is not listed is no fault.
  for (auto& [from, to] : needs) TRY(graph.connect(std::move(from), std::move(to), Needed::optional));
  TRY(graph.need_the_rest());
  return graph.finish();
}

}  // namespace tranche::sbom
