// electron-builder's latest*.yml: what a build writes and electron-updater reads.
//
// Read in three places (artifacts that such a file names, what the electron feed must know of a release, a
// feed that is published somewhere), so read once here: by our strict YAML, and with the share as JavaScript
// sees it, because that is what decides.
//
// Source: electron-userland/electron-builder, packages/builder-util-runtime/src/updateInfo.ts and
// packages/electron-updater/src/providers/Provider.ts (parseUpdateInfo, getFileList, resolveFiles).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::artifact {

inline constexpr std::size_t max_update_info_bytes = 1 << 20;
inline constexpr std::size_t max_update_files = 256;

struct UpdateFile {
  std::string url;     // as written: relative to the yml, or a whole address
  std::string sha512;  // as written; empty: none
  std::string sha2;    // SHA-256 in hex, of very old builders; empty: none
  std::optional<std::uint64_t> size;
  std::optional<std::uint64_t> block_map_size;  // of a map inside the file (AppImage)
  bool admin_rights = false;                    // isAdminRightsRequired
  bool operator==(const UpdateFile&) const = default;
};
// The application package that a web installer fetches.
struct UpdatePackage {
  std::string architecture;  // as process.arch has it: x64, ia32, arm64
  UpdateFile file;
  bool operator==(const UpdatePackage&) const = default;
};
struct UpdateInfo {
  std::string version;            // strict SemVer, as the client asks for
  std::vector<UpdateFile> files;  // as the client takes them: of `path` where `files` is absent or empty
  std::vector<UpdatePackage> packages;
  std::string path;                         // what clients before 2.x read
  std::string release_date, release_name;   // as written; empty: none
  std::string minimum_system_version;       // of the kernel: the client compares it with os.release()
  doc::Value release_notes;                 // a text, a list, or null
  std::optional<std::string> staging_text;  // stagingPercentage as String() has it; nullopt: absent or null
};
// kind verification when the client would not accept it, or when it is no YAML that we read (hint). `name`
// names it in messages.
Result<UpdateInfo> parse_update_info(std::string_view bytes, const std::string& name);

// A version as node-semver parses it: three numbers, no more than 2^53 - 1 each, perhaps with a "v" before
// them. Without the "v"; nullopt: none.
std::optional<std::string> strict_semver(std::string_view text);

// The digest in lower-case hex, from the base64 or hex that the client compares with, character by character;
// nullopt: no file ever matches it.
std::optional<std::string> sha512_hex(std::string_view written);

// What a latest*.yml is for: "latest-linux-arm64.yml" → {"latest", "-linux-arm64"}. Suffixes: "" (Windows),
// "-mac", "-linux" (x64), "-linux-arm64", "-linux-arm", "-linux-ia32". nullopt: no .yml, or no channel.
struct UpdateInfoName {
  std::string channel, suffix;
};
std::optional<UpdateInfoName> parse_update_info_name(std::string_view file_name);
// "windows/amd64", "darwin/arm64", "linux/amd64", ...: of the file `name` that a yml of this suffix names.
std::string update_platform(std::string_view suffix, std::string_view name);
// The suffix of the yml that names files of a platform; nullopt: no client reads one.
std::optional<std::string> update_suffix(std::string_view platform);

// The name that a release gives to a file: the last part of the url, its escapes undone, what no artifact
// name may hold as '-' ("Notes Setup 1.2.0.exe" → "Notes-Setup-1.2.0.exe", as electron-builder does).
std::string update_file_name(std::string_view url);

}  // namespace tranche::artifact
