// The feed of APT: a signed repository at the store's root, one suite a channel file.
//
//   dists/<suite>/InRelease                                     what clients read first, signed by the
//   channel's gpg key dists/<suite>/Release                                       the same text, for tools
//   that want it bare dists/<suite>/<component>/binary-<arch>/Packages[.gz]       at their plain names, for
//   mirrors and old clients dists/<suite>/<component>/binary-<arch>/by-hash/SHA256/...  what clients since
//   apt 1.2 read: never changed
//
// A share is Phased-Update-Percentage at the offered version; a machine that it leaves out keeps what it has.
// The field at 0 still lets one machine in 101 through, so a pause and a withdrawal take the version out.
// Older versions stay listed: for pins, for `apt install name=version`, and for machines that may go back.
#include <algorithm>
#include <map>
#include <set>

#include "base/debian_version.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/apt_read.hpp"
#include "channel/apt_repository.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/feed.hpp"
#include "signing/clearsign.hpp"
#include "signing/gpg.hpp"

namespace tranche::channel {

namespace {

using debian::Listed;
using debian::Package;

constexpr std::size_t kept_releases = 200;  // a machine that reads the suite pays for each at every change
constexpr std::uint32_t one_percent = Percent::whole / 100;
constexpr const char* default_key = "env:TRANCHE_APT_KEY";

Result<std::string> describe(const DescribeInput& input) {
  std::vector<Package> packages;
  for (const artifact::Artifact& artifact : input.artifacts) {
    if (!artifact.name.ends_with(".deb")) continue;
    Package package{artifact.name, {}, artifact.size, artifact.sha256, {}};
    package.control = TRY_WHILE("reading the package " + printable(artifact.name),
                                artifact::read_debian_package(input.world.files, artifact.path));
    const auto stanza = TRY(parse_deb822(package.control.control));
    package.control.control = debian::without_index_fields(stanza.front());
    for (const Package& other : packages)
      if (other.control.name == package.control.name &&
          other.control.architecture == package.control.architecture)
        return fail_hint(ErrorKind::invalid, "ship one package of a name and an architecture in a release",
                         "{} and {} are both {} for {}", other.file, package.file, package.control.name,
                         package.control.architecture);
    packages.push_back(std::move(package));
  }
  if (packages.empty()) return std::string();
  return debian::to_facts(packages);
}

std::string suite_name(const WriteInput& input, const cohort::Track& track) {
  if (!track.feed_channel.empty()) return track.feed_channel;
  return input.client.channel.empty() ? input.channel.name : input.client.channel;
}

// What the release's manifest and its facts say of one file must agree.
Result<> check_package(const artifact::Manifest& manifest, const Package& package) {
  const artifact::Artifact* artifact = manifest.find(package.file);
  if (artifact == nullptr && !package.path.empty()) return {};
  if (artifact == nullptr || artifact->size != package.size || artifact->sha256 != package.sha256)
    return fail_hint(ErrorKind::verification, "make the release again under another version",
                     "the manifest of {} and what is known of its package {} disagree", manifest.version,
                     printable(package.file));
  return {};
}

class Writer {
 public:
  explicit Writer(const WriteInput& input) : input_(input) {}

  Result<Written> run() {
    std::set<std::string> suites;
    for (const cohort::Track& track : input_.tracks) {
      const std::string suite = suite_name(input_, track);
      TRY(store::check_name("dists/" + suite));
      if (!suites.insert(suite).second)
        return fail_hint(ErrorKind::invalid, "give clients.apt.channel or the feed-channel another name",
                         "two files of channel '{}' would be the suite '{}'", input_.channel.name, suite);
      TRY_WHILE("writing the suite '" + suite + "'", write_suite(suite, track));
    }
    return std::move(out_);
  }

 private:
  void note(const std::string& suite, std::string_view text) {
    out_.notes.push_back(fmt::format("apt: suite {}: {}", suite, text));
  }

  Result<const std::vector<Package>*> packages_of(const Shipped& release) {
    const auto known = packages_.find(release.manifest.version);
    if (known != packages_.end()) return &known->second;
    std::vector<Package> packages;
    if (!release.facts.empty())
      packages = TRY_WHILE("reading what is known of release " + release.manifest.version,
                           debian::parse_facts(release.facts));
    for (const Package& package : packages) TRY(check_package(release.manifest, package));
    return &packages_.emplace(release.manifest.version, std::move(packages)).first->second;
  }

  // The releases that the suite lists: the one it offers, and those that everyone had before.
  Result<std::vector<Listed>> listed(const std::string& suite, const cohort::Track& track) {
    std::vector<Listed> out;
    if (track.release.empty()) return out;
    const bool whole = track.share.everyone();
    const auto percent = static_cast<int>(track.share.ppm / one_percent);
    const std::string& standing = whole ? track.release : track.previous;
    if (!whole && percent == 0)
      note(suite,
           fmt::format("{} is left out: Phased-Update-Percentage: 0 would still reach 1 machine in 101",
                       track.release));
    std::size_t kept = 0;
    Lowest lowest;
    bool found = !whole && percent == 0;
    for (const Shipped& release : input_.releases) {
      const std::string& version = release.manifest.version;
      const bool offered = version == track.release && (whole || percent > 0);
      const bool older = !standing.empty() && compare_versions(version, standing) <= 0;
      if (!offered && !older) continue;
      const std::vector<Package>& packages = *TRY(packages_of(release));
      if (packages.empty()) continue;
      if (!offered && ++kept > kept_releases) break;
      found = found || offered;
      for (const Package& package : packages)
        add(suite, version, package, offered && !whole ? percent : 100, lowest, out);
    }
    if (!found)
      note(suite, fmt::format("release {} has no .deb: nothing changes for its machines", track.release));
    return out;
  }

