// The feed of electron-updater: latest*.yml and its kin for other channels.
//
// The problem: the client draws from an id that never changes, so the share is a field of the file and the
// same devices are first each time; one file a platform, so a release without a Mac build must not leave a
// withdrawn one in latest-mac.yml; and the client wants SHA-512, which no manifest of ours has.
// The idea: SHA-512 and what electron-builder said are facts of the release, signed with it. Every decision
// writes each platform's yml anew from the facts of the release that this platform can be offered.
//
// Formats: electron-userland/electron-builder, packages/builder-util-runtime/src/updateInfo.ts; names of the
// files: packages/electron-updater/src/providers/Provider.ts getChannelFilePrefix.
#include "channel/electron.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/statement.hpp"
#include "crypto/hash.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view map_extension = ".blockmap";

// --- describe --------------------------------------------------------------------------------------------

// The extensions that the platform's client installs, the one it asks for first.
constexpr std::array windows_kinds{std::string_view(".exe")};
constexpr std::array mac_kinds{std::string_view(".zip"), std::string_view(".dmg"), std::string_view(".pkg")};
constexpr std::array linux_kinds{std::string_view(".AppImage"), std::string_view(".deb"),
                                 std::string_view(".rpm"), std::string_view(".pacman")};

std::span<const std::string_view> kinds_of(std::string_view suffix) {
  if (suffix.empty()) return windows_kinds;
  if (suffix == "-mac") return mac_kinds;
  return linux_kinds;
}

// Position among the platform's kinds; nullopt: its client installs no such file.
std::optional<std::size_t> kind_rank(std::string_view suffix, std::string_view name) {
  const auto kinds = kinds_of(suffix);
  for (std::size_t at = 0; at < kinds.size(); ++at)
    if (lower(name).ends_with(lower(kinds[at]))) return at;
  return std::nullopt;
}

// The yml that is to name an artifact of which no document of electron-builder speaks.
std::optional<std::string> suffix_of(const artifact::Artifact& one) {
  auto suffix = artifact::update_suffix(one.platform);
  if (!suffix) {
    const std::string name = lower(one.name);
    const bool arm = name.find("arm64") != std::string::npos || name.find("aarch64") != std::string::npos;
    if (name.ends_with(".exe")) suffix = "";
    if (name.ends_with(".dmg") || (name.ends_with(".zip") && name.find("mac") != std::string::npos))
      suffix = "-mac";
    if (kind_rank("-linux", name)) suffix = arm ? "-linux-arm64" : "-linux";
  }
  if (!suffix || !kind_rank(*suffix, one.name)) return std::nullopt;
  return suffix;
}

// A client whose processor no file name says takes the first that fits: the most common goes first.
int processor_rank(const std::string& suffix, const artifact::Artifact& one) {
  const std::string platform =
      artifact::update_suffix(one.platform) ? one.platform : artifact::update_platform(suffix, one.name);
  if (platform.ends_with("/arm64")) return 2;
  return platform.ends_with("/386") || platform.ends_with("/arm") ? 1 : 0;
}

Result<std::string> hash_of(ports::Files& files, const artifact::Artifact& one) {
  if (!one.sha512.empty()) return to_base64(*from_hex(one.sha512));
  crypto::Hash hash(crypto::HashKind::sha512);
  const auto reader = TRY(files.open(one.path));
  std::string buffer(256 << 10, '\0');
  while (const std::size_t got = TRY(reader->read(buffer.data(), buffer.size())))
    hash.update(std::string_view(buffer).substr(0, got));
  return to_base64(hash.finish());
}

std::optional<std::uint64_t> blockmap_of(const std::vector<artifact::Artifact>& artifacts,
                                         const std::string& name) {
  const auto found =
      std::ranges::find(artifacts, name + std::string(map_extension), &artifact::Artifact::name);
  return found == artifacts.end() ? std::nullopt : std::optional(found->size);
}

