// latest*.yml as text: what electron-builder writes, in the same order, read by js-yaml without surprises.
#include <algorithm>

#include "base/encoding.hpp"
#include "channel/electron.hpp"
#include "channel/feed.hpp"

namespace tranche::channel {

namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._/~+=-").find(c) != std::string_view::npos;
}

// js-yaml refuses control characters, U+0080 to U+009F, U+FFFE and U+FFFF; JSON lets most of them stand.
std::string in_json(const doc::Value& value) {
  const std::string json = doc::to_json(value);
  std::string out;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const auto byte = [&](std::size_t offset) {
      return at + offset < json.size() ? static_cast<unsigned char>(json[at + offset]) : 0U;
    };
    if (byte(0) == 0x7f) {
      out += "\\u007f";
    } else if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) <= 0x9f) {
      out += fmt::format("\\u00{:02x}", byte(1));
      at += 1;
    } else if (byte(0) == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe) {
      out += byte(2) == 0xbe ? "\\ufffe" : "\\uffff";
      at += 2;
    } else {
      out += json[at];
    }
  }
  return out;
}

// A text that can be nothing else stands as it is: it begins with a letter and is no word of YAML's.
std::string scalar(const std::string& text) {
  const bool letter =
      !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
  if (letter && text.size() > 5 && std::ranges::all_of(text, is_plain)) return text;
  return in_json(doc::Value(text));
}

std::string file_url(const std::string& version, const ElectronFile& file) {
  return file.url.empty() ? artifact_name(version, file.name) : file.url;
}

std::string file_members(const ElectronFile& file, std::string_view indent) {
  std::string out = fmt::format("{}sha512: {}\n", indent, in_json(doc::Value(file.sha512)));
  if (file.size) out += fmt::format("{}size: {}\n", indent, *file.size);
  if (file.block_map_size) out += fmt::format("{}blockMapSize: {}\n", indent, *file.block_map_size);
  if (file.admin_rights) out += fmt::format("{}isAdminRightsRequired: true\n", indent);
  return out;
}

// electron-builder: 2026-01-01T00:00:00.000Z, always with milliseconds.
std::string date_text(Instant when) {
  std::string text = tranche::to_text(when);
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  return text;
}

// What clients before 2.x read: the one file that they could install.
const ElectronFile& main_file(const ElectronPlatform& platform) {
  const std::string_view extension = platform.suffix.empty()     ? ".exe"
                                     : platform.suffix == "-mac" ? ".zip"
                                                                 : ".AppImage";
  for (const ElectronFile& file : platform.files)
    if (file.name.ends_with(extension)) return file;
  return platform.files.front();
}

}  // namespace

std::string electron_yml(const ElectronYml& yml) {
  const ElectronPlatform& platform = yml.platform;
  std::string out = fmt::format("version: {}\nfiles:\n", yml.version);
  for (const ElectronFile& file : platform.files)
    out += fmt::format("  - url: {}\n{}", scalar(file_url(yml.version, file)), file_members(file, "    "));
  const ElectronFile& main = main_file(platform);
  out += fmt::format("path: {}\nsha512: {}\n", scalar(file_url(yml.version, main)),
                     in_json(doc::Value(main.sha512)));
  if (!platform.packages.empty()) out += "packages:\n";
  for (const ElectronPackage& package : platform.packages)
    out += fmt::format("  {}:\n    path: {}\n{}", in_json(doc::Value(package.architecture)),
                       scalar(file_url(yml.version, package.file)), file_members(package.file, "    "));
  if (!platform.minimum_system_version.empty())
    out += fmt::format("minimumSystemVersion: {}\n", in_json(doc::Value(platform.minimum_system_version)));
  if (!platform.release_name.empty())
    out += fmt::format("releaseName: {}\n", in_json(doc::Value(platform.release_name)));
  if (!platform.release_notes.is_null())
    out += fmt::format("releaseNotes: {}\n", in_json(platform.release_notes));
  const std::string date = platform.release_date.empty() ? date_text(yml.created) : platform.release_date;
  out += fmt::format("releaseDate: {}\n", in_json(doc::Value(date)));
  if (yml.percent) out += fmt::format("stagingPercentage: {}\n", *yml.percent);
  return out;
}

std::string empty_electron_yml(const std::string& version) {
  return fmt::format("version: {}\nfiles: []\nstagingPercentage: 0\n", version);
}

}  // namespace tranche::channel
