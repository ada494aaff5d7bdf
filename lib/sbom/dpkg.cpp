#include "sbom/dpkg.hpp"

#include "base/paths.hpp"
#include "base/text.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t max_lists = 20'000;
constexpr std::size_t max_list_bytes = 16 << 20;
constexpr std::size_t max_status_bytes = 128 << 20;

std::string unquoted(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

// The form that paths are compared in: without the /usr that the merge made redundant.
std::string_view unmerged(std::string_view path) {
  if (path.starts_with("/usr/lib")) path.remove_prefix(4);
  return path;
}

// (name, architecture) → version of what is installed. Architecture "" stands for the first one seen.
Result<std::map<std::pair<std::string, std::string>, DebianPackage>> read_status(ports::Files& files,
                                                                                 const std::string& root) {
  std::map<std::pair<std::string, std::string>, DebianPackage> packages;
  const auto text = TRY(files.read(join_path(root, "var/lib/dpkg/status"), max_status_bytes));
  if (!text) return packages;
  DebianPackage package;
  bool installed = false;
  const auto end_paragraph = [&] {
    if (installed && !package.name.empty()) {
      packages.emplace(std::pair(package.name, std::string()), package);
      packages.emplace(std::pair(package.name, package.architecture), package);
    }
    package = {};
    installed = false;
  };
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto field = [&](std::string_view name) { return line.starts_with(name); };
    if (line.empty()) end_paragraph();
    if (field("Package: ")) package.name = trim(line.substr(9));
    if (field("Version: ")) package.version = trim(line.substr(9));
    if (field("Architecture: ")) package.architecture = trim(line.substr(14));
    if (field("Source: ")) package.source = trim(line.substr(8));
    if (field("Status: ")) installed = line.ends_with(" installed");
  }
  end_paragraph();
  return packages;
}

}  // namespace

Result<Distribution> read_distribution(ports::Files& files, const std::string& root) {
  Distribution distribution;
  for (const char* place : {"etc/os-release", "usr/lib/os-release"}) {
    const std::string path = join_path(root, place);
    if (!TRY(files.info(path))) continue;
    const auto text = TRY(files.read(TRY(files.real_path(path)), 64 * 1024));
    if (!text) continue;
    for (const std::string_view line : split(*text, '\n')) {
      if (line.starts_with("ID=")) distribution.id = unquoted(line.substr(3));
      if (line.starts_with("VERSION_ID=")) distribution.version = unquoted(line.substr(11));
    }
    return distribution;
  }
  return distribution;
}

Result<std::map<std::string, DebianPackage>> find_owners(ports::Files& files, const std::string& root,
                                                         const std::set<std::string>& paths) {
  std::map<std::string, DebianPackage> owners;
  const std::string directory = join_path(root, "var/lib/dpkg/info");
  if (paths.empty() || !TRY(files.info(directory))) return owners;
  std::map<std::string_view, std::vector<const std::string*>> wanted;
  for (const std::string& path : paths) wanted[unmerged(path)].push_back(&path);
  const auto packages = TRY(read_status(files, root));
  std::size_t lists = 0;
  for (const std::string& name : TRY(files.list(directory))) {
    if (!name.ends_with(".list")) continue;
    if (++lists > max_lists)
      return fail(ErrorKind::invalid, "more than {} packages are installed below '{}'", max_lists,
                  printable(root));
    const std::string_view stem = std::string_view(name).substr(0, name.size() - 5);
    const std::size_t colon = stem.find(':');
    const std::string architecture(colon == stem.npos ? "" : stem.substr(colon + 1));
    const auto package = packages.find({std::string(stem.substr(0, colon)), architecture});
    if (package == packages.end()) continue;
    const auto text = TRY(files.read(join_path(directory, name), max_list_bytes));
    if (!text) continue;
    for (std::string_view rest = *text; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      const auto found = wanted.find(unmerged(line));
      if (found == wanted.end()) continue;
      for (const std::string* path : found->second) owners.emplace(*path, package->second);
    }
  }
  return owners;
}

}  // namespace tranche::sbom