// A platform as electron-builder's own document tells it.
Result<ElectronPlatform> from_document(const DescribeInput& input, const std::string& path,
                                       const std::string& suffix) {
  const auto bytes = TRY(input.world.files.read(path, artifact::max_update_info_bytes));
  if (!bytes) return fail(ErrorKind::failed, "{} is gone", printable(path));
  const artifact::UpdateInfo info = TRY(artifact::parse_update_info(*bytes, path));
  const auto complete = [&](const artifact::UpdateFile& file) -> Result<ElectronFile> {
    ElectronFile out = electron_file(file);
    const auto found = std::ranges::find(input.artifacts, out.name, &artifact::Artifact::name);
    if (found == input.artifacts.end())
      return fail_hint(ErrorKind::invalid, "add it to artifacts:", "{} names '{}', which is no artifact",
                       printable(path), printable(file.url));
    const std::string sha512 = TRY(hash_of(input.world.files, *found));
    if (artifact::sha512_hex(sha512) != artifact::sha512_hex(out.sha512))
      return fail_hint(ErrorKind::verification, "build it again", "the SHA-512 of '{}' is not what {} says",
                       out.name, printable(path));
    out.sha512 = sha512;
    out.size = found->size;
    out.blockmap = blockmap_of(input.artifacts, out.name);
    return out;
  };
  ElectronPlatform platform;
  platform.suffix = suffix;
  for (const artifact::UpdateFile& file : info.files) platform.files.push_back(TRY(complete(file)));
  for (const artifact::UpdatePackage& package : info.packages) {
    ElectronFile file = TRY(complete(package.file));
    platform.packages.push_back({package.architecture, std::move(file)});
  }
  platform.release_date = info.release_date;
  platform.release_name = info.release_name;
  platform.release_notes = info.release_notes;
  platform.minimum_system_version = info.minimum_system_version;
  return platform;
}

Result<ElectronPlatform> from_artifacts(const DescribeInput& input, const std::string& suffix,
                                        std::vector<const artifact::Artifact*> artifacts) {
  std::ranges::sort(artifacts, [&](const auto* a, const auto* b) {
    const auto key = [&](const artifact::Artifact& one) {
      return std::tuple(kind_rank(suffix, one.name), processor_rank(suffix, one), one.name);
    };
    return key(*a) < key(*b);
  });
  ElectronPlatform platform;
  platform.suffix = suffix;
  for (const artifact::Artifact* one : artifacts) {
    ElectronFile file;
    file.name = one->name;
    file.sha512 = TRY(hash_of(input.world.files, *one));
    file.size = one->size;
    file.blockmap = blockmap_of(input.artifacts, one->name);
    platform.files.push_back(std::move(file));
  }
  return platform;
}

// The documents by platform. Builds for several channels write the same files into each: one is enough.
std::map<std::string, std::string> documents_of(const std::vector<artifact::Artifact>& artifacts) {
  std::map<std::string, std::string> documents;
  for (const artifact::Artifact& one : artifacts) {
    const auto name = artifact::parse_update_info_name(base_name(one.metadata));
    if (one.metadata.empty() || !name) continue;
    const auto [kept, fresh] = documents.emplace(name->suffix, one.metadata);
    if (!fresh) kept->second = std::max(kept->second, one.metadata);
  }
  return documents;
}

// --- write -----------------------------------------------------------------------------------------------

constexpr std::uint32_t one_percent = Percent::whole / 100;

struct Release {
  const artifact::Manifest* manifest = nullptr;
  ElectronFacts facts;
};

Result<> check_facts(const Release& release) {
  const auto check = [&](const ElectronFile& file) -> Result<> {
    const artifact::Artifact* artifact = release.manifest->find(file.name);
    if (artifact == nullptr ? file.url.empty() : file.size && *file.size != artifact->size)
      return fail_hint(ErrorKind::verification, "create the release again",
                       "the electron facts of release {} name '{}', which its manifest has not",
                       release.manifest->version, printable(file.name));
    return {};
  };
  if (release.facts.version != release.manifest->version)
    return fail(ErrorKind::verification, "the electron facts of release {} are of version {}",
                release.manifest->version, printable(release.facts.version));
  for (const ElectronPlatform& platform : release.facts.platforms) {
    for (const ElectronFile& file : platform.files) TRY(check(file));
    for (const ElectronPackage& package : platform.packages) TRY(check(package.file));
  }
  return {};
}

class Writer {
 public:
  explicit Writer(const WriteInput& input) : input_(input) {}

  Result<Written> write() {
    for (const Shipped& shipped : input_.releases) {
      if (shipped.facts.empty()) continue;
      Release release;
      release.manifest = &shipped.manifest;
      release.facts = TRY(parse_electron_facts(shipped.facts));
      TRY(check_facts(release));
      releases_.push_back(std::move(release));
    }
    for (const std::string_view suffix : electron_suffixes) suffixes_.emplace(suffix);
    for (const Release& release : releases_)
      for (const ElectronPlatform& platform : release.facts.platforms) suffixes_.insert(platform.suffix);
    std::set<std::string> names;
    for (const cohort::Track& track : input_.tracks) {
      const std::string name = track.feed_channel.empty()
                                   ? electron_channel(input_.channel.name, input_.client)
                                   : track.feed_channel;
      if (const auto parsed = artifact::parse_update_info_name(name + ".yml");
          !parsed || !parsed->suffix.empty())
        return fail_hint(ErrorKind::invalid, "end it in another word",
                         "'{}' cannot name a channel of electron-updater: it reads like a platform's file",
                         printable(name));
      if (!names.insert(name).second)
        return fail_hint(ErrorKind::invalid, "give the feed-channel another name",
                         "two feed channels would write {}.yml", printable(name));
      if (track.release.empty()) continue;
      for (const std::string& suffix : suffixes_) TRY(write_file(track, name, suffix));
    }
    return std::move(written_);
  }

