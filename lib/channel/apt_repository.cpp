#include "channel/apt_repository.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/debian_version.hpp"
#include "base/release_date.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/gzip.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"

namespace tranche::channel::debian {

namespace {

constexpr std::size_t max_packages = 512;  // of one release

bool is_index_field(std::string_view name) {
  static const std::set<std::string, std::less<>> names{"filename",        "size",
                                                        "md5sum",          "sha1",
                                                        "sha256",          "sha512",
                                                        "status",          "conffiles",
                                                        "md5sum_original", "phased-update-percentage",
                                                        "tranche-release"};
  return names.contains(lower(name));
}

// The value begins on the line below its name ("Conffiles:\n /etc/x").
bool begins_below(const Deb822Field& field) {
  return !field.value.empty() &&
         std::string_view(field.name.data(), static_cast<std::size_t>(field.value.data() - field.name.data()))
                 .find('\n') != std::string_view::npos;
}

std::string stanza_text(const Listed& listed) {
  const Package& package = listed.package;
  std::string out = package.control.control;
  out += fmt::format("\nFilename: {}\nSize: {}\nSHA256: {}\n", listed.filename, package.size, package.sha256);
  if (listed.phased) out += fmt::format("Phased-Update-Percentage: {}\n", *listed.phased);
  if (!listed.release.empty() && release_name(package.control.version) != listed.release)
    out += fmt::format("{}: {}\n", release_field, listed.release);
  return out;
}

bool comes_before(const Listed& a, const Listed& b) {
  const auto &x = a.package.control, &y = b.package.control;
  if (x.name != y.name) return x.name < y.name;
  if (const int order = compare_debian_versions(x.version, y.version); order != 0) return order > 0;
  if (x.architecture != y.architecture) return x.architecture < y.architecture;
  return a.filename < b.filename;
}

}  // namespace

Result<std::string> to_facts(const std::vector<Package>& packages) {
  doc::Value list = doc::Value::array();
  for (const Package& package : packages) {
    doc::Value one = doc::Value::object({{"name", package.file},
                                         {"size", package.size},
                                         {"sha256", package.sha256},
                                         {"control", package.control.control}});
    if (!package.path.empty()) one.set("path", package.path);
    list.push(std::move(one));
  }
  return doc::canonical_json(doc::Value::object({{"schema", facts_schema}, {"packages", std::move(list)}}));
}

Result<std::vector<Package>> parse_facts(std::string_view json) {
  constexpr auto kind = ErrorKind::invalid;
  const auto document = TRY(doc::parse_json(json, "apt.feed.json", {4 << 20, 8, 20'000}));
  if (TRY(document.text("schema", kind)) != facts_schema)
    return fail_hint(kind, "make the release again with this version of tranche", "the schema is not '{}'",
                     facts_schema);
  const doc::Value* list = TRY(document.array_at("packages", kind));
  if (list->as_array().size() > max_packages)
    return fail_hint(kind, "ship fewer packages in one release", "more than {} packages are named",
                     max_packages);
  std::vector<Package> out;
  for (const doc::Value& one : list->as_array()) {
    Package package;
    package.file = TRY(one.text("name", kind));
    package.path = TRY(one.text_or("path", "", kind));
    const std::int64_t size = TRY(one.integer("size", kind));
    package.sha256 = TRY(one.text("sha256", kind));
    if (size < 0 || !crypto::parse_sha256(package.sha256))
      return fail_hint(kind, "make the release again", "size or digest of '{}' cannot be read",
                       printable(package.file));
    package.size = static_cast<std::uint64_t>(size);
    const std::string control = TRY(one.text("control", kind));
    package.control =
        TRY_WHILE("reading the facts of " + printable(package.file), artifact::parse_control(control));
    out.push_back(std::move(package));
  }
  return out;
}

std::string without_index_fields(const Deb822Stanza& stanza) {
  std::string out;
  for (const Deb822Field& field : stanza.fields) {
    if (is_index_field(field.name)) continue;
    if (!out.empty()) out += '\n';
    out += field.name;
    out += begins_below(field) ? ":\n " : field.value.empty() ? ":" : ": ";
    for (const char c : field.value)
      if (c != '\r') out += c;
  }
  return out;
}

std::vector<std::string> architectures_of(const std::vector<Listed>& packages) {
  std::set<std::string> out;
  for (const Listed& listed : packages) out.insert(listed.package.control.architecture);
  if (out.size() > 1) out.erase("all");
  return {out.begin(), out.end()};
}

std::vector<IndexFile> index_files(const Suite& suite) {
  std::vector<const Listed*> sorted;
  for (const Listed& listed : suite.packages) sorted.push_back(&listed);
  std::ranges::sort(sorted, [](const Listed* a, const Listed* b) { return comes_before(*a, *b); });
  std::vector<IndexFile> out;
  for (const std::string& architecture : suite.architectures) {
    std::string text;
    for (const Listed* listed : sorted) {
      const std::string& own = listed->package.control.architecture;
      if (own != architecture && own != "all") continue;
      text += stanza_text(*listed);
      text += '\n';
    }
    const std::string name = fmt::format("{}/binary-{}/Packages", suite.component, architecture);
    std::string packed = gzip(text);
    out.push_back({name, std::move(text)});
    out.push_back({name + ".gz", std::move(packed)});
  }
  return out;
}

std::string by_hash_name(const IndexFile& index) {
  return fmt::format("{}/by-hash/SHA256/{}", index.name.substr(0, index.name.rfind('/')),
                     crypto::to_hex(crypto::sha256(index.bytes)));
}

std::string release_text(const Suite& suite, const std::vector<IndexFile>& indices) {
  std::string out = fmt::format(
      "Origin: {0}\nLabel: {0}\nSuite: {1}\nCodename: {1}\nDate: {2}\nValid-Until: {3}\nAcquire-By-Hash: "
      "yes\n"
      "Architectures: {4}\nComponents: {5}\n{6}: {7}\nSHA256:\n",
      suite.app, suite.name, to_release_date(suite.issued), to_release_date(suite.expires),
      join(suite.architectures, " "), suite.component, sequence_field, suite.sequence);
  for (const IndexFile& index : indices)
    out += fmt::format(" {} {} {}\n", crypto::to_hex(crypto::sha256(index.bytes)), index.bytes.size(),
                       index.name);
  return out;
}

int read_percentage(std::string_view value) {
  std::size_t at = 0;
  bool negative = false;
  if (at < value.size() && (value[at] == '-' || value[at] == '+')) negative = value[at++] == '-';
  const std::size_t start = at;
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  std::uint64_t number = 0;
  bool over = false;
  for (; at < value.size() && value[at] >= '0' && value[at] <= '9'; ++at) {
    over = over || number > most / 10;
    if (!over) number = number * 10 + static_cast<std::uint64_t>(value[at] - '0');
  }
  if (at == start || over) return 100;
  const auto cut = static_cast<std::uint32_t>(negative ? 0 - number : number);
  return cut > 100 ? 100 : static_cast<int>(cut);
}

std::string release_name(std::string_view debian_version) {
  std::string_view upstream = debian_version;
  if (const std::size_t colon = upstream.find(':'); colon != upstream.npos) upstream.remove_prefix(colon + 1);
  // A package without a revision may be a SemVer with a pre-release as it stands.
  if (upstream.find('~') == upstream.npos && upstream.find('-') == upstream.npos)
    return std::string(valid_version(upstream) ? upstream : debian_version);
  upstream = upstream.substr(0, upstream.rfind('-'));
  std::string name(upstream);
  if (const std::size_t tilde = name.find('~'); tilde != name.npos) name[tilde] = '-';
  return valid_version(name) ? name : std::string(debian_version);
}

}  // namespace tranche::channel::debian
