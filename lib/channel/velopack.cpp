// Velopack (velopack/velopack, src/lib-rust/src/manager.rs): releases.<channel>.json beside the packages.
//
// The client throws no dice. It takes the highest full package of the file that it can read a version of,
// when that is newer than what runs (or older, when the app was built with AllowVersionDowngrade). So a share
// below everyone is not to be had from a file: such a file names the previous release, and `tranche serve`
// decides for clients that send their stagingId (0.0.1298 and later). Deltas are found by walking the
// versions in between, so older releases stay listed; nothing higher than what everyone may take ever is.
#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/nupkg.hpp"
#include "doc/value.hpp"

namespace tranche::channel {

namespace {

constexpr std::size_t max_assets = 10'000;
constexpr std::size_t older_releases =
    20;  // a client walks at most ten deltas before it takes a full package

// semver's own syntax: the client passes over what has not exactly three numbers.
bool is_semver(std::string_view version) {
  if (!valid_version(version)) return false;
  const std::string_view numbers = version.substr(0, version.find_first_of("-+"));
  return std::count(numbers.begin(), numbers.end(), '.') == 2;
}

// What the packer calls the channel of a platform when nobody says otherwise.
std::string default_channel(std::string_view platform) {
  if (platform.starts_with("linux/")) return "linux";
  if (platform.starts_with("darwin/")) return "osx";
  return "win";
}

std::string file_name(std::string_view channel) { return fmt::format("releases.{}.json", channel); }

// The channel files a package belongs into.
std::string channel_of(const spec::Client& client, const Package& package, const std::string& feed_channel) {
  if (!client.channel.empty()) return feed_channel.empty() ? client.channel : feed_channel;
  const std::string own = default_channel(package.platform);
  return feed_channel.empty() ? own : own == "win" ? feed_channel : own + "-" + feed_channel;
}

doc::Value asset(const Package& package) {
  return doc::Value::object({{"PackageId", package.id},
                             {"Version", package.version},
                             {"Type", package.delta ? "Delta" : "Full"},
                             {"FileName", package.place()},
                             {"SHA1", capitals(package.sha1)},
                             {"SHA256", capitals(package.sha256)},
                             {"Size", package.size},
                             {"NotesMarkdown", package.notes_markdown},
                             {"NotesHTML", package.notes_html}});
}

Result<std::string> describe(const DescribeInput& input) {
  const std::string facts = TRY(describe_packages(input));
  if (!facts.empty() && !is_semver(input.version))
    return fail_hint(ErrorKind::invalid, "name the release MAJOR.MINOR.PATCH, as `vpk pack` wants it",
                     "velopack's clients pass over version {}: it has not exactly three numbers",
                     printable(input.version));
  return facts;
}

Result<> write_track(const WriteInput& input, const cohort::Track& track, Written& out) {
  if (track.release.empty() && !track.emptied) return {};
  const std::string& named = track.share.everyone() ? track.release : track.previous;
  const std::string where =
      track.feed_channel.empty() ? std::string() : fmt::format(" on {}", track.feed_channel);
  if (!track.share.everyone() && track.share.ppm > 0)
    out.notes.push_back(
        fmt::format("velopack: nobody is reached at {}{}: the client decides nothing, the file names {}",
                    to_text(track.share), where, named.empty() ? "nothing" : named));
  // A file that is there already is written too, so that one whose packages are all gone is emptied.
  std::map<std::string, doc::Value> files;
  for (const char* platform : {"windows/", "linux/", "darwin/"}) {
    const std::string channel = channel_of(input.client, Package{.platform = platform}, track.feed_channel);
    if (!input.client.channel.empty() || TRY(input.store.get(file_name(channel), max_ecosystem_file)))
      files.emplace(channel, doc::Value::array());
  }
  for (const Shipped& release : input.releases)
    for (const Package& package : TRY(packages_of(input, release.manifest.version)))
      files.emplace(channel_of(input.client, package, track.feed_channel), doc::Value::array());
  bool found = named.empty();
  for (const std::string& version : versions_up_to(input, named, older_releases))
    for (const Package& package : TRY(packages_of(input, version))) {
      files.at(channel_of(input.client, package, track.feed_channel)).push(asset(package));
      found = found || version == named;
    }
  if (!found)
    out.notes.push_back(fmt::format("velopack: release {} has no package{}", printable(named), where));
  for (auto& [channel, assets] : files)
    out.pointers.push_back(
        {file_name(channel), doc::to_json_pretty(doc::Value::object({{"Assets", std::move(assets)}}))});
  return {};
}

Result<Written> write(const WriteInput& input) {
  Written out;
  for (const cohort::Track& track : input.tracks) TRY(write_track(input, track, out));
  return out;
}

// --- reading ---------------------------------------------------------------------------------------------

// Keys are matched in any case, as the clients do.
const doc::Value* member(const doc::Value& value, std::string_view key) {
  if (const doc::Value* exact = value.find(key)) return exact;
  if (value.is_object())
    for (const doc::Member& one : value.as_object())
      if (lower(one.key) == lower(key)) return &one.value;
  return nullptr;
}

std::string text_of(const doc::Value& value, std::string_view key) {
  const doc::Value* found = member(value, key);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

class VelopackView final : public View {
 public:
  VelopackView(Named file, std::vector<Package> packages, bool allow_downgrade)
      : files_{std::move(file)}, packages_(std::move(packages)), allow_downgrade_(allow_downgrade) {
    for (const Package& one : packages_) {
      if (!one.delta && is_semver(one.version) &&
          (latest_ == nullptr || compare_versions(one.version, latest_->version) > 0))
        latest_ = &one;
    }
    collect_releases();
  }
  VelopackView(const VelopackView&) = delete;
  VelopackView& operator=(const VelopackView&) = delete;

  Answer ask(const Asker& asker) const override {
    if (latest_ == nullptr) return {{}, "nothing"};
    if (asker.running.empty()) return {latest_->version, "everyone"};
    const int order = compare_versions(latest_->version, asker.running);
    if (order > 0) return {latest_->version, "everyone"};
    if (order == 0) return {{}, "running"};
    if (allow_downgrade_) return {latest_->version, "downgrade"};
    return {{}, "newer"};
  }

  std::vector<std::string> explain(const Asker& asker) const override {
    std::vector<std::string> out{
        "velopack's client throws no dice: everybody who reads the file gets the same answer"};
    if (latest_ == nullptr) {
      out.emplace_back("the file names no full package: nothing is offered");
      return out;
    }
    out.push_back(fmt::format("the highest full package is {}", latest_->version));
    const Answer answer = ask(asker);
    if (answer.reason == "running") out.emplace_back("it runs that already");
    if (answer.reason == "newer")
      out.push_back(
          fmt::format("it runs {}, which is newer, and the app was not built with AllowVersionDowngrade",
                      printable(asker.running)));
    if (answer.reason == "downgrade")
      out.push_back(fmt::format(
          "it runs {}, which is newer; the app was built with AllowVersionDowngrade, so it goes back",
          printable(asker.running)));
    return out;
  }

  const std::vector<Named>& files() const override { return files_; }
  const std::vector<NamedRelease>& releases() const override { return releases_; }
  double share() const override { return latest_ == nullptr ? 0 : 1; }
  std::string offers() const override { return latest_ == nullptr ? std::string() : latest_->version; }
  std::vector<Remark> audit(Instant now) const override;

  Result<std::string> facts(const std::string& version) const override {
    std::vector<Package> own;
    for (const Package& one : packages_)
      if (one.version == version && !is_web_address(one.name)) own.push_back(one);
    if (own.empty())
      return fail_hint(ErrorKind::invalid, "the file names others: `tranche feed audit` lists them",
                       "{} names no package of version {}", files_.front().name, printable(version));
    return write_packages(own);
  }

 private:
  void collect_releases() {
    for (const Package& one : packages_) {
      auto found = std::find_if(releases_.begin(), releases_.end(),
                                [&](const NamedRelease& release) { return release.version == one.version; });
      if (found == releases_.end()) found = releases_.insert(found, {one.version, "any", {}});
      NamedFile file{one.place(), is_web_address(one.place()) ? std::string() : one.place(), one.size, {}};
      if (!one.sha1.empty()) file.digests["sha1"] = one.sha1;
      if (!one.sha256.empty()) file.digests["sha256"] = one.sha256;
      found->files.push_back(std::move(file));
    }
    std::stable_sort(releases_.begin(), releases_.end(), [](const NamedRelease& a, const NamedRelease& b) {
      return compare_versions(a.version, b.version) > 0;
    });
  }

  std::vector<Named> files_;
  std::vector<Package> packages_;
  std::vector<NamedRelease> releases_;
  const Package* latest_ = nullptr;
  bool allow_downgrade_ = false;
};

std::vector<Remark> VelopackView::audit(Instant /*now*/) const {
  std::vector<Remark> out;
  const auto add = [&](Level level, const char* code, std::string text, std::string hint = {}) {
    out.push_back({level, code, std::move(text), std::move(hint)});
  };
  if (latest_ == nullptr)
    add(Level::note, "paused", "the file names no full package: no client is offered anything");
  else
    add(Level::note, "no-percentage",
        fmt::format(
            "everybody who reads the file gets {}: the client throws no dice, so 0.5% or 10% cannot be said",
            printable(latest_->version)),
        "use a feed-channel of a cohort, or `on-unsupported: serve` for clients from 0.0.1298 on, which send "
        "a stagingId");
  add(Level::warning, "unsigned",
      "the file carries no signature, and the digests of the packages stand in it: whoever can write the "
      "place can "
      "ship anything that the system's code signing lets through",
      "publish with tranche: a signed statement lies beside the file, for mirrors and apps that check it");
  add(Level::note, "unchecked-digests",
      "clients up to 0.0.1053 check no digest at all: a corrupted package is taken as it is");
  if (allow_downgrade_)
    add(Level::good, "recoverable", "the app takes lower versions: the previous assets bring devices back");
  else
    add(Level::warning, "unrecoverable",
        "a client that has a bad version does not go back: it takes higher versions only",
        "build the app with AllowVersionDowngrade, or prepare a fallback release under a higher number");
  std::map<std::string, int> fulls;
  for (const Package& one : packages_) {
    if (!is_semver(one.version))
      add(Level::problem, "unreadable-version",
          fmt::format("version '{}' is no semver: clients pass over {}", printable(one.version, 60),
                      printable(one.name)),
          "name versions MAJOR.MINOR.PATCH");
    if (!one.delta && ++fulls[one.version] == 2)
      add(Level::warning, "ambiguous",
          fmt::format("two full packages of version {}: clients take the first", printable(one.version, 60)));
    if (one.sha256.empty())
      add(one.sha1.empty() ? Level::problem : Level::warning, "weak-digest",
          fmt::format("{} has no SHA256{}", printable(one.name),
                      one.sha1.empty() ? " and no SHA1" : ", only SHA1, of which collisions can be made"),
          "pack it again with a current vpk");
    if (one.place().find("..") != std::string::npos || one.place().starts_with("/"))
      add(Level::problem, "outside",
          fmt::format("'{}' leads out of the feed's place", printable(one.place())));
  }
  return out;
}

std::string own_name(const ReadInput& input) {
  std::string channel = input.client.channel.empty() ? default_channel(input.platform) : input.client.channel;
  if (!input.feed_channel.empty())
    channel = channel_of(input.client, Package{.platform = input.platform}, input.feed_channel);
  return file_name(channel);
}

// The system that a file by its usual name is for; whichever processor.
std::string platform_of_file(std::string_view name) {
  if (name.starts_with("releases.linux.") || name.starts_with("releases.linux-")) return "linux/any";
  if (name.starts_with("releases.osx.") || name.starts_with("releases.osx-")) return "darwin/any";
  return "any";
}

std::unexpected<Error> refuse(const std::string& name, std::string_view what) {
  return fail_hint(ErrorKind::verification, "`vpk` writes {\"Assets\":[...]}: publish it again", "{} {}",
                   printable(name), what);
}

Result<std::vector<Package>> parse_assets(const std::string& name, std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  doc::Limits limits;
  limits.max_bytes = max_ecosystem_file;
  limits.max_nodes = max_assets * 16;
  const auto document = doc::parse_json(text, name, limits);
  if (!document) return refuse(name, "is no JSON that a client reads");
  const doc::Value* assets = member(*document, "Assets");
  if (!document->is_object() || assets == nullptr || !assets->is_array())
    return refuse(name, "has no list of Assets");
  if (assets->as_array().size() > max_assets)
    return refuse(name, fmt::format("names more than {} assets", max_assets));
  std::vector<Package> packages;
  for (const doc::Value& item : assets->as_array()) {
    if (!item.is_object()) return refuse(name, "has an asset that is no object");
    Package one;
    one.id = text_of(item, "PackageId");
    one.version = text_of(item, "Version");
    const std::string type = lower(text_of(item, "Type"));
    if (type != "full" && type != "delta") continue;  // installers: no client of the feed takes them
    one.delta = type != "full";
    const std::string file = text_of(item, "FileName");
    one.name = is_web_address(file) ? file : file.substr(file.rfind('/') + 1);
    if (one.name != file) one.path = file;
    one.sha1 = lower(text_of(item, "SHA1"));
    one.sha256 = lower(text_of(item, "SHA256"));
    one.notes_markdown = text_of(item, "NotesMarkdown");
    one.notes_html = text_of(item, "NotesHTML");
    const doc::Value* size = member(item, "Size");
    if (size != nullptr && !size->is_int()) return refuse(name, "has an asset whose Size is no number");
    if (size != nullptr && size->as_int() > 0) one.size = static_cast<std::uint64_t>(size->as_int());
    packages.push_back(std::move(one));
  }
  return packages;
}

Result<std::unique_ptr<View>> read(const ReadInput& input) {
  const std::string name = input.file.empty() ? own_name(input) : input.file;
  auto bytes = TRY(input.fetch(name, max_ecosystem_file));
  if (!bytes) return std::unique_ptr<View>();
  auto packages = TRY(parse_assets(name, *bytes));
  for (Package& one : packages)
    one.platform = platform_of_file(name);  // adopted facts go back into this very file
  return std::unique_ptr<View>(std::make_unique<VelopackView>(
      Named{name, std::move(*bytes)}, std::move(packages), input.client.allow_downgrade));
}

}  // namespace

Ecosystem velopack() { return {"velopack", describe, package_aliases, write, read}; }

}  // namespace tranche::channel
