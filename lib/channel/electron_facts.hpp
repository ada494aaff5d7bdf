// What the electron feed must know of a release beyond its manifest: electron-updater compares SHA-512, reads
// the file for its own platform, and fetches some files in differences. Private to this room's electron
// files.
//
// JSON: {"schema":"tranche/electron-facts/v1","version",
//  "platforms":[{"suffix":"-mac","files":[FILE...],"packages":[{"architecture",...FILE}],"release-date",
//   "release-name","release-notes","minimum-system-version"}]}
// FILE: {"name","sha512" (base64), "size","block-map-size","blockmap" (size of NAME.blockmap),"admin-rights",
//  "url"}. Members that are not there are not known. "url" is written into the feed instead of the artifact's
// usual place: files that another tool published stay where they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/update_info.hpp"
#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::channel {

struct ElectronFile {
  std::string name;    // of the artifact
  std::string sha512;  // base64, or hex as it was published
  std::optional<std::uint64_t> size;
  std::optional<std::uint64_t> block_map_size;  // of the map inside an AppImage or a package
  std::optional<std::uint64_t> blockmap;        // size of the file NAME.blockmap beside it
  bool admin_rights = false;
  std::string url;
  bool operator==(const ElectronFile&) const = default;
};
struct ElectronPackage {
  std::string architecture;
  ElectronFile file;
  bool operator==(const ElectronPackage&) const = default;
};
// One yml: what clients of one platform are told.
struct ElectronPlatform {
  std::string suffix;  // "", "-mac", "-linux", "-linux-arm64", ...
  std::vector<ElectronFile> files;
  std::vector<ElectronPackage> packages;
  std::string release_date, release_name, minimum_system_version;
  doc::Value release_notes;
  bool operator==(const ElectronPlatform&) const = default;
};
struct ElectronFacts {
  std::string version;
  std::vector<ElectronPlatform> platforms;  // sorted by suffix, each once
  [[nodiscard]] const ElectronPlatform* platform(std::string_view suffix) const;
  bool operator==(const ElectronFacts&) const = default;
};

Result<std::string> to_json(const ElectronFacts& facts);  // canonical; kind invalid beyond max_facts_bytes
Result<ElectronFacts> parse_electron_facts(std::string_view json);  // kind verification
// The members that a file takes over from a yml.
ElectronFile electron_file(const artifact::UpdateFile& file);

}  // namespace tranche::channel
