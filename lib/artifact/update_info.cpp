#include "artifact/update_info.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "base/version.hpp"

namespace tranche::artifact {

namespace {

constexpr auto kind = ErrorKind::verification;
constexpr doc::Limits limits{.max_bytes = max_update_info_bytes, .max_depth = 16, .max_nodes = 20'000};
constexpr std::string_view staging_key = "stagingPercentage";

bool all_of(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}

// --- stagingPercentage as JavaScript has it --------------------------------------------------------------

std::string number_text(double value) {
  auto text = doc::canonical_json(doc::Value(value));
  return text ? *text : "NaN";
}

// What js-yaml makes numbers of and our reader leaves as text: 0b1010, and 0x, 0o behind a sign.
std::optional<double> odd_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const int base = text.starts_with("0b") ? 2 : text.starts_with("0o") ? 8 : text.starts_with("0x") ? 16 : 0;
  if (base == 0) return std::nullopt;
  text.remove_prefix(2);
  const std::string_view digits = "0123456789abcdefABCDEF";
  if (!all_of(text, base == 16 ? digits : digits.substr(0, static_cast<std::size_t>(base))))
    return std::nullopt;
  double value = 0;
  for (const char c : text) {
    const auto at = digits.find(c);
    value = value * base + static_cast<double>(at < 16 ? at : at - 6);
  }
  return negative ? -value : value;
}

// What js-yaml takes for a time: 2026-01-01, 2026-1-1T10:00:00 and the like.
bool is_date(std::string_view text) {
  constexpr std::string_view day = "dddd-dd-dd";
  const auto has_shape = [&](std::string_view shape) {
    if (text.size() < shape.size()) return false;
    for (std::size_t at = 0; at < shape.size(); ++at)
      if (shape[at] == 'd' ? text[at] < '0' || text[at] > '9' : text[at] != shape[at]) return false;
    return true;
  };
  if (text.size() == day.size() && has_shape(day)) return true;
  return has_shape("dddd-d") && text.find(':') != std::string_view::npos;
}

// The scalar as it stands in the file, from its first character to the end of its line.
std::string_view written(const Mark& mark) {
  const auto at = static_cast<std::size_t>(mark.column - 1);
  if (mark.column <= 0 || at >= mark.excerpt.size()) return {};
  return std::string_view(mark.excerpt).substr(at);
}

// String(value); a list is joined by commas.
std::string script_text(const doc::Value& value) {
  if (value.is_null()) return {};
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  const Mark mark = doc::to_mark(value.place);
  const std::string_view source = written(mark);
  if (value.is_number()) {
    // js-yaml takes ".5" for a number and "+.5" for a text.
    if (source.starts_with("+.") || source.starts_with("-."))
      return std::string(source.substr(0, source.find_first_of(" \t,]}")));
    return number_text(value.as_double());
  }
  if (value.is_object()) return "[object Object]";
  if (value.is_string()) {
    const std::string& text = value.as_string();
    if (!source.empty() && std::string_view("'\"|>").find(source.front()) != std::string_view::npos)
      return text;
    if (is_date(text)) return "a date";
    if (const auto number = odd_number(text)) return number_text(*number);
    return text;
  }
  std::string joined;
  for (const doc::Value& item : value.as_array()) {
    if (&item != &value.as_array().front()) joined += ',';
    joined += script_text(item);
  }
  return joined;
}

// js-yaml takes 010 for 10 and .inf for Infinity, our reader refuses both. The share is the one place where
// that matters: such a text is put in quotes, as String() would have it.
std::optional<std::string> with_plain_staging(std::string_view text) {
  std::size_t start = 0;
  while (start < text.size() && !text.substr(start).starts_with(staging_key)) {
    const std::size_t end = text.find('\n', start);
    if (end == std::string_view::npos) return std::nullopt;
    start = end + 1;
  }
  if (start >= text.size()) return std::nullopt;
  const std::string_view line = text.substr(start, text.find('\n', start) - start);
  const std::size_t colon = line.find(": ");
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view written = trim(line.substr(colon + 2, line.find(" #") - colon - 2));
  std::string_view digits = written;
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  std::string spelled;
  if (digits == ".inf" || digits == ".Inf" || digits == ".INF") {
    spelled = written.starts_with('-') ? "-Infinity" : "Infinity";
  } else if (written == ".nan" || written == ".NaN" || written == ".NAN") {
    spelled = "NaN";
  } else if (all_of(digits, "0123456789.eE+-")) {
    double value = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (end.ptr != digits.data() + digits.size()) return std::nullopt;
    if (end.ec != std::errc{}) return std::nullopt;
    spelled = number_text(written.starts_with('-') ? -value : value);
  } else {
    return std::nullopt;
  }
  std::string out(text.substr(0, start));
  out += fmt::format("{}: '{}'", staging_key, spelled);
  out += text.substr(start + line.size());
  return out;
}

// --- members ---------------------------------------------------------------------------------------------

Result<std::string> text_of(const doc::Value& object, std::string_view key, const std::string& name) {
  const doc::Value* value = object.find(key);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->is_string()) return value->as_string();
  return fail_hint(kind, "put it in quotes", "'{}' in {} is {}, not a text", key, name, value->kind_name());
}

std::optional<std::uint64_t> number_of(const doc::Value& object, std::string_view key) {
  const doc::Value* value = object.find(key);
  if (value == nullptr || !value->is_int() || value->as_int() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value->as_int());
}

Result<UpdateFile> read_file(const doc::Value& value, std::string_view address, const std::string& name) {
  if (!value.is_object())
    return fail_hint(kind, "electron-builder writes url, sha512 and size", "a file in {} is {}, not a map",
                     name, value.kind_name());
  UpdateFile file;
  file.url = TRY(text_of(value, address, name));
  if (file.url.empty())
    return fail_hint(kind, "electron-builder writes url, sha512 and size", "a file in {} has no '{}'", name,
                     address);
  file.sha512 = TRY(text_of(value, "sha512", name));
  file.sha2 = TRY(text_of(value, "sha2", name));
  file.size = number_of(value, "size");
  file.block_map_size = number_of(value, "blockMapSize");
  const doc::Value* rights = value.find("isAdminRightsRequired");
  file.admin_rights = rights != nullptr && rights->is_bool() && rights->as_bool();
  return file;
}

Result<std::vector<UpdateFile>> read_files(const doc::Value& root, const UpdateInfo& info,
                                           const std::string& name) {
  std::vector<UpdateFile> files;
  if (const doc::Value* list = root.find("files"); list != nullptr && !list->is_null()) {
    if (!list->is_array())
      return fail_hint(kind, "electron-builder writes a list", "'files' in {} is {}, not a list", name,
                       list->kind_name());
    if (list->as_array().size() > max_update_files)
      return fail(kind, "{} names {} files, more than {}", name, list->as_array().size(), max_update_files);
    for (const doc::Value& item : list->as_array()) files.push_back(TRY(read_file(item, "url", name)));
  }
  if (!files.empty() || info.path.empty()) return files;
  UpdateFile only = TRY(read_file(root, "path", name));
  only.size = std::nullopt;
  files.push_back(std::move(only));
  return files;
}

Result<std::vector<UpdatePackage>> read_packages(const doc::Value& root, const std::string& name) {
  std::vector<UpdatePackage> packages;
  const doc::Value* map = root.find("packages");
  if (map == nullptr || map->is_null()) return packages;
  if (!map->is_object() || map->as_object().size() > max_update_files)
    return fail_hint(kind, "electron-builder writes one an architecture", "'packages' in {} is no small map",
                     name);
  for (const doc::Member& member : map->as_object()) {
    UpdateFile file = TRY(read_file(member.value, "path", name));
    packages.push_back({member.key, std::move(file)});
  }
  return packages;
}

Result<UpdateInfo> read_info(const doc::Value& root, const std::string& name) {
  if (!root.is_object())
    return fail_hint(kind, "give the latest.yml that electron-builder wrote",
                     "{} holds {}, not what electron-updater reads", name, root.kind_name());
  UpdateInfo info;
  const doc::Value* version = root.find("version");
  const auto semver =
      version != nullptr && version->is_string() ? strict_semver(version->as_string()) : std::nullopt;
  if (!semver)
    return fail_hint(kind, "electron-updater takes three numbers, as in 1.2.0 (ERR_UPDATER_INVALID_VERSION)",
                     "{} has no version that is SemVer", name);
  info.version = *semver;
  info.path = TRY(text_of(root, "path", name));
  info.release_name = TRY(text_of(root, "releaseName", name));
  info.release_date = TRY(text_of(root, "releaseDate", name));
  info.minimum_system_version = TRY(text_of(root, "minimumSystemVersion", name));
  if (const doc::Value* notes = root.find("releaseNotes"); notes != nullptr) info.release_notes = *notes;
  if (const doc::Value* staging = root.find(staging_key); staging != nullptr && !staging->is_null())
    info.staging_text = script_text(*staging);
  info.files = TRY(read_files(root, info, name));
  info.packages = TRY(read_packages(root, name));
  return info;
}

constexpr std::array<std::string_view, 5> known_suffixes{"-mac", "-linux", "-linux-arm64", "-linux-arm",
                                                         "-linux-ia32"};

}  // namespace

