#include "sbom/catalogers.hpp"

#include <array>

#include "base/paths.hpp"
#include "base/text.hpp"

namespace tranche::sbom {

namespace {

constexpr std::array table{
    Cataloger{"package-lock.json", "npm lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_npm_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"npm-shrinkwrap.json", "npm lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_npm_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"yarn.lock", "yarn lockfile",
              [](const Found& found) -> Result<Catalog> {
                const std::string text = TRY(found.text());
                return catalog_yarn_lock(text, found.path, TRY(found.beside("package.json")));
              }},
    Cataloger{"pnpm-lock.yaml", "pnpm lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_pnpm_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"Cargo.lock", "Cargo lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_cargo_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"go.mod", "Go module",
              [](const Found& found) -> Result<Catalog> {
                const std::string text = TRY(found.text());
                const std::string sum = TRY(found.beside("go.sum"));
                return catalog_go_mod(text, sum, found.path);
              }},
    Cataloger{"requirements*.txt", "pip requirements",
              [](const Found& found) -> Result<Catalog> {
                return catalog_requirements(TRY(found.text()), found.path);
              }},
    Cataloger{"requirements/*.txt", "pip requirements",
              [](const Found& found) -> Result<Catalog> {
                return catalog_requirements(TRY(found.text()), found.path);
              }},
    Cataloger{"poetry.lock", "Poetry lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_python_lock(TRY(found.text()), found.path, "poetry");
              }},
    Cataloger{"uv.lock", "uv lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_python_lock(TRY(found.text()), found.path, "uv");
              }},
    Cataloger{"pdm.lock", "PDM lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_python_lock(TRY(found.text()), found.path, "pdm");
              }},
    Cataloger{"Pipfile.lock", "Pipenv lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_pipfile_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"Gemfile.lock", "Bundler lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_gemfile_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"gems.locked", "Bundler lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_gemfile_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"composer.lock", "Composer lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_composer_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"packages.lock.json", "NuGet lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_nuget_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"*.deps.json", ".NET application",
              [](const Found& found) -> Result<Catalog> {
                return catalog_deps_json(TRY(found.text()), found.path);
              }},
    Cataloger{"conan.lock", "Conan lockfile",
              [](const Found& found) -> Result<Catalog> {
                return catalog_conan_lock(TRY(found.text()), found.path);
              }},
    Cataloger{"vcpkg.json", "vcpkg manifest",
              [](const Found& found) -> Result<Catalog> {
                return catalog_vcpkg_manifest(TRY(found.text()), found.path);
              }},
};

}  // namespace

Result<std::string> Found::text() const {
  auto text = TRY(files.read(path, max_lock_bytes));
  if (!text) return fail(ErrorKind::failed, "'{}' is there no more", printable(path));
  return std::move(*text);
}

Result<std::string> Found::beside(std::string_view name) const {
  const std::string other = join_path(directory_name(path), name);
  const auto info = TRY(files.info(other));
  if (!info || info->kind != ports::FileInfo::Kind::file || info->size > max_lock_bytes) return std::string();
  return TRY(files.read(other, max_lock_bytes)).value_or("");
}

std::span<const Cataloger> catalogers() { return table; }

const Cataloger* find_cataloger(std::string_view path) {
  const std::string name = base_name(path);
  for (const Cataloger& cataloger : table) {
    const bool with_directory = cataloger.pattern.find('/') != std::string_view::npos;
    if (with_directory ? glob_match("**/" + std::string(cataloger.pattern), "/" + std::string(path))
                       : glob_match(cataloger.pattern, name))
      return &cataloger;
  }
  return nullptr;
}

Result<Catalog> run_cataloger(const Cataloger& cataloger, const Found& found) {
  auto catalog = cataloger.read(found);
  if (catalog || catalog.error().kind != ErrorKind::invalid) return catalog;
  const Error& error = catalog.error();
  Catalog none;
  std::string words = error.message;
  if (!error.hint.empty()) words += fmt::format(" ({})", error.hint);
  if (error.mark && error.mark->line > 0)
    none.warnings.push_back(
        fmt::format("{}:{}:{}: {}", printable(found.path), error.mark->line, error.mark->column, words));
  else
    none.warnings.push_back(words.find(printable(found.path)) == std::string::npos
                                ? fmt::format("{}: {}", printable(found.path), words)
                                : std::move(words));
  return none;
}

}  // namespace tranche::sbom
