// What a release has for Tauri: which artifacts its updater installs, under which keys, and the documents
// that say so.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "artifact/collect.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/feed.hpp"
#include "channel/tauri.hpp"
#include "doc/value.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view facts_schema = "tranche/tauri-facts/v1";
constexpr auto refused = ErrorKind::verification;
constexpr std::size_t max_files = 1024;
constexpr std::size_t max_targets = 64;
constexpr std::size_t max_text = 64 << 10;

// Longer endings first. v1 of the updater wrapped installers in archives, and its apps still read them.
struct Ending {
  std::string_view ending, type, system;
};
constexpr std::array endings{Ending{".appimage.tar.gz", "appimage", "linux"},
                             Ending{".appimage", "appimage", "linux"},
                             Ending{".app.tar.gz", "app", "darwin"},
                             Ending{".nsis.zip", "nsis", "windows"},
                             Ending{"setup.exe.zip", "nsis", "windows"},
                             Ending{"setup.exe", "nsis", "windows"},
                             Ending{".msi.zip", "msi", "windows"},
                             Ending{".msi", "msi", "windows"},
                             Ending{".deb", "deb", "linux"},
                             Ending{".rpm", "rpm", "linux"}};

std::string_view architecture_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> known{{{"amd64", "x86_64"},
                                                                                 {"x86_64", "x86_64"},
                                                                                 {"x64", "x86_64"},
                                                                                 {"arm64", "aarch64"},
                                                                                 {"aarch64", "aarch64"},
                                                                                 {"386", "i686"},
                                                                                 {"i386", "i686"},
                                                                                 {"i686", "i686"},
                                                                                 {"x86", "i686"},
                                                                                 {"arm", "armv7"},
                                                                                 {"armv7", "armv7"},
                                                                                 {"riscv64", "riscv64"}}};
  for (const auto& [word, meaning] : known)
    if (word == text) return meaning;
  return {};
}

std::string_view system_of(std::string_view text) { return text == "macos" ? "darwin" : text; }

// RFC 3986 path segments: a '+' in a version is a blank to some stores.
std::string encode_path(std::string_view path) {
  std::string out;
  for (const std::string_view segment : split(path, '/')) {
    if (!out.empty()) out += '/';
    out += percent_encode(segment);
  }
  return out;
}

doc::Value texts(const std::vector<std::string>& list) {
  doc::Value out = doc::Value::array();
  for (const std::string& text : list) out.push(text);
  return out;
}

bool plain(std::string_view text, std::size_t limit) {
  return text.size() <= limit &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<TauriFile> parse_file(const doc::Value& value) {
  TauriFile file;
  file.name = TRY(value.text_or("name", "", refused));
  file.path = TRY(value.text_or("path", "", refused));
  file.url = TRY(value.text_or("url", "", refused));
  file.signature = TRY(value.text("signature", refused));
  const doc::Value* targets = TRY(value.array_at("targets", refused));
  for (const doc::Value& target : targets->as_array()) {
    if (!target.is_string() || !plain(target.as_string(), 128) || target.as_string().empty())
      return fail(refused, "a target of the tauri facts is no name");
    file.targets.push_back(target.as_string());
  }
  if (file.targets.empty() || file.targets.size() > max_targets)
    return fail(refused, "a file of the tauri facts has {} targets", file.targets.size());
  if (file.name.empty() && file.path.empty() && file.url.empty())
    return fail(refused, "a file of the tauri facts has neither name, path nor url");
  if (!file.path.empty()) TRY(store::check_name(file.path));
  if (!plain(file.name, 255) || !plain(file.url, 4096) || !plain(file.signature, max_text))
    return fail(refused, "a file of the tauri facts holds control characters or is too long");
  return file;
}

}  // namespace