Result<UpdateInfo> parse_update_info(std::string_view bytes, const std::string& name) {
  const std::string shown = printable(name);
  auto root = doc::parse_yaml(bytes, shown, limits);
  if (!root)
    if (const auto plain = with_plain_staging(bytes)) root = doc::parse_yaml(*plain, shown, limits);
  if (!root) {
    Error error = std::move(root.error());
    error.kind = kind;
    return fail(std::move(error));
  }
  return read_info(*root, shown);
}

std::optional<std::string> strict_semver(std::string_view text) {
  text = trim(text);
  if (text.starts_with('v')) text.remove_prefix(1);
  if (!valid_version(text)) return std::nullopt;
  const std::string_view core = text.substr(0, text.find_first_of("-+"));
  const auto parts = split(core, '.');
  if (parts.size() != 3) return std::nullopt;
  for (const std::string_view part : parts)
    if (const auto number = parse_u64(part); !number || *number > (1ULL << 53) - 1) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> sha512_hex(std::string_view written) {
  if (written.size() == 128 && all_of(written, "0123456789abcdef")) return std::string(written);
  const auto bytes = from_base64(written);
  if (!bytes || bytes->size() != 64) return std::nullopt;
  return to_hex(*bytes);
}

std::optional<UpdateInfoName> parse_update_info_name(std::string_view file_name) {
  constexpr std::string_view extension = ".yml";
  if (!file_name.ends_with(extension)) return std::nullopt;
  file_name.remove_suffix(extension.size());
  UpdateInfoName name{std::string(file_name), {}};
  for (const std::string_view suffix : known_suffixes)
    if (file_name.ends_with(suffix)) {
      name.channel = file_name.substr(0, file_name.size() - suffix.size());
      name.suffix = suffix;
    }
  if (name.channel.empty()) return std::nullopt;
  return name;
}

std::string update_platform(std::string_view suffix, std::string_view file_name) {
  const std::string name = lower(file_name);
  const auto says = [&](std::string_view word) { return name.find(word) != std::string::npos; };
  if (suffix == "-mac")
    return says("arm64") ? "darwin/arm64" : says("universal") ? "darwin/any" : "darwin/amd64";
  if (suffix == "-linux") return "linux/amd64";
  if (suffix == "-linux-ia32") return "linux/386";
  if (suffix.starts_with("-linux-")) return "linux/" + std::string(suffix.substr(7));
  return says("arm64") ? "windows/arm64" : says("ia32") || says("x86.") ? "windows/386" : "windows/amd64";
}

std::optional<std::string> update_suffix(std::string_view platform) {
  if (platform.starts_with("windows/")) return "";
  if (platform.starts_with("darwin/")) return "-mac";
  if (platform == "linux/amd64") return "-linux";
  if (platform == "linux/386") return "-linux-ia32";
  if (platform == "linux/arm64" || platform == "linux/arm")
    return "-linux-" + std::string(platform.substr(6));
  return std::nullopt;
}

std::string update_file_name(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::string decoded = percent_decode(url).value_or(std::string(url));
  std::string name = base_name(decoded);
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("._~+@=-").find(c) != std::string_view::npos;
    if (!plain) c = '-';
  }
  return name.substr(0, 255);
}

}  // namespace tranche::artifact
