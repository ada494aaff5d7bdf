// The list of catalogers: which file is read by which, in the order of their names here. This table is what
// `tranche sbom` can see.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

inline constexpr std::size_t max_lock_bytes = 32 << 20;

// The file that a cataloger is asked about, and the few files beside it that it may look at.
struct Found {
  ports::Files& files;
  std::string path;
  std::string root = {};  // the directory that is looked through; empty: the one that the file is in
  // The file itself, when it stands in an archive; then nothing is beside it.
  const std::string* inside = nullptr;
  // The whole of it, at most max_lock_bytes.
  [[nodiscard]] Result<std::string> text() const;
  // A file in the same directory; empty when there is none, or it is no plain file.
  [[nodiscard]] Result<std::string> beside(std::string_view name) const;
  // A file that this one names, by its path as `path` is. kind invalid when it is no plain file below `root`,
  // also by way of a link.
  [[nodiscard]] Result<std::string> below_root(const std::string& other) const;
};

struct Cataloger {
  std::string_view pattern;  // glob over the file's name; with a '/', over the end of its path
  std::string_view what;     // for lists and messages: "npm lockfile"
  Result<Catalog> (*read)(const Found& found);
  bool large = false;  // read in pieces; not looked for in archives
};

std::span<const Cataloger> catalogers();
// nullptr when no cataloger knows files of this name.
const Cataloger* find_cataloger(std::string_view path);

// Asks the cataloger. What it refuses as invalid becomes an empty catalog whose warning says
// FILE:LINE:COLUMN and why, so that the other files are still listed; a file that cannot be read is an error.
Result<Catalog> run_cataloger(const Cataloger& cataloger, const Found& found);
// The empty catalog with that warning.
Catalog warn_of(const Error& error, const std::string& path);

// A .rpm as the one component that it is, with the digest of the file. What is inside is not looked at.
Result<Catalog> catalog_rpm_file(ports::Files& files, const std::string& path);
// A .deb as the component that it is, which needs the packages that its programs link (sbom.hpp, `root` as
// there). A control file that cannot be read is a warning.
Result<Catalog> catalog_deb_file(ports::Files& files, const std::string& path, const std::string& root);

// The readers behind the table, over text. All: at most max_lock_bytes, max_components, max_edges; kind
// invalid when the text is no such file; an entry that makes no sense is a warning with its line, and the
// rest lists. `file` names it in messages.

// npm.cpp: package-lock.json or npm-shrinkwrap.json, lockfileVersion 1, 2 or 3. One component for each name
// and version, as `npm sbom` has it.
Result<Catalog> catalog_npm_lock(std::string_view text, const std::string& file);
// yarn.cpp: yarn.lock of version 1 or of berry. `package_json` beside it says what is needed directly and
// what for development; without it main needs what nobody else needs.
Result<Catalog> catalog_yarn_lock(std::string_view text, const std::string& file,
                                  std::string_view package_json = {});
// pnpm.cpp: pnpm-lock.yaml, lockfileVersion 5 to 9.
Result<Catalog> catalog_pnpm_lock(std::string_view text, const std::string& file);
// cargo.cpp: Cargo.lock, versions 1 to 4.
Result<Catalog> catalog_cargo_lock(std::string_view text, const std::string& file);
// golang.cpp: go.mod, with the go.sum beside it ("" when there is none).
Result<Catalog> catalog_go_mod(std::string_view mod, std::string_view sum, const std::string& file);
// requirements.cpp: requirements.txt of pip. `read_other` gives the files that it names by -r and -c, by
// their path as `file` is; an error of kind invalid, or none to ask: not followed, a warning.
using ReadOther = std::function<Result<std::string>(const std::string& path)>;
Result<Catalog> catalog_requirements(std::string_view text, const std::string& file,
                                     const ReadOther& read_other = {});
// python.cpp: poetry.lock, uv.lock, pdm.lock; `tool` is the program that writes it, for hints. Pipfile.lock.
Result<Catalog> catalog_python_lock(std::string_view text, const std::string& file, std::string_view tool);
Result<Catalog> catalog_pipfile_lock(std::string_view text, const std::string& file);
// gem.cpp: Gemfile.lock of Bundler.
Result<Catalog> catalog_gemfile_lock(std::string_view text, const std::string& file);
// composer.cpp: composer.lock.
Result<Catalog> catalog_composer_lock(std::string_view text, const std::string& file);
// nuget.cpp: packages.lock.json, and the NAME.deps.json of a built .NET application.
Result<Catalog> catalog_nuget_lock(std::string_view text, const std::string& file);
Result<Catalog> catalog_deps_json(std::string_view text, const std::string& file);
// cpp_packages.cpp: conan.lock of Conan 1 and 2, and vcpkg.json.
Result<Catalog> catalog_conan_lock(std::string_view text, const std::string& file);
Result<Catalog> catalog_vcpkg_manifest(std::string_view text, const std::string& file);

}  // namespace tranche::sbom