  // Releases come highest version first; Debian's order may be another. Whatever is not below all that was
  // listed of its package would be the version that machines take.
  using Lowest = std::map<std::pair<std::string, std::string>, std::pair<std::string, std::string>>;
  void add(const std::string& suite, const std::string& release, const Package& package, int percent,
           Lowest& lowest, std::vector<Listed>& into) {
    const auto& control = package.control;
    const auto [known, fresh] =
        lowest.try_emplace({control.name, control.architecture}, control.version, release);
    if (!fresh) {
      const auto& [version, owner] = known->second;
      const int order = compare_debian_versions(control.version, version);
      if (order >= 0)
        return note(suite, fmt::format("{} {} of release {} is left out: it is {} {} of release {}",
                                       control.name, control.version, release,
                                       order == 0 ? "the version" : "above", version, owner));
      known->second = {control.version, release};
    }
    Listed listed{
        release, package, package.path.empty() ? artifact_name(release, package.file) : package.path, {}};
    if (percent < 100) listed.phased = percent;
    into.push_back(std::move(listed));
  }

  Result<> write_suite(const std::string& name, const cohort::Track& track) {
    const std::string place = "dists/" + name + "/";
    const auto published = TRY(input_.store.get(place + "InRelease", signing::max_clearsigned_bytes));
    const auto now = published ? signing::parse_clearsigned(published->bytes)
                               : Result<signing::Clearsigned>(fail(ErrorKind::failed, "there is none"));
    const auto fields = now ? parse_deb822(now->text) : Result<std::vector<Deb822Stanza>>();
    const bool ours = fields && !fields->empty() && fields->front().find(debian::sequence_field).has_value();
    // With nothing to offer, a suite of ours is emptied: what it listed last may have been withdrawn. A suite
    // that another tool wrote, or none, stays as it is.
    if (track.release.empty() && !ours) return {};
    debian::Suite suite;
    suite.app = input_.app;
    suite.name = name;
    suite.component = input_.client.component;
    suite.sequence = input_.sequence;
    suite.issued = input_.issued;
    suite.expires = input_.expires;
    suite.packages = TRY(listed(name, track));
    suite.architectures = debian::architectures_of(suite.packages);
    if (suite.packages.empty()) {
      if (!ours) return {};
      for (const std::string_view one : value_words(fields->front().find("Architectures").value_or("")))
        suite.architectures.emplace_back(one);
      note(name, "it lists no package");
    }
    if (name.ends_with("-security"))
      note(name,
           "apt lets machines pass a percentage where a version in between comes from a suite called "
           "*-security: give clients.apt.channel another name");
    const auto indices = debian::index_files(suite);
    for (const debian::IndexFile& index : indices) {
      if (index.bytes.size() > max_ecosystem_file)
        return fail_hint(ErrorKind::invalid, "withdraw old releases, or shorten the control files",
                         "{} would have more than {} bytes", index.name, max_ecosystem_file);
      out_.files.push_back({place + debian::by_hash_name(index), index.bytes});
      out_.pointers.push_back({place + index.name, index.bytes});
    }
    const std::string text = debian::release_text(suite, indices);
    std::string signed_text =
        TRY(sign(text, now ? now->text : std::string(), published ? published->bytes : ""));
    out_.pointers.push_back({place + "Release", text});
    out_.pointers.push_back({place + "InRelease", std::move(signed_text)});
    return {};
  }

  // gpg signs other bytes each time: what is there already and says the same stays.
  Result<std::string> sign(const std::string& text, const std::string& text_now,
                           const std::string& signed_now) {
    if (gpg_ == nullptr) gpg_ = TRY_WHILE("opening the gpg key of the apt feed", open_key());
    if (text == text_now && gpg_->verify(signed_now)) return signed_now;
    return gpg_->clearsign(text);
  }

  Result<std::unique_ptr<signing::Gpg>> open_key() {
    const std::string reference = input_.client.key.empty() ? default_key : input_.client.key;
    auto key = signing::read_secret(input_.world, input_.repository, reference);
    if (!key && input_.client.key.empty())
      return fail(std::move(key.error())
                      .with_hint("machines take no unsigned repository: give the gpg key under "
                                 "channels.<name>.clients.apt.key, or in TRANCHE_APT_KEY (gpg --armor "
                                 "--export-secret-keys KEY-ID)"));
    if (!key) return fail(std::move(key.error()));
    Secret password;
    if (!input_.client.key_password.empty())
      password = TRY(signing::read_secret(input_.world, input_.repository, input_.client.key_password));
    return signing::Gpg::open(input_.world, *key, std::move(password));
  }

  const WriteInput& input_;
  Written out_;
  std::map<std::string, std::vector<Package>> packages_;
  std::unique_ptr<signing::Gpg> gpg_;
};

Result<Written> write(const WriteInput& input) { return Writer(input).run(); }

}  // namespace

Ecosystem apt() { return {"apt", describe, nullptr, write, debian::read}; }

}  // namespace tranche::channel
