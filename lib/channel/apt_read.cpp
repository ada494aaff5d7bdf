#include "channel/apt_read.hpp"

#include <algorithm>
#include <map>

#include "artifact/unpack.hpp"
#include "base/debian_version.hpp"
#include "base/release_date.hpp"
#include "base/text.hpp"
#include "channel/feed.hpp"
#include "crypto/digest.hpp"
#include "signing/gpg.hpp"
#include "signing/keys.hpp"

namespace tranche::channel::debian {

namespace {

constexpr std::size_t max_indices = 4096;  // that a Release names
constexpr std::string_view releases_place = "tranche/v1/releases/";

std::unexpected<Error> refuse(std::string_view what) {
  return fail_hint(ErrorKind::verification,
                   "publish the repository again; until then machines keep what they have", "{}", what);
}

std::string directory_of(const std::string& name) { return name.substr(0, name.rfind('/') + 1); }
std::string file_of(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// "dists/stable/" stands two below the root; anything else is taken for the root of a flat repository.
std::string root_of(const std::string& suite_place) {
  const auto parts = split(suite_place, '/');
  for (std::size_t i = parts.size(); i-- > 0;)
    if (parts[i] == "dists") {
      std::string root;
      for (std::size_t j = 0; j < i; ++j) root += std::string(parts[j]) + "/";
      return root;
    }
  return suite_place;
}

struct IndexEntry {
  std::string sha256;
  std::uint64_t size = 0;
};

class Reader {
 public:
  explicit Reader(const ReadInput& input) : input_(input) {}

  Result<std::optional<ReadSuite>> run() {
    if (file_of(input_.file).starts_with("Packages")) {
      const auto bytes = TRY(fetch(input_.file, max_ecosystem_file));
      if (!bytes) return std::optional<ReadSuite>();
      TRY(take_index(input_.file, *bytes, root_of(directory_of(input_.file))));
      return finish();
    }
    for (const std::string& place : places()) {
      const bool found = TRY(read_release(place));
      if (!found) continue;
      TRY(read_indices(place));
      return finish();
    }
    return std::optional<ReadSuite>();
  }

 private:
  // Directories that may hold a Release.
  [[nodiscard]] std::vector<std::string> places() const {
    if (!input_.file.empty()) return {directory_of(input_.file)};
    const std::string& own = input_.client.channel.empty() ? input_.channel : input_.client.channel;
    const std::string& suite = input_.feed_channel.empty() ? own : input_.feed_channel;
    std::vector<std::string> out;
    if (!suite.empty()) out.push_back("dists/" + suite + "/");
    if (input_.feed_channel.empty()) out.emplace_back();
    return out;
  }

  Result<std::optional<std::string>> fetch(const std::string& name, std::size_t max) {
    auto bytes = TRY(input_.fetch(name, max));
    if (bytes) suite_.files.push_back({name, *bytes});
    return bytes;
  }

  Result<bool> read_release(const std::string& place) {
    std::string text;
    if (const auto bytes = TRY(fetch(place + "InRelease", signing::max_clearsigned_bytes))) {
      auto signed_text = TRY_WHILE("reading " + place + "InRelease", signing::parse_clearsigned(*bytes));
      suite_.signature = ReadSuite::Signature::inside;
      suite_.signatures = std::move(signed_text.signatures);
      text = std::move(signed_text.text);
      TRY(check_signature(*bytes));
    } else if (auto release = TRY(fetch(place + "Release", signing::max_clearsigned_bytes))) {
      text = std::move(*release);
      if (const auto detached = TRY(fetch(place + "Release.gpg", signing::max_clearsigned_bytes))) {
        suite_.signature = ReadSuite::Signature::detached;
        suite_.signatures = TRY_WHILE("reading " + place + "Release.gpg", signing::parse_detached(*detached));
      }
    } else {
      return false;
    }
    TRY(parse_release(text));
    return true;
  }

  Result<> check_signature(const std::string& bytes) {
    if (input_.world == nullptr || input_.client.key.empty()) return {};
    const auto key = signing::read_secret(*input_.world, input_.repository, input_.client.key);
    if (!key) return {};  // nobody here has it: the audit says that the signature was not checked
    const auto gpg = TRY(signing::Gpg::open(*input_.world, *key, {}));
    TRY(gpg->verify(bytes));
    suite_.checked_by = gpg->fingerprint();
    return {};
  }

  Result<> parse_release(const std::string& text) {
    auto stanzas = parse_deb822(text);
    if (!stanzas || stanzas->empty()) return refuse("Release cannot be read");
    const Deb822Stanza& fields = stanzas->front();
    const auto field = [&](std::string_view name) { return fields.find(name).value_or(std::string_view()); };
    suite_.has_release = true;
    suite_.name = field("Suite").empty() ? field("Codename") : field("Suite");
    suite_.date = parse_release_date(field("Date"));
    suite_.valid_until = parse_release_date(field("Valid-Until"));
    if (!field("Valid-Until").empty() && !suite_.valid_until) return refuse("its Valid-Until cannot be read");
    suite_.by_hash = lower(field("Acquire-By-Hash")) == "yes";
    suite_.strong_digests = !field("SHA256").empty() || !field("SHA512").empty();
    for (const std::string_view line : value_lines(field("SHA256"))) {
      const auto words = value_words(line);
      const auto size = words.size() == 3 ? parse_u64(words[1]) : std::nullopt;
      if (!size || !crypto::parse_sha256(words[0])) return refuse("a line of its SHA256 cannot be read");
      if (entries_.size() >= max_indices)
        return refuse(fmt::format("it names more than {} files", max_indices));
      entries_[std::string(words[2])] = {lower(words[0]), *size};
    }
    return {};
  }

  // Names of Packages without their packing, and the architecture in each: "main/binary-amd64/Packages".
  [[nodiscard]] std::map<std::string, std::string> indices() const {
    std::map<std::string, std::string> out;  // architecture → name
    std::vector<std::string> components;
    for (const auto& [name, entry] : entries_) {
      if (!file_of(name).starts_with("Packages")) continue;
      const std::string directory = directory_of(name);
      const std::size_t binary = directory.find("binary-");
      if (binary == 0 || (binary == directory.npos && !directory.empty())) continue;
      // A flat repository has them beside its Release.
      const std::string component = binary == directory.npos ? "" : directory.substr(0, binary - 1);
      const std::string architecture =
          binary == directory.npos ? "any" : directory.substr(binary + 7, directory.size() - binary - 8);
      if (component.find('/') != component.npos || architecture.find('/') != architecture.npos) continue;
      // The component of the client when it is there, else the first.
      const auto known = out.find(architecture);
      if (known != out.end() && component != input_.client.component) continue;
      out[architecture] = directory + "Packages";
    }
    return out;
  }

  Result<> read_indices(const std::string& place) {
    const auto all = indices();
    if (!suite_.strong_digests || all.empty()) return read_undigested(place);
    const std::string wanted = architecture_of(input_.platform);
    std::vector<std::string> chosen;
    for (const auto& [architecture, name] : all)
      if (wanted.empty() || architecture == wanted || architecture == "any") chosen.push_back(architecture);
    if (chosen.empty() && all.contains("all")) chosen.emplace_back("all");
    if (chosen.size() > max_architectures) chosen.resize(max_architectures);
    for (const std::string& architecture : chosen) {
      suite_.architectures.push_back(architecture);
      TRY(read_index(place, all.at(architecture)));
    }
    return {};
  }

  // A Release without digests that count: machines refuse it, but what it leads to can still be told.
  Result<> read_undigested(const std::string& place) {
    const std::string component = input_.client.component.empty() ? "main" : input_.client.component;
    for (const std::string& name : {place + "Packages", place + component + "/binary-amd64/Packages"})
      if (const auto bytes = TRY(fetch(name, max_ecosystem_file)))
        return take_index(name, *bytes, root_of(place));
    return {};
  }

  Result<> read_index(const std::string& place, const std::string& plain) {
    for (const char* packing : {".xz", ".gz", "", ".zst", ".bz2"}) {
      const auto entry = entries_.find(plain + packing);
      if (entry == entries_.end()) continue;
      if (entry->second.size > max_ecosystem_file)
        return fail_hint(ErrorKind::invalid, "name a smaller suite", "{} has {} bytes, at most {} are read",
                         printable(entry->first), entry->second.size, max_ecosystem_file);
      // As apt does: by its digest first, then by its plain name.
      const std::string digest_name =
          place + directory_of(entry->first) + "by-hash/SHA256/" + entry->second.sha256;
      std::optional<std::string> bytes;
      if (suite_.by_hash) bytes = TRY(fetch(digest_name, max_ecosystem_file));
      const std::string name = bytes ? digest_name : place + entry->first;
      if (!bytes) bytes = TRY(fetch(name, max_ecosystem_file));
      if (!bytes) continue;
      if (crypto::to_hex(crypto::sha256(*bytes)) != entry->second.sha256)
        return refuse(
            fmt::format("{} is not the file that Release names: its SHA-256 is another", printable(name)));
      return take_index(name, *bytes, root_of(place));
    }
    return refuse(fmt::format("Release names {}, and it is not there", printable(plain)));
  }

  Result<> take_index(const std::string& name, const std::string& packed, const std::string& root) {
    const std::string what = "reading " + printable(name);
    const std::string text = TRY_WHILE(what, artifact::unpack(packed, max_index_bytes));
    const auto stanzas = parse_deb822(text);
    if (!stanzas) return refuse(fmt::format("{}: {}", printable(name), stanzas.error().message));
    for (const Deb822Stanza& stanza : *stanzas) {
      auto control = artifact::parse_control(stanza.text);
      if (!control) return refuse(fmt::format("{}: {}", printable(name), control.error().message));
      Listed listed;
      listed.filename = stanza.find("Filename").value_or("");
      while (listed.filename.starts_with("./")) listed.filename.erase(0, 2);
      listed.package.file = file_of(listed.filename);
      listed.package.path = root + listed.filename;
      listed.package.size = parse_u64(stanza.find("Size").value_or("")).value_or(0);
      listed.package.sha256 = lower(stanza.find("SHA256").value_or(""));
      listed.package.control = std::move(*control);
      listed.package.control.control = without_index_fields(stanza);
      if (const auto percent = stanza.find("Phased-Update-Percentage")) {
        const int value = read_percentage(*percent);
        if (value < 100) listed.phased = value;
      }
      listed.release = stanza.find(release_field).value_or("");
      const std::size_t own = listed.filename.find(releases_place);
      if (listed.release.empty() && own == 0) {
        const std::string rest = listed.filename.substr(releases_place.size());
        listed.release = rest.substr(0, rest.find('/'));
      }
      suite_.packages.push_back(std::move(listed));
    }
    return {};
  }

  // The Debian architecture of a platform: "linux/amd64" → "amd64".
  static std::string architecture_of(const std::string& platform) {
    const std::string name = platform.substr(platform.find('/') + 1);
    static const std::map<std::string, std::string> names{
        {"arm", "armhf"}, {"386", "i386"}, {"ppc64le", "ppc64el"}};
    const auto known = names.find(name);
    if (platform.empty() || name == "any") return {};
    return known == names.end() ? name : known->second;
  }

  // Names of releases: as written, else the upstream part where no two versions share it.
  Result<std::optional<ReadSuite>> finish() {
    std::map<std::string, std::string> owner;  // release name → Debian version, "" when several
    for (const Listed& listed : suite_.packages) {
      const std::string name =
          listed.release.empty() ? release_name(listed.package.control.version) : listed.release;
      const auto [known, fresh] = owner.emplace(name, listed.package.control.version);
      if (!fresh && known->second != listed.package.control.version && listed.release.empty())
        known->second.clear();
    }
    for (Listed& listed : suite_.packages) {
      if (!listed.release.empty()) continue;
      const std::string name = release_name(listed.package.control.version);
      listed.release = owner[name] == listed.package.control.version ? name : listed.package.control.version;
    }
    return std::optional(std::move(suite_));
  }

  const ReadInput& input_;
  ReadSuite suite_;
  std::map<std::string, IndexEntry> entries_;
};

}  // namespace

Result<std::optional<ReadSuite>> read_suite(const ReadInput& input) { return Reader(input).run(); }

Offer find_offer(const ReadSuite& suite, const ReadInput& input) {
  // Newest version a package and architecture.
  std::map<std::pair<std::string, std::string>, const Listed*> newest;
  for (const Listed& listed : suite.packages) {
    const auto& control = listed.package.control;
    const Listed*& best = newest[{control.name, control.architecture}];
    if (best == nullptr || compare_debian_versions(control.version, best->package.control.version) > 0)
      best = &listed;
  }
  // The package that the client names; else one that is being phased; else the first.
  Offer offer;
  const auto rank = [&](const Listed& listed) {
    return listed.package.control.name == input.client.package ? 2 : listed.phased ? 1 : 0;
  };
  for (const auto& [key, listed] : newest)
    if (offer.newest == nullptr || rank(*listed) > rank(*offer.newest)) offer.newest = listed;
  if (offer.newest == nullptr) return offer;
  offer.percent = offer.newest->phased.value_or(100);
  const auto& own = offer.newest->package.control;
  for (const Listed& listed : suite.packages)
    if (listed.package.control.name == own.name && listed.package.control.architecture == own.architecture)
      offer.versions.push_back(&listed);
  std::ranges::stable_sort(offer.versions, [](const Listed* a, const Listed* b) {
    return compare_debian_versions(a->package.control.version, b->package.control.version) > 0;
  });
  return offer;
}

}  // namespace tranche::channel::debian
