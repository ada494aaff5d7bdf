// The Debian packages behind the libraries that an artifact links.
//
// A binary names libraries (DT_NEEDED), not packages, and a library may come with the artifact itself. So:
// collect the ELF files of the artifact, follow names to files in the standard library directories and on
// through those files' own names, and only then ask dpkg, once, who owns all the files found.
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "sbom/archive.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/deb.hpp"
#include "sbom/dpkg.hpp"
#include "sbom/elf.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t max_artifact_bytes = 1U << 30;
constexpr std::size_t max_library_bytes = 256U << 20;
constexpr std::size_t max_libraries = 2000;

std::string_view triplet_of(const Elf& elf) {
  switch (elf.machine) {
    case 3:
      return "i386-linux-gnu";
    case 21:
      return "powerpc64le-linux-gnu";
    case 40:
      return "arm-linux-gnueabihf";
    case 62:
      return "x86_64-linux-gnu";
    case 183:
      return "aarch64-linux-gnu";
    case 243:
      return "riscv64-linux-gnu";
    default:
      return {};
  }
}

class ArtifactReader {
 public:
  ArtifactReader(ports::Files& files, std::string root)
      : files_(files), root_(root.empty() ? "/" : std::move(root)) {}

  Result<Catalog> run(const std::string& artifact) {
    catalog_.main.name = base_name(artifact);
    TRY(read_artifact(artifact));
    TRY(follow_libraries());
    TRY(name_packages());
    sort_unique(catalog_.main.licenses);
    if (inner_.empty()) return std::move(catalog_);
    Component main = catalog_.main;
    inner_.insert(inner_.begin(), std::move(catalog_));
    return merge(std::move(main), std::move(inner_));
  }

 private:
  using Key = std::pair<std::uint16_t, std::string>;  // machine, name of the library

  struct Library {
    std::string path;  // absolute inside root_, links resolved
    std::vector<Key> needed;
  };

  void warn(std::string text) {
    if (catalog_.warnings.size() < max_warnings) catalog_.warnings.push_back(std::move(text));
  }

  Result<> read_artifact(const std::string& path) {
    // Digests of the blocks of the file beside it, zipped: neither code nor an archive.
    if (path.ends_with(".blockmap")) return {};
    const auto bytes = TRY(files_.read(path, max_artifact_bytes));
    if (!bytes)
      return fail_hint(ErrorKind::invalid, "build it first, or correct the path", "there is no artifact '{}'",
                       printable(path));
    if (is_elf(*bytes)) {
      take_elf(catalog_.main.name, *bytes);
      return {};
    }
    if (!looks_like_archive(*bytes)) {
      warn(fmt::format("{}: neither an ELF file nor an archive; nothing was looked at", printable(path)));
      return {};
    }
    const bool deb = is_deb(*bytes);
    auto walked = walk_archive(
        *bytes, {},
        [&](std::string_view name, std::string_view head) {
          return is_elf(head) || inner_cataloger(name) != nullptr ||
                 (deb && glob_match("./usr/share/doc/*/copyright", name));
        },
        [&](std::string_view name, const std::string& inner) -> Result<> {
          if (is_elf(inner)) {
            take_elf(name, inner);
          } else if (const Cataloger* known = inner_cataloger(name)) {
            if (inner.size() > max_lock_bytes)
              warn(fmt::format("{}: {} is too large to read", printable(path), printable(name)));
            else
              inner_.push_back(TRY(run_cataloger(
                  *known, {.files = files_, .path = fmt::format("{}/{}", path, name), .inside = &inner})));
          } else {
            for (std::string& license : read_debian_copyright(inner))
              catalog_.main.licenses.push_back(std::move(license));
          }
          return {};
        });
    if (!walked) return fail(std::move(walked.error()).during("reading " + printable(path)));
    if (*walked > 0)
      warn(fmt::format("{}: {} files too large to read were passed over", printable(path), *walked));
    if (elf_files_ == 0 && inner_.empty())
      warn(fmt::format("{}: no ELF file in the archive", printable(path)));
    return {};
  }

  // What is known by its name in an archive: not the lockfiles of packages inside packages, nor examples.
  static const Cataloger* inner_cataloger(std::string_view name) {
    if (name.find("node_modules/") != name.npos || name.find("usr/share/doc/") != name.npos) return nullptr;
    const Cataloger* known = find_cataloger(name);
    return known == nullptr || known->large ? nullptr : known;
  }

  void take_elf(std::string_view name, std::string_view bytes) {
    ++elf_files_;
    const auto elf = parse_elf(bytes);
    if (!elf) return warn(fmt::format("{}: {}", printable(name), elf.error().message));
    // A library that comes with the artifact satisfies the others.
    bundled_.insert({elf->machine, base_name(name)});
    if (!elf->soname.empty()) bundled_.insert({elf->machine, elf->soname});
    if (triplet_of(*elf).empty())
      return warn(fmt::format("{}: machine {} is not known", printable(name), elf->machine));
    if (!elf->dynamic)
      warn(fmt::format("{}: statically linked; the libraries inside cannot be seen", printable(name)));
    for (const std::string& library : elf->needed) direct_.insert({elf->machine, library});
  }

