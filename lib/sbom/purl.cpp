#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

namespace {

std::string encode(std::string_view text) { return replace_all(percent_encode(text), "%3A", ":"); }

}  // namespace

std::string make_purl(std::string_view type, std::string_view name_space, std::string_view name,
                      std::string_view version, std::vector<std::pair<std::string, std::string>> qualifiers) {
  std::string purl = fmt::format("pkg:{}/", type);
  for (const std::string_view segment : split(name_space, '/'))
    if (!segment.empty()) purl.append(encode(segment)).append("/");
  purl += encode(name);
  if (!version.empty()) purl.append("@").append(encode(version));
  std::ranges::sort(qualifiers);
  char separator = '?';
  for (const auto& [key, value] : qualifiers) {
    if (value.empty()) continue;
    purl.append(1, separator).append(key).append("=").append(encode(value));
    separator = '&';
  }
  return purl;
}

}  // namespace tranche::sbom
