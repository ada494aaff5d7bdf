// The packages of Squirrel.Windows and Velopack: NuGet archives beside the feed file, whose names carry what
// they are ("Notes-1.2.0-full.nupkg", "Notes-1.2.0-win-delta.nupkg"). Both feeds share their facts:
//   {"schema": "tranche/nupkg-facts/v1", "packages": [{"name", "path"?, "id", "version", "type": "Full" |
//    "Delta", "platform", "sha1", "sha256"?, "size", "notes-markdown"?, "notes-html"?}]}
// `path` is where an adopted package lies in the store; by default it is its name, at the store's root.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "channel/ecosystem.hpp"

namespace tranche::channel {

struct Package {
  std::string name, path;
  std::string id, version;
  bool delta = false;
  std::string platform = "any";
  std::string sha1, sha256;  // hex, lower case; sha256 may be empty in what another tool wrote
  std::uint64_t size = 0;
  std::string notes_markdown, notes_html;
  [[nodiscard]] const std::string& place() const { return path.empty() ? name : path; }
  bool operator==(const Package&) const = default;
};

bool is_package(std::string_view file_name);  // ends in .nupkg, in any case
bool is_delta_package(std::string_view file_name);

// All packages among the artifacts, with their SHA-1; an empty text when there is none. kind invalid: a
// package that is not of this version, none that is full.
Result<std::string> describe_packages(const DescribeInput& input);
std::string write_packages(const std::vector<Package>& packages);
Result<std::vector<Package>> parse_packages(std::string_view facts);  // kind verification
// The second name of every package: its own, at the store's root.
std::vector<Alias> package_aliases(const artifact::Manifest& manifest, const spec::Client& client);

// The packages of one release of the input; empty when it is not there or has none.
Result<std::vector<Package>> packages_of(const WriteInput& input, std::string_view version);
// The versions a feed may name for a track, highest first: `newest` and at most `bound` older ones that have
// facts.
std::vector<std::string> versions_up_to(const WriteInput& input, std::string_view newest, std::size_t bound);

// "https://..." or "http://...".
bool is_web_address(std::string_view text);
// Both packers write digests in capitals.
std::string capitals(std::string_view text);

}  // namespace tranche::channel
