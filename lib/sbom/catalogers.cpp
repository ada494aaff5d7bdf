#include "sbom/catalogers.hpp"

#include <algorithm>
#include <array>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "sbom/digest_file.hpp"
#include "sbom/model.hpp"
#include "sbom/rpm.hpp"

namespace tranche::sbom {

namespace {

Catalog catalog_of_one(Component component, Hash hash) {
  component.hashes = {std::move(hash)};
  if (component.purl.empty())
    component.purl = make_purl("generic", "", component.name, component.version,
                               {{"checksum", "sha256:" + component.hashes[0].hex}});
  component.bom_ref = component.purl;
  Catalog catalog;
  catalog.main.depends_on = {component.bom_ref};
  catalog.components.push_back(std::move(component));
  return catalog;
}

Result<Catalog> catalog_gguf(const Found& found) {
  Digested file = TRY(digest_file(found.files, found.path, max_model_head_bytes));
  return catalog_of_one(TRY(read_gguf(file.head, found.path)), std::move(file.hash));
}

Result<Catalog> catalog_safetensors(const Found& found) {
  Digested file = TRY(digest_file(found.files, found.path, max_model_head_bytes));
  const std::string config = TRY(found.beside("config.json"));
  return catalog_of_one(TRY(read_safetensors(file.head, file.size, found.path, config)),
                        std::move(file.hash));
}

Result<Catalog> catalog_pip(const Found& found) {
  const ReadOther read_other = [&](const std::string& path) { return found.below_root(path); };
  return catalog_requirements(TRY(found.text()), found.path, read_other);
}

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
    Cataloger{"requirements*.txt", "pip requirements", catalog_pip},
    Cataloger{"requirements/*.txt", "pip requirements", catalog_pip},
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
    Cataloger{"*.gguf", "model in GGUF", catalog_gguf, true},
    Cataloger{"*.safetensors", "model in safetensors", catalog_safetensors, true},
};

}  // namespace

Result<Catalog> catalog_rpm_file(ports::Files& files, const std::string& path) {
  Digested file = TRY(digest_file(files, path, max_rpm_head_bytes));
  return catalog_of_one(TRY(read_rpm(file.head, path)), std::move(file.hash));
}

Result<std::string> Found::text() const {
  if (inside != nullptr) return *inside;
  auto text = TRY(files.read(path, max_lock_bytes));
  if (!text) return fail(ErrorKind::failed, "'{}' is there no more", printable(path));
  return std::move(*text);
}

Result<std::string> Found::beside(std::string_view name) const {
  if (inside != nullptr) return std::string();
  const std::string other = join_path(directory_name(path), name);
  const auto info = TRY(files.info(other));
  if (!info || info->kind != ports::FileInfo::Kind::file || info->size > max_lock_bytes) return std::string();
  return TRY(files.read(other, max_lock_bytes)).value_or("");
}

Result<std::string> Found::below_root(const std::string& other) const {
  const std::string directory = root.empty() ? directory_name(path) : root;
  const auto refused = fail_hint(ErrorKind::invalid, "name it on the command line, or scan it",
                                 "it is not in the directory that is looked through");
  if (inside != nullptr || !is_within(directory, other) || !TRY(files.info(other))) return refused;
  const auto real = files.real_path(other);
  if (!real || !is_within(TRY(files.real_path(directory)), *real)) return refused;
  const auto what = TRY(files.info(*real));
  if (!what || what->kind != ports::FileInfo::Kind::file || what->size > max_lock_bytes)
    return fail(ErrorKind::invalid, "it is no plain file of at most {} bytes", max_lock_bytes);
  return TRY(files.read(*real, max_lock_bytes)).value_or("");
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

Catalog warn_of(const Error& error, const std::string& path) {
  std::string words = error.message;
  if (!error.hint.empty()) words += fmt::format(" ({})", error.hint);
  const std::string name = printable(path);
  Catalog none;
  if (error.mark && error.mark->line > 0)
    none.warnings.push_back(fmt::format("{}:{}:{}: {}", name, error.mark->line, error.mark->column, words));
  else if (words.starts_with(name + " "))  // "FILE is no lockfile of ..."
    none.warnings.push_back(fmt::format("{}:1:1:{}", name, words.substr(name.size())));
  else
    none.warnings.push_back(words.starts_with(name) ? std::move(words) : fmt::format("{}: {}", name, words));
  return none;
}

Result<Catalog> run_cataloger(const Cataloger& cataloger, const Found& found) {
  auto catalog = cataloger.read(found);
  if (catalog || catalog.error().kind != ErrorKind::invalid) return catalog;
  return warn_of(catalog.error(), found.path);
}

}  // namespace tranche::sbom