Result<TauriFacts> parse_tauri_facts(std::string_view json) {
  const doc::Value value = TRY(doc::parse_json(json, "tauri.feed.json", {max_facts_bytes, 8, 100'000}));
  if (!value.is_object() || TRY(value.text("schema", refused)) != facts_schema)
    return fail_hint(refused, "this build reads " + std::string(facts_schema),
                     "the tauri facts are of another schema");
  TauriFacts facts;
  facts.version = TRY(value.text("version", refused));
  facts.notes = TRY(value.text_or("notes", "", refused));
  facts.pub_date = TRY(value.text_or("pub-date", "", refused));
  if (tauri_version(facts.version) != facts.version)
    return fail(refused, "'{}' is no version that Tauri reads", printable(facts.version, 64));
  if (!facts.pub_date.empty() && !parse_instant(facts.pub_date))
    return fail(refused, "the tauri facts have no valid pub-date: '{}'", printable(facts.pub_date, 64));
  const doc::Value* files = TRY(value.array_at("files", refused));
  if (files->as_array().size() > max_files)
    return fail(refused, "the tauri facts name {} files, more than {}", files->as_array().size(), max_files);
  std::set<std::string> seen;
  for (const doc::Value& one : files->as_array()) {
    if (!one.is_object()) return fail(refused, "a file of the tauri facts is {}", one.kind_name());
    facts.files.push_back(TRY(parse_file(one)));
    for (const std::string& target : facts.files.back().targets)
      if (!seen.insert(target).second)
        return fail(refused, "two files of the tauri facts are for '{}'", printable(target, 64));
  }
  return facts;
}

std::string to_json(const TauriFacts& facts) {
  doc::Value files = doc::Value::array();
  for (const TauriFile& file : facts.files) {
    doc::Value one = doc::Value::object();
    if (!file.name.empty()) one.set("name", file.name);
    if (!file.path.empty()) one.set("path", file.path);
    if (!file.url.empty()) one.set("url", file.url);
    one.set("signature", file.signature);
    one.set("targets", texts(file.targets));
    files.push(std::move(one));
  }
  doc::Value value = doc::Value::object({{"schema", facts_schema}, {"version", facts.version}});
  if (!facts.notes.empty()) value.set("notes", facts.notes);
  if (!facts.pub_date.empty()) value.set("pub-date", facts.pub_date);
  value.set("files", std::move(files));
  return doc::to_json_pretty(value);
}

Result<std::optional<TauriBundle>> tauri_bundle(const artifact::Artifact& artifact) {
  const std::string name = lower(artifact.name);
  const auto found =
      std::ranges::find_if(endings, [&](const Ending& one) { return name.ends_with(one.ending); });
  if (found == endings.end()) return std::nullopt;
  // A name often says the architecture alone: the ending says the system.
  const std::string platform = artifact.platform.empty() || artifact.platform == "any"
                                   ? artifact::platform_of(fmt::format("{}-{}", found->system, name))
                                   : artifact.platform;
  const std::size_t slash = platform.find('/');
  const std::string_view system = system_of(std::string_view(platform).substr(0, slash));
  const std::string_view word =
      slash == std::string::npos ? std::string_view() : std::string_view(platform).substr(slash + 1);
  TauriBundle bundle{found->type, {}};
  const bool universal = found->system == "darwin" &&
                         (word == "universal" || word == "all" ||
                          (slash == std::string::npos && name.find("universal") != std::string::npos));
  if (universal) {
    bundle.platforms = {"darwin-x86_64", "darwin-aarch64"};
    return std::optional(std::move(bundle));
  }
  const std::string_view architecture = architecture_of(word);
  if (architecture.empty())
    return fail_hint(
        ErrorKind::invalid,
        fmt::format("say it under artifacts: {{ path: ..., platform: {}/amd64 }} (or arm64, 386, arm{})",
                    found->system, found->system == "darwin" ? ", universal" : ""),
        "'{}' is for Tauri's updater, but its architecture is not known (platform '{}')",
        printable(artifact.name), printable(artifact.platform, 64));
  if (system != found->system)
    return fail_hint(ErrorKind::invalid,
                     "correct its platform under artifacts:", "'{}' is a {} file, and its platform is '{}'",
                     printable(artifact.name), found->system, printable(artifact.platform, 64));
  bundle.platforms = {fmt::format("{}-{}", system, architecture)};
  return std::optional(std::move(bundle));
}

std::string_view tauri_version(std::string_view text) {
  while (text.starts_with('v')) text.remove_prefix(1);
  const std::string_view core = text.substr(0, text.find_first_of("-+"));
  if (!valid_version(text) || std::ranges::count(core, '.') != 2) return {};
  for (const std::string_view number : split(core, '.'))
    if (!parse_u64(number)) return {};
  return text;
}

int compare_tauri_versions(std::string_view a, std::string_view b) {
  if (const int order = compare_versions(a, b); order != 0) return order;
  // semver crate, BuildMetadata's Ord: segments one by one, numbers before words, numbers by value and then
  // by leading zeros; fewer segments first.
  const auto build = [](std::string_view text) {
    const std::size_t plus = text.find('+');
    return plus == std::string_view::npos ? std::vector<std::string_view>()
                                          : split(text.substr(plus + 1), '.');
  };
  const auto left = build(a), right = build(b);
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    const auto numeric = [](std::string_view text) {
      return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    };
    const auto stripped = [](std::string_view text) {
      while (text.starts_with('0')) text.remove_prefix(1);
      return text;
    };
    const std::string_view x = left[i], y = right[i];
    if (numeric(x) != numeric(y)) return numeric(x) ? -1 : 1;
    if (numeric(x)) {
      const std::string_view p = stripped(x), q = stripped(y);
      if (p.size() != q.size()) return p.size() < q.size() ? -1 : 1;
      if (const int order = p.compare(q); order != 0) return order;
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
    } else if (const int order = x.compare(y); order != 0) {
      return order;
    }
  }
  return left.size() == right.size() ? 0 : left.size() < right.size() ? -1 : 1;
}

std::string tauri_file_name(const spec::Client& client, std::string_view feed_channel) {
  if (!feed_channel.empty()) return std::string(feed_channel) + ".json";
  return (client.channel.empty() ? std::string("latest") : client.channel) + ".json";
}

Result<std::string> tauri_url(const TauriFile& file, std::string_view version, std::string_view base_url) {
  if (!file.url.empty()) return file.url;
  if (base_url.empty())
    return fail_hint(ErrorKind::invalid,
                     "give the channel `url:`, the address at which clients read its store",
                     "Tauri's updater needs whole addresses, and the channel has none");
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  return fmt::format("{}/{}", base_url,
                     encode_path(file.path.empty() ? artifact_name(version, file.name) : file.path));
}

Result<std::string> tauri_static_file(const TauriFacts& facts, Instant created, std::string_view base_url) {
  std::map<std::string, doc::Value> by_target;
  for (const TauriFile& file : facts.files) {
    const std::string url = TRY(tauri_url(file, facts.version, base_url));
    for (const std::string& target : file.targets)
      by_target[target] = doc::Value::object({{"signature", file.signature}, {"url", url}});
  }
  doc::Value platforms = doc::Value::object();
  for (auto& [target, entry] : by_target) platforms.set(target, std::move(entry));
  doc::Value value = doc::Value::object({{"version", facts.version}});
  if (!facts.notes.empty()) value.set("notes", facts.notes);
  value.set("pub_date", facts.pub_date.empty() ? tranche::to_text(created) : facts.pub_date);
  value.set("platforms", std::move(platforms));
  return doc::to_json_pretty(value);
}

std::string tauri_empty_file() {
  return doc::to_json_pretty(doc::Value::object({{"version", "0.0.0"}, {"platforms", doc::Value::object()}}));
}

Result<std::vector<Named>> tauri_answers(std::string_view static_file) {
  const TauriRelease release = TRY(parse_tauri_release(static_file));
  std::vector<Named> out;
  for (const TauriEntry& entry : release.entries) {
    doc::Value body = doc::Value::object(
        {{"version", release.version}, {"url", entry.url}, {"signature", entry.signature}});
    if (!release.notes.empty()) body.set("notes", release.notes);
    if (!release.pub_date.empty()) body.set("pub_date", release.pub_date);
    out.push_back({entry.target, doc::to_json(body) + "\n"});
  }
  return out;
}

}  // namespace tranche::channel
