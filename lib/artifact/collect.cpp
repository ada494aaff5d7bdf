// Finding what the patterns name.
//
// The patterns come from the repository, and so perhaps from a stranger: a walk is bounded in entries and
// depth, follows no directory symlink, never looks into .git, and every file found is checked by its real
// path.
#include "artifact/collect.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "artifact/builder_files.hpp"
#include "artifact/by_products.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "base/version.hpp"

namespace tranche::artifact {

namespace {

constexpr std::size_t max_entries = 10'000;
constexpr std::size_t max_depth = 32;
constexpr std::string_view glob_characters = "*?[";

bool has_glob(std::string_view text) { return text.find_first_of(glob_characters) != std::string_view::npos; }

struct Found {
  std::string path;  // relative to the repository
  std::string real;
  std::string name, platform;  // as an artifact
  BuilderFile builder{};       // kind electron-builder: what its yml says
  std::string metadata{};
};

class Walk {
 public:
  Walk(ports::Files& files, const std::string& repository, std::string real_root)
      : files_(files), repository_(repository), real_root_(std::move(real_root)) {}

  // That very file, if it is there.
  Result<std::vector<Found>> find_file(const std::string& path) {
    std::vector<Found> found;
    TRY(add(path, path, found));
    return found;
  }

  // Its real path when `path` is a directory of the repository.
  Result<std::optional<std::string>> find_directory(const std::string& path) {
    if (!TRY(files_.info(at(path)))) return std::optional<std::string>();
    std::string real = TRY(inside(path));
    const auto target = TRY(files_.info(real));
    if (!target || target->kind != ports::FileInfo::Kind::directory) return std::optional<std::string>();
    return std::optional(std::move(real));
  }

  // Files that match, sorted by path.
  Result<std::vector<Found>> find(const std::string& pattern) {
    if (!has_glob(pattern)) return find_file(pattern);
    std::vector<Found> found;
    std::string start = ".";
    for (std::string_view rest = pattern; rest.find('/') != std::string_view::npos;) {
      const std::string_view segment = rest.substr(0, rest.find('/'));
      if (has_glob(segment)) break;
      start = normal_path(join_path(start, segment));
      rest.remove_prefix(segment.size() + 1);
    }
    const auto info = TRY(files_.info(at(start)));
    if (!info) return found;
    if (info->kind == ports::FileInfo::Kind::symlink) TRY(inside(start));
    deep_ = pattern.find("**") != std::string::npos;
    levels_ = static_cast<std::size_t>(std::ranges::count(pattern, '/'));
    TRY(descend(start, pattern, 0, found));
    std::ranges::sort(found, {}, &Found::path);
    return found;
  }

 private:
  [[nodiscard]] std::string at(const std::string& path) const {
    return path == "." ? (repository_.empty() ? "." : repository_) : join_path(repository_, path);
  }

  Result<std::string> inside(const std::string& path) {
    std::string real = TRY(files_.real_path(at(path)));
    if (!is_within(real_root_, real))
      return fail_hint(ErrorKind::invalid,
                       "copy the file into the repository: artifacts are taken from there only",
                       "'{}' is a link that leaves the repository", printable(path));
    return real;
  }

  // Adds the file at `path`, if there is one. A literal pattern that names a directory is an error.
  Result<> add(const std::string& path, const std::string& pattern, std::vector<Found>& found) {
    const auto info = TRY(files_.info(at(path)));
    if (!info) return {};
    const std::string real = TRY(inside(path));
    const auto target = TRY(files_.info(real));
    if (target && target->kind == ports::FileInfo::Kind::file) {
      found.push_back({path, real, base_name(path), {}});
    } else if (path == pattern) {
      return fail_hint(ErrorKind::invalid, fmt::format("name its files: '{}/*'", printable(path)),
                       "'{}' is not a regular file", printable(path));
    }
    return {};
  }

  Result<> descend(const std::string& directory, const std::string& pattern, std::size_t depth,
                   std::vector<Found>& found) {
    if (depth > max_depth)
      return fail_hint(ErrorKind::invalid, "name a narrower path", "'{}' is deeper than {} directories",
                       printable(directory), max_depth);
    for (const std::string& name : TRY(files_.list(at(directory)))) {
      if (++entries_ > max_entries)
        return fail_hint(
            ErrorKind::invalid, "name the directory that the build writes to, such as dist/*.deb",
            "more than {} files and directories were looked at for '{}'", max_entries, printable(pattern));
      const std::string path = directory == "." ? name : join_path(directory, name);
      const bool matches = glob_match(pattern, path);
      const auto info = TRY(files_.info(at(path)));
      if (!info) continue;
      if (info->kind == ports::FileInfo::Kind::directory) {
        const auto slashes = static_cast<std::size_t>(std::ranges::count(path, '/'));
        if (name != ".git" && (deep_ || slashes < levels_)) TRY(descend(path, pattern, depth + 1, found));
      } else if (matches) {
        TRY(add(path, pattern, found));
      }
    }
    return {};
  }