 private:
  [[nodiscard]] const Release* find(std::string_view version) const {
    for (const Release& release : releases_)
      if (release.manifest->version == version) return &release;
    return nullptr;
  }

  void add(std::string name, const Release& release, const ElectronPlatform& platform,
           std::optional<unsigned> percent) {
    written_.pointers.push_back({std::move(name), electron_yml({release.manifest->version, platform, percent,
                                                                release.manifest->created})});
  }

  Result<> write_file(const cohort::Track& track, const std::string& channel, const std::string& suffix) {
    const std::string name = channel + suffix + ".yml";
    const Release* offered = find(track.release);
    if (const auto* platform = offered == nullptr ? nullptr : offered->facts.platform(suffix);
        platform != nullptr) {
      std::optional<unsigned> percent;
      if (!track.share.everyone()) percent = track.share.ppm / one_percent;
      if (percent == 0U && track.share.ppm > 0)
        written_.notes.push_back(
            fmt::format("electron: {} reaches nobody with {}: the client reads whole percents", name,
                        to_text(track.share)));
      add(name, *offered, *platform, percent);
      return {};
    }
    const Release* previous = find(track.previous);
    if (const auto* platform = previous == nullptr ? nullptr : previous->facts.platform(suffix);
        platform != nullptr) {
      written_.notes.push_back(fmt::format("electron: {} stays at {}: release {} has nothing for its clients",
                                           name, track.previous, track.release));
      add(name, *previous, *platform, std::nullopt);
      return {};
    }
    return keep_file(track, name, suffix);
  }

  // Nothing to offer here. What is published stays while it may; what was withdrawn is taken out.
  Result<> keep_file(const cohort::Track& track, const std::string& name, const std::string& suffix) {
    const auto now = TRY(input_.store.get(name, max_ecosystem_file));
    if (!now) return {};
    const auto info = artifact::parse_update_info(now->bytes, name);
    const Release* release = info ? find(info->version) : nullptr;
    const auto* platform = release == nullptr ? nullptr : release->facts.platform(suffix);
    if (platform != nullptr) {
      std::optional<unsigned> percent;
      if (info->staging_text)
        percent = static_cast<unsigned>(parse_u64(*info->staging_text).value_or(0) % 101);
      written_.notes.push_back(fmt::format("electron: {} stays at {}: release {} has nothing for its clients",
                                           name, info->version, track.release));
      add(name, *release, *platform, percent);
      return {};
    }
    // A file that never was ours is another tool's business, for platforms that it alone ships.
    if (!TRY(input_.store.get(statement_name(name), max_statement_bytes))) return {};
    const std::string nothing = empty_electron_yml(track.release);
    if (now->bytes != nothing)
      written_.notes.push_back(
          fmt::format("electron: {} offers nothing: no release that may be named is for its clients", name));
    written_.pointers.push_back({name, nothing});
    return {};
  }

  const WriteInput& input_;
  std::vector<Release> releases_;
  std::set<std::string> suffixes_;
  Written written_;
};

}  // namespace

std::string electron_channel(const std::string& channel, const spec::Client& client) {
  if (!client.channel.empty()) return client.channel;
  return channel.empty() || channel == "stable" ? "latest" : channel;
}

Result<std::string> describe_electron(const DescribeInput& input) {
  const auto documents = documents_of(input.artifacts);
  std::map<std::string, std::vector<const artifact::Artifact*>> plain;
  for (const artifact::Artifact& one : input.artifacts)
    if (const auto suffix = suffix_of(one); suffix && !documents.contains(*suffix))
      plain[*suffix].push_back(&one);
  if (documents.empty() && plain.empty()) return std::string();
  if (artifact::strict_semver(input.version) != input.version)
    return fail_hint(ErrorKind::invalid, "electron-updater takes three numbers, as in 1.2.0",
                     "'{}' is no version for the electron feed", printable(input.version));
  ElectronFacts facts;
  facts.version = input.version;
  for (const auto& [suffix, path] : documents)
    facts.platforms.push_back(TRY(from_document(input, path, suffix)));
  for (auto& [suffix, artifacts] : plain)
    facts.platforms.push_back(TRY(from_artifacts(input, suffix, std::move(artifacts))));
  std::ranges::sort(facts.platforms, {}, &ElectronPlatform::suffix);
  return to_json(facts);
}

Result<Written> write_electron(const WriteInput& input) { return Writer(input).write(); }

Ecosystem electron() { return {"electron", describe_electron, nullptr, write_electron, read_electron}; }

}  // namespace tranche::channel
