// Lexical path arithmetic. std::filesystem::path would do, but costs an allocation a segment and throws.
#include "base/paths.hpp"

#include <vector>

#include "base/text.hpp"

namespace tranche {

std::string join_path(std::string_view directory, std::string_view path) {
  if (directory.empty() || path.starts_with('/')) return std::string(path);
  std::string joined(directory);
  if (!joined.ends_with('/')) joined += '/';
  return joined.append(path);
}

std::string normal_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string> kept;
  for (const std::string_view segment : split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    const bool up = segment == "..";
    if (up && !kept.empty() && kept.back() != "..")
      kept.pop_back();
    else if (!up || !absolute)
      kept.emplace_back(segment);
  }
  if (absolute) return "/" + join(kept, "/");
  return kept.empty() ? "." : join(kept, "/");
}

std::string base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string directory_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

bool is_within(std::string_view root, std::string_view path) {
  const std::string above = normal_path(root);
  const std::string below = normal_path(path);
  if (above == "/") return below.starts_with('/');
  if (above == ".") return !below.starts_with('/') && below != ".." && !below.starts_with("../");
  return below.starts_with(above) && (below.size() == above.size() || below[above.size()] == '/');
}

}  // namespace tranche
