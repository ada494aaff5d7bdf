#include "channel/electron_facts.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "channel/ecosystem.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view schema = "tranche/electron-facts/v1";
constexpr auto kind = ErrorKind::verification;
constexpr doc::Limits limits{.max_bytes = max_facts_bytes, .max_depth = 24, .max_nodes = 200'000};

void set_text(doc::Value& object, const char* key, const std::string& text) {
  if (!text.empty()) object.set(key, text);
}
void set_number(doc::Value& object, const char* key, std::optional<std::uint64_t> number) {
  if (number) object.set(key, *number);
}

doc::Value to_value(const ElectronFile& file) {
  doc::Value value = doc::Value::object();
  value.set("name", file.name);
  value.set("sha512", file.sha512);
  set_number(value, "size", file.size);
  set_number(value, "block-map-size", file.block_map_size);
  set_number(value, "blockmap", file.blockmap);
  if (file.admin_rights) value.set("admin-rights", true);
  set_text(value, "url", file.url);
  return value;
}

doc::Value to_value(const ElectronPlatform& platform) {
  doc::Value value = doc::Value::object();
  value.set("suffix", platform.suffix);
  doc::Value files = doc::Value::array();
  for (const ElectronFile& file : platform.files) files.push(to_value(file));
  value.set("files", std::move(files));
  if (!platform.packages.empty()) {
    doc::Value packages = doc::Value::array();
    for (const ElectronPackage& package : platform.packages) {
      doc::Value one = to_value(package.file);
      one.set("architecture", package.architecture);
      packages.push(std::move(one));
    }
    value.set("packages", std::move(packages));
  }
  set_text(value, "release-date", platform.release_date);
  set_text(value, "release-name", platform.release_name);
  set_text(value, "minimum-system-version", platform.minimum_system_version);
  if (!platform.release_notes.is_null()) value.set("release-notes", platform.release_notes);
  return value;
}

Result<std::optional<std::uint64_t>> read_number(const doc::Value& value, std::string_view key) {
  if (value.find(key) == nullptr) return std::optional<std::uint64_t>();
  const std::int64_t number = TRY(value.integer(key, kind));
  if (number < 0) return fail(kind, "'{}' is negative", key);
  return std::optional(static_cast<std::uint64_t>(number));
}

Result<ElectronFile> read_file(const doc::Value& value) {
  ElectronFile file;
  file.name = TRY(value.text("name", kind));
  file.sha512 = TRY(value.text("sha512", kind));
  if (!artifact::sha512_hex(file.sha512)) return fail(kind, "'{}' has no SHA-512", printable(file.name));
  file.size = TRY(read_number(value, "size"));
  file.block_map_size = TRY(read_number(value, "block-map-size"));
  file.blockmap = TRY(read_number(value, "blockmap"));
  if (value.find("admin-rights") != nullptr) file.admin_rights = TRY(value.boolean("admin-rights", kind));
  file.url = TRY(value.text_or("url", "", kind));
  return file;
}

Result<ElectronPlatform> read_platform(const doc::Value& value) {
  ElectronPlatform platform;
  platform.suffix = TRY(value.text("suffix", kind));
  if (const auto name = artifact::parse_update_info_name("x" + platform.suffix + ".yml");
      !name || name->suffix != platform.suffix)
    return fail(kind, "'{}' is no platform of electron-updater", printable(platform.suffix));
  const auto& files = TRY(value.array_at("files", kind))->as_array();
  if (files.empty() || files.size() > artifact::max_update_files)
    return fail(kind, "a platform has {} files", files.size());
  for (const doc::Value& file : files) platform.files.push_back(TRY(read_file(file)));
  if (value.find("packages") != nullptr)
    for (const doc::Value& item : TRY(value.array_at("packages", kind))->as_array()) {
      ElectronPackage package;
      package.architecture = TRY(item.text("architecture", kind));
      package.file = TRY(read_file(item));
      platform.packages.push_back(std::move(package));
    }
  platform.release_date = TRY(value.text_or("release-date", "", kind));
  platform.release_name = TRY(value.text_or("release-name", "", kind));
  platform.minimum_system_version = TRY(value.text_or("minimum-system-version", "", kind));
  if (const doc::Value* notes = value.find("release-notes"); notes != nullptr)
    platform.release_notes = *notes;
  return platform;
}

Result<ElectronFacts> read_facts(std::string_view json) {
  const doc::Value root = TRY(doc::parse_json(json, "electron.feed.json", limits));
  if (const std::string found = TRY(root.text("schema", kind)); found != schema)
    return fail(kind, "it has schema '{}', wanted '{}'", printable(found, 80), schema);
  ElectronFacts facts;
  facts.version = TRY(root.text("version", kind));
  for (const doc::Value& item : TRY(root.array_at("platforms", kind))->as_array()) {
    ElectronPlatform platform = TRY(read_platform(item));
    if (facts.platform(platform.suffix) != nullptr)
      return fail(kind, "platform '{}' stands twice", platform.suffix);
    facts.platforms.push_back(std::move(platform));
  }
  return facts;
}

}  // namespace

const ElectronPlatform* ElectronFacts::platform(std::string_view suffix) const {
  const auto found = std::ranges::find(platforms, suffix, &ElectronPlatform::suffix);
  return found == platforms.end() ? nullptr : &*found;
}

Result<std::string> to_json(const ElectronFacts& facts) {
  doc::Value platforms = doc::Value::array();
  for (const ElectronPlatform& platform : facts.platforms) platforms.push(to_value(platform));
  doc::Value root = doc::Value::object();
  root.set("schema", schema);
  root.set("version", facts.version);
  root.set("platforms", std::move(platforms));
  std::string json = TRY(doc::canonical_json(root));
  if (json.size() > max_facts_bytes)
    return fail_hint(ErrorKind::invalid, "shorten the release notes",
                     "what electron-updater is told of the release has {} bytes, more than {}", json.size(),
                     max_facts_bytes);
  return json;
}

Result<ElectronFacts> parse_electron_facts(std::string_view json) {
  auto facts = read_facts(json);
  if (!facts)
    return fail_hint(kind, "was it made by another version of tranche?",
                     "the release's electron.feed.json is not valid: {}", facts.error().message);
  return facts;
}

ElectronFile electron_file(const artifact::UpdateFile& file) {
  ElectronFile out;
  out.name = artifact::update_file_name(file.url);
  out.sha512 = file.sha512;
  out.size = file.size;
  out.block_map_size = file.block_map_size;
  out.admin_rights = file.admin_rights;
  return out;
}

}  // namespace tranche::channel