  // Where the loader's default path has this library; nullopt when nowhere.
  Result<std::optional<std::string>> find_library(const Key& key, std::string_view triplet) {
    const std::string& name = key.second;
    if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..")
      return std::nullopt;
    for (const std::string& directory :
         {fmt::format("/usr/local/lib/{}", triplet), std::string("/usr/local/lib"),
          fmt::format("/lib/{}", triplet), fmt::format("/usr/lib/{}", triplet), std::string("/lib"),
          std::string("/usr/lib"), std::string("/lib64")}) {
      const std::string path = join_path(directory, name);
      const std::string full = join_path(root_, path.substr(1));
      if (!TRY(files_.info(full))) continue;
      const auto real = files_.real_path(full);
      const std::string real_root = TRY(files_.real_path(root_));
      if (!real || !is_within(real_root, *real)) continue;
      return real_root == "/" ? *real : real->substr(real_root.size());
    }
    return std::nullopt;
  }

  Result<> follow_libraries() {
    std::deque<Key> waiting(direct_.begin(), direct_.end());
    while (!waiting.empty()) {
      const Key key = std::move(waiting.front());
      waiting.pop_front();
      if (libraries_.contains(key) || bundled_.contains(key)) continue;
      if (libraries_.size() >= max_libraries)
        return fail(ErrorKind::invalid, "the artifact links more than {} libraries", max_libraries);
      Elf machine;
      machine.machine = key.first;
      const auto path = TRY(find_library(key, triplet_of(machine)));
      if (!path) {
        warn(fmt::format("library '{}' is linked, and not installed here", printable(key.second)));
        libraries_[key] = {};
        continue;
      }
      Library library{*path, {}};
      const auto bytes = TRY(files_.read(join_path(root_, path->substr(1)), max_library_bytes));
      const auto elf = parse_elf(bytes ? std::string_view(*bytes) : std::string_view());
      if (!elf) {
        warn(fmt::format("{}: {}", printable(*path), elf.error().message));
      } else {
        for (const std::string& name : elf->needed) library.needed.emplace_back(key.first, name);
      }
      waiting.insert(waiting.end(), library.needed.begin(), library.needed.end());
      libraries_[key] = std::move(library);
    }
    return {};
  }

  Result<> name_packages() {
    std::set<std::string> paths;
    for (const auto& [key, library] : libraries_)
      if (!library.path.empty()) paths.insert(library.path);
    if (paths.empty()) return {};
    const auto owners = TRY(find_owners(files_, root_, paths));
    const Distribution distribution = TRY(read_distribution(files_, root_));
    if (distribution.id.empty()) warn("no os-release: the distribution of the packages is not known");
    for (const std::string& path : paths)
      if (!owners.contains(path)) warn(fmt::format("{}: no installed package owns it", printable(path)));
    const auto reference = [&](const Key& key) -> std::string {
      const auto library = libraries_.find(key);
      if (library == libraries_.end()) return {};
      const auto owner = owners.find(library->second.path);
      return owner == owners.end() ? std::string() : purl_of(owner->second, distribution);
    };
    std::map<std::string, Component> components;
    for (const auto& [key, library] : libraries_) {
      const auto owner = owners.find(library.path);
      if (owner == owners.end()) continue;
      Component& component = components[reference(key)];
      component.name = owner->second.name;
      component.version = owner->second.version;
      component.purl = component.bom_ref = reference(key);
      // Advisories of Debian are by source.
      if (!owner->second.source.empty()) component.properties = {{"deb:source", owner->second.source}};
      for (const Key& needed : library.needed)
        if (const std::string other = reference(needed); !other.empty() && other != component.bom_ref)
          component.depends_on.push_back(other);
    }
    for (const Key& key : direct_)
      if (const std::string other = reference(key); !other.empty()) catalog_.main.depends_on.push_back(other);
    for (auto& [name, component] : components) {
      sort_unique(component.depends_on);
      catalog_.components.push_back(std::move(component));
    }
    sort_unique(catalog_.main.depends_on);
    return {};
  }

  static void sort_unique(std::vector<std::string>& list) {
    std::ranges::sort(list);
    list.erase(std::ranges::unique(list).begin(), list.end());
  }

  static std::string purl_of(const DebianPackage& package, const Distribution& distribution) {
    const std::string id = distribution.id.empty() ? "debian" : distribution.id;
    const std::string distro =
        distribution.id.empty() || distribution.version.empty() ? "" : id + "-" + distribution.version;
    return make_purl("deb", id, package.name, package.version,
                     {{"arch", package.architecture}, {"distro", distro}});
  }

  ports::Files& files_;
  std::string root_;
  Catalog catalog_;
  std::size_t elf_files_ = 0;
  std::vector<Catalog> inner_;        // of the lockfiles in an archive
  std::set<Key> bundled_;             // what the artifact brings along
  std::set<Key> direct_;              // what its ELF files name
  std::map<Key, Library> libraries_;  // the closure
};

}  // namespace

Result<Catalog> catalog_linked_packages(ports::Files& files, const std::string& artifact_path,
                                        const std::string& root) {
  return ArtifactReader(files, root).run(artifact_path);
}

}  // namespace tranche::sbom