  ports::Files& files_;
  const std::string& repository_;
  std::string real_root_;
  std::size_t entries_ = 0;  // over all patterns
  std::size_t levels_ = 0;
  bool deep_ = false;
};

std::string hint_for_missing(ports::Files& files, const std::string& repository, const std::string& path) {
  const std::string build = "build it first, or correct the path";
  if (has_glob(path)) return build;
  const auto names = files.list(join_path(repository.empty() ? "." : repository, directory_name(path)));
  if (!names || names->size() > max_entries) return build;
  const std::string near = nearest(base_name(path), *names);
  return near.empty() ? build : fmt::format("did you mean '{}'?", printable(near));
}

// The files that the electron-builder documents name, each looked for beside its document.
Result<std::vector<Found>> find_built(Walk& walk, ports::Files& files, const std::vector<Found>& documents,
                                      const Pattern& pattern, std::string_view version) {
  std::vector<Found> built;
  for (const Found& document : documents) {
    const auto bytes = TRY(files.read(document.real, max_update_info_bytes));
    const auto listing = TRY(files.list(directory_name(document.real)));
    const auto named = TRY(builder_files(bytes.value_or(""), document.path, listing, version));
    for (const BuilderFile& one : named)
      for (Found& file :
           TRY(walk.find_file(normal_path(join_path(directory_name(document.path), one.local))))) {
        file.name = one.name;
        file.platform = pattern.platform.empty() ? one.platform : pattern.platform;
        file.builder = one;
        file.metadata = document.real;
        built.push_back(std::move(file));
      }
  }
  return built;
}

// What the walk found less what only says something of other files.
Result<> leave_by_products(ports::Files& files, std::vector<Found>& found,
                           std::vector<std::string>& passed_over) {
  std::map<std::string, std::vector<std::string>> listings;
  for (const Found& one : found) {
    const std::string directory = directory_name(one.real);
    if (!listings.contains(directory)) listings[directory] = TRY(files.list(directory));
  }
  std::erase_if(found, [&](const Found& one) {
    const bool leave = is_by_product(one.name, listings[directory_name(one.real)]);
    if (leave) passed_over.push_back(one.path);
    return leave;
  });
  return {};
}

Result<std::vector<Found>> find_pattern(Walk& walk, ports::Files& files, const std::string& repository,
                                        const Pattern& pattern, std::string_view version,
                                        std::vector<std::string>& passed_over) {
  const std::string shown = printable(pattern.path);
  const std::string replaced = replace_all(pattern.path, "{version}", version);
  if (replaced.empty()) return fail_hint(ErrorKind::invalid, "name a file", "an artifact has an empty path");
  if (replaced.starts_with('/') || !is_within(".", replaced))
    return fail_hint(ErrorKind::invalid, "artifact paths are relative to the repository and stay in it",
                     "the path '{}' leaves the repository", shown);
  const std::string path = normal_path(replaced);
  auto found = TRY(walk.find(path));
  const bool any = !found.empty();
  if (has_glob(path) && pattern.kind.empty()) TRY(leave_by_products(files, found, passed_over));
  if (found.empty())
    return fail_hint(ErrorKind::invalid,
                     any ? "build it first: what lies there are signatures, attestations and SBOMs"
                         : hint_for_missing(files, repository, path),
                     "no file matches '{}'", printable(replaced));
  if (pattern.kind == builder_kind) return find_built(walk, files, found, pattern, version);
  if (!pattern.kind.empty())
    return fail_hint(ErrorKind::invalid, "leave it out, or write electron-builder",
                     "there are no artifacts of kind '{}'", printable(pattern.kind));
  for (Found& one : found) one.platform = pattern.platform.empty() ? platform_of(one.name) : pattern.platform;
  return found;
}

// The same file, found twice. A document knows better than its name what platform it is for.
bool is_same(const Found& a, const Found& b) {
  return a.platform == b.platform || a.metadata.empty() != b.metadata.empty();
}

Error placed(Error error, const Pattern& pattern) {
  if (!error.mark && pattern.place.line > 0) error.mark = doc::to_mark(pattern.place);
  return error;
}

struct Word {
  std::string_view part, meaning;
};
// Longer and more telling parts first: "x86_64" before "x86", "darwin" before "win".
constexpr std::array architectures{Word{"x86_64", "amd64"},  Word{"amd64", "amd64"}, Word{"x64", "amd64"},
                                   Word{"aarch64", "arm64"}, Word{"arm64", "arm64"}, Word{"armhf", "arm"},
                                   Word{"armv7", "arm"},     Word{"i386", "386"},    Word{"i686", "386"},
                                   Word{"ia32", "386"},      Word{"x86", "386"}};
constexpr std::array systems{Word{".deb", "linux"},    Word{".rpm", "linux"},    Word{".appimage", "linux"},
                             Word{".snap", "linux"},   Word{"linux", "linux"},   Word{".dmg", "darwin"},
                             Word{".pkg", "darwin"},   Word{"darwin", "darwin"}, Word{"macos", "darwin"},
                             Word{".exe", "windows"},  Word{".msi", "windows"},  Word{"windows", "windows"},
                             Word{"win32", "windows"}, Word{"win64", "windows"}};

}  // namespace

std::string platform_of(std::string_view file_name) {
  const std::string name = lower(file_name);
  const auto meaning = [&](const auto& words) -> std::string_view {
    for (const Word& word : words)
      if (name.find(word.part) != std::string::npos) return word.meaning;
    return {};
  };
  const std::string_view system = meaning(systems);
  const std::string_view architecture = meaning(architectures);
  if (system.empty() || architecture.empty()) return "any";
  return fmt::format("{}/{}", system, architecture);
}

Result<std::vector<RepositoryPath>> find_paths(ports::Files& files, const std::string& repository,
                                               const std::string& pattern) {
  if (pattern.empty() || pattern.starts_with('/') || !is_within(".", pattern))
    return fail_hint(ErrorKind::invalid, "paths are relative to the repository and stay in it",
                     "the path '{}' leaves the repository", printable(pattern));
  const std::string path = normal_path(pattern);
  Walk walk(files, repository, TRY(files.real_path(repository.empty() ? "." : repository)));
  std::vector<RepositoryPath> paths;
  if (!has_glob(path)) {
    if (const auto directory = TRY(walk.find_directory(path))) {
      paths.push_back({path, *directory, true});
      return paths;
    }
  }
  for (Found& found : TRY(walk.find(path))) paths.push_back({std::move(found.path), std::move(found.real)});
  if (paths.empty())
    return fail_hint(ErrorKind::invalid, hint_for_missing(files, repository, path), "no file matches '{}'",
                     printable(pattern));
  return paths;
}

Result<std::vector<Artifact>> collect(ports::Files& files, const std::string& repository,
                                      const std::vector<Pattern>& patterns, std::string_view version,
                                      Digests wanted, std::vector<std::string>* passed_over) {
  std::vector<std::string> left;
  if (!valid_version(version))
    return fail_hint(ErrorKind::invalid, "versions look like 1.2.0 or 1.2.0-rc.1 (semver.org)",
                     "'{}' is no version", printable(version));
  Walk walk(files, repository, TRY(files.real_path(repository.empty() ? "." : repository)));
  std::vector<Error> errors;
  std::map<std::string, Found> by_name;
  for (const Pattern& pattern : patterns) {
    auto found = find_pattern(walk, files, repository, pattern, version, left);
    if (!found) {
      errors.push_back(placed(std::move(found.error()), pattern));
      continue;
    }
    for (Found& one : *found) {
      const auto [earlier, fresh] = by_name.emplace(one.name, one);
      if (!fresh && earlier->second.real == one.real && is_same(earlier->second, one)) {
        if (earlier->second.metadata.empty()) earlier->second = std::move(one);
        continue;
      }
      if (fresh) continue;
      errors.push_back(placed(
          Error(ErrorKind::invalid,
                fmt::format("two artifacts have the name '{}': '{}' and '{}'", printable(earlier->first),
                            printable(earlier->second.path), printable(one.path)),
                "rename one: devices find an artifact by its file name"),
          pattern));
    }
  }
  if (!errors.empty()) {
    Error first = std::move(errors.front());
    first.others.assign(std::make_move_iterator(errors.begin() + 1), std::make_move_iterator(errors.end()));
    return fail(std::move(first));
  }
  if (passed_over != nullptr) *passed_over = std::move(left);
  std::vector<std::string> paths;
  std::vector<bool> with_sha512;
  const auto is_hashed = [&](const Found& found) {
    return wanted == Digests::all || !found.metadata.empty() || !found.builder.sha512.empty();
  };
  for (const auto& [name, found] : by_name) {
    if (!is_hashed(found)) continue;
    paths.push_back(found.real);
    with_sha512.push_back(!found.builder.sha512.empty());
  }
  auto digests = TRY(digest_files(files, paths, 0, with_sha512));
  std::vector<Artifact> artifacts;
  std::size_t next = 0;
  for (auto& [name, found] : by_name) {
    if (!is_hashed(found)) {
      const auto info = TRY(files.info(found.real));
      artifacts.push_back(
          {name, std::move(found.platform), info ? info->size : 0, {}, std::move(found.real)});
      continue;
    }
    Digested& digested = digests[next++];
    TRY(check_built(found.builder, found.path, found.metadata, digested));
    artifacts.push_back({name, std::move(found.platform), digested.size, std::move(digested.sha256),
                         std::move(found.real), std::move(found.metadata), std::move(digested.sha512)});
  }
  return artifacts;
}

}  // namespace tranche::artifact
