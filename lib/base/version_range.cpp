#include "base/version_range.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "base/version.hpp"

namespace tranche {

Result<VersionRange> parse_version_range(std::string_view text) {
  using Is = VersionRange::Is;
  static constexpr std::pair<std::string_view, Is> signs[] = {{">=", Is::at_least}, {"<=", Is::at_most},
                                                              {"!=", Is::other},    {">", Is::more},
                                                              {"<", Is::less},      {"=", Is::equal}};
  const auto bad = [&]() {
    return fail_hint(ErrorKind::invalid, "write \">=2.3\", or \">=2.3 <3\"", "'{}' is no range of versions",
                     printable(text, 64));
  };
  if (text.size() > 256) return bad();
  VersionRange range;
  std::string_view rest = text;
  const auto skip = [&](std::string_view what) {
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(what)));
  };
  for (skip(" "); !rest.empty(); skip(" ,")) {
    VersionRange::Part part;
    for (const auto& [sign, is] : signs) {
      if (!rest.starts_with(sign)) continue;
      part.is = is;
      rest.remove_prefix(sign.size());
      break;
    }
    skip(" ");
    const std::size_t end = std::min(rest.size(), rest.find_first_of(" ,"));
    part.version = rest.substr(0, end);
    rest.remove_prefix(end);
    if (!valid_version(part.version)) return bad();
    range.parts_.push_back(std::move(part));
  }
  if (range.parts_.empty()) return bad();
  return range;
}

bool VersionRange::admits(std::string_view version) const {
  if (!valid_version(version)) return false;
  return std::ranges::all_of(parts_, [&](const Part& part) {
    const int order = compare_versions(version, part.version);
    switch (part.is) {
      case Is::equal:
        return order == 0;
      case Is::other:
        return order != 0;
      case Is::less:
        return order < 0;
      case Is::at_most:
        return order <= 0;
      case Is::more:
        return order > 0;
      case Is::at_least:
        return order >= 0;
    }
    return false;
  });
}

}  // namespace tranche
