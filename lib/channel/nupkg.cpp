#include "channel/nupkg.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "crypto/hash.hpp"
#include "doc/value.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view schema = "tranche/nupkg-facts/v1";
constexpr std::size_t max_packages = 1'000;
constexpr std::size_t piece_bytes = 256 * 1024;

Result<std::string> sha1_of(ports::Files& files, const std::string& path) {
  const auto reader = TRY(files.open(path));
  std::string buffer(piece_bytes, '\0');
  crypto::Hash digest(crypto::HashKind::sha1);
  while (const std::size_t got = TRY(reader->read(buffer.data(), buffer.size())))
    digest.update(std::string_view(buffer).substr(0, got));
  return to_hex(digest.finish());
}

// What stands before "-<version>" in the file name, and whether that is all but a channel and the kind.
std::optional<std::string> id_in(std::string_view name, std::string_view version) {
  for (const char separator : {'-', '.'}) {
    const std::string mark = separator + std::string(version);
    const std::size_t at = name.rfind(mark);
    if (at == std::string_view::npos || at == 0) continue;
    const char next = at + mark.size() < name.size() ? name[at + mark.size()] : '\0';
    if (next == '-' || next == '.') return std::string(name.substr(0, at));
  }
  return std::nullopt;
}

std::unexpected<Error> refuse(std::string_view what) {
  return fail_hint(ErrorKind::verification, "create the release again with `tranche release create`",
                   "the facts of packages {}", what);
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && from_hex(text).has_value() && text == lower(text);
}

}  // namespace

bool is_package(std::string_view file_name) { return lower(file_name).ends_with(".nupkg"); }
bool is_delta_package(std::string_view file_name) { return lower(file_name).ends_with("-delta.nupkg"); }
bool is_web_address(std::string_view text) {
  const std::string small = lower(text.substr(0, 8));
  return small.starts_with("http://") || small.starts_with("https://");
}

std::string capitals(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

Result<std::string> describe_packages(const DescribeInput& input) {
  std::vector<Package> packages;
  for (const artifact::Artifact& one : input.artifacts) {
    if (!is_package(one.name)) continue;
    const auto id = id_in(one.name, input.version);
    if (!id)
      return fail_hint(ErrorKind::invalid,
                       "the updater reads the version from the package's name: pack it with this version, or "
                       "leave it out of `artifacts:`",
                       "'{}' is no package of version {}", printable(one.name), printable(input.version));
    Package package;
    package.name = one.name;
    package.id = input.client.package.empty() ? *id : input.client.package;
    package.version = input.version;
    package.delta = is_delta_package(one.name);
    package.platform = one.platform;
    package.sha256 = one.sha256;
    package.size = one.size;
    package.sha1 = TRY_WHILE("hashing " + printable(one.path), sha1_of(input.world.files, one.path));
    packages.push_back(std::move(package));
  }
  if (packages.empty()) return std::string();
  if (std::all_of(packages.begin(), packages.end(), [](const Package& one) { return one.delta; }))
    return fail_hint(ErrorKind::invalid, "add the NAME-VERSION-full.nupkg that the packer made beside it",
                     "release {} has delta packages and no full one", printable(input.version));
  return write_packages(packages);
}

std::string write_packages(const std::vector<Package>& packages) {
  doc::Value list = doc::Value::array();
  for (const Package& one : packages) {
    doc::Value item = doc::Value::object({{"name", one.name},
                                          {"id", one.id},
                                          {"version", one.version},
                                          {"type", one.delta ? "Delta" : "Full"},
                                          {"platform", one.platform},
                                          {"sha1", one.sha1},
                                          {"size", one.size}});
    const auto add = [&](const char* key, const std::string& value) {
      if (!value.empty()) item.set(key, value);
    };
    add("path", one.path);
    add("sha256", one.sha256);
    add("notes-markdown", one.notes_markdown);
    add("notes-html", one.notes_html);
    list.push(std::move(item));
  }
  return doc::canonical_json(
             doc::Value::object({{"schema", std::string(schema)}, {"packages", std::move(list)}}))
      .value_or("");
}

Result<std::vector<Package>> parse_packages(std::string_view facts) {
  doc::Limits limits;
  limits.max_bytes = max_facts_bytes;
  const auto document = doc::parse_json(facts, "facts", limits);
  if (!document) return refuse("are no JSON");
  if (TRY(document->text("schema", ErrorKind::verification)) != schema) return refuse("have another schema");
  const doc::Value* list = TRY(document->array_at("packages", ErrorKind::verification));
  if (list->as_array().size() > max_packages) return refuse("name too many packages");
  std::vector<Package> packages;
  for (const doc::Value& item : list->as_array()) {
    constexpr auto kind = ErrorKind::verification;
    Package one;
    one.name = TRY(item.text("name", kind));
    one.path = TRY(item.text_or("path", "", kind));
    one.id = TRY(item.text("id", kind));
    one.version = TRY(item.text("version", kind));
    const std::string type = TRY(item.text("type", kind));
    one.delta = type == "Delta";
    one.platform = TRY(item.text_or("platform", "any", kind));
    one.sha1 = TRY(item.text_or("sha1", "", kind));
    one.sha256 = TRY(item.text_or("sha256", "", kind));
    const std::int64_t size = TRY(item.integer("size", kind));
    one.notes_markdown = TRY(item.text_or("notes-markdown", "", kind));
    one.notes_html = TRY(item.text_or("notes-html", "", kind));
    if (type != "Full" && type != "Delta") return refuse("name a package that is neither Full nor Delta");
    if (size < 0 || !is_package(one.name) || one.place().find_first_of(" \t\r\n#\"\\") != std::string::npos)
      return refuse("name a file that no client would take");
    if ((!one.sha1.empty() && !is_hex(one.sha1, 40)) || (!one.sha256.empty() && !is_hex(one.sha256, 64)))
      return refuse("hold a digest that is none");
    one.size = static_cast<std::uint64_t>(size);
    packages.push_back(std::move(one));
  }
  return packages;
}

std::vector<Alias> package_aliases(const artifact::Manifest& manifest, const spec::Client& /*client*/) {
  std::vector<Alias> out;
  for (const artifact::Artifact& one : manifest.artifacts)
    if (is_package(one.name)) out.push_back({one.name, one.name});
  return out;
}

Result<std::vector<Package>> packages_of(const WriteInput& input, std::string_view version) {
  for (const Shipped& release : input.releases)
    if (release.manifest.version == version && !release.facts.empty())
      return TRY_WHILE(fmt::format("reading the facts of release {}", printable(version)),
                       parse_packages(release.facts));
  return std::vector<Package>();
}

std::vector<std::string> versions_up_to(const WriteInput& input, std::string_view newest, std::size_t bound) {
  std::vector<std::string> out;
  for (const Shipped& release : input.releases) {
    if (release.facts.empty() || newest.empty()) continue;
    if (compare_versions(release.manifest.version, newest) > 0) continue;
    if (out.size() <= bound) out.push_back(release.manifest.version);
  }
  return out;
}

}  // namespace tranche::channel
