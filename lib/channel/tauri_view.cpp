// A published Tauri feed as its client understands it. The decision is one comparison, so all that is worth
// saying is in what the file cannot say: no share, no identity, nothing signed but the file behind the link.
#include "channel/tauri_view.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/tauri.hpp"
#include "signing/minisign.hpp"

namespace tranche::channel {

namespace {

// "darwin-aarch64-app" → "darwin/arm64"; "any" when the key is of the app's own making.
std::string platform_of(std::string_view target) {
  const auto parts = split(target, '-');
  if (parts.size() < 2 || (parts[0] != "linux" && parts[0] != "darwin" && parts[0] != "windows"))
    return "any";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> known{
      {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i686", "386"}, {"armv7", "arm"}, {"riscv64", "riscv64"}}};
  for (const auto& [theirs, ours] : known)
    if (parts[1] == theirs) return fmt::format("{}/{}", parts[0], ours);
  return "any";
}

struct Facts {
  TauriRelease release;
  std::vector<Named> files;
  std::vector<NamedRelease> releases;
  std::map<std::string, std::string> names;  // address → name below the place
  std::string platform;                      // that was asked for; or empty
  bool has_platform = true;
  bool allow_downgrade = false;
};

class TauriView final : public View {
 public:
  explicit TauriView(Facts facts) : facts_(std::move(facts)) {}

  [[nodiscard]] Answer ask(const Asker& asker) const override {
    if (!facts_.has_platform) return {{}, "no-target"};
    if (facts_.release.entries.empty()) return {{}, "nothing"};
    if (asker.running.empty()) return {facts_.release.version, "everyone"};
    const int order = compare_tauri_versions(facts_.release.version, tauri_version(asker.running));
    if (order == 0) return {{}, "running"};
    if (order > 0) return {facts_.release.version, "everyone"};
    if (facts_.allow_downgrade) return {facts_.release.version, "downgrade"};
    return {{}, "newer"};
  }

  [[nodiscard]] std::vector<std::string> explain(const Asker& asker) const override {
    const std::string running = printable(asker.running, 64);
    const std::string& offered = facts_.release.version;
    std::vector<std::string> out{fmt::format(
        "{} names {} for everybody who reads it; Tauri's updater knows no percentage and sends no "
        "device id",
        facts_.files.front().name, offered)};
    const Answer answer = ask(asker);
    if (answer.reason == "no-target")
      out.push_back(fmt::format("there is no entry for {}: the client reports an error and installs nothing",
                                printable(facts_.platform, 64)));
    else if (answer.reason == "nothing")
      out.push_back("it has no platform at all: the client reports an error and installs nothing");
    else if (answer.reason == "running")
      out.push_back(fmt::format("the device runs {} already", running));
    else if (answer.reason == "newer")
      out.push_back(
          fmt::format("the device runs {}, which is higher: the updater goes up only, unless the app "
                      "was built with a version comparator of its own",
                      running));
    else if (answer.reason == "downgrade")
      out.push_back(
          fmt::format("the device runs {}, which is higher; the app's own version comparator "
                      "(allow-downgrade) takes {}",
                      running, offered));
    else
      out.push_back(running.empty()
                        ? fmt::format("{} is installed", offered)
                        : fmt::format("{} is higher than {}, so it is installed", offered, running));
    return out;
  }

  [[nodiscard]] const std::vector<Named>& files() const override { return facts_.files; }
  [[nodiscard]] const std::vector<NamedRelease>& releases() const override { return facts_.releases; }
  [[nodiscard]] double share() const override {
    return facts_.has_platform && !facts_.release.entries.empty() ? 1 : 0;
  }
  [[nodiscard]] std::string offers() const override { return share() > 0 ? facts_.release.version : ""; }
  [[nodiscard]] std::vector<Remark> audit(Instant now) const override;
  [[nodiscard]] Result<std::string> facts(const std::string& version) const override;

 private:
  Facts facts_;
};

// What is wrong with one signature, as the client will find when it has downloaded the file.
std::optional<Remark> audit_signature(const TauriEntry& entry, std::string_view version) {
  const std::string where = entry.target.empty() ? "the answer" : printable(entry.target, 64);
  const auto text = from_base64(entry.signature);
  const auto signature =
      text ? signing::parse_minisign_signature(*text)
           : Result<signing::MinisignSignature>(fail(ErrorKind::verification, "it is no base64"));
  if (!signature)
    return Remark{Level::problem, "bad-signature",
                  fmt::format("{}: the signature cannot be read: {}", where, signature.error().message),
                  "every device of that platform downloads the file and refuses it: sign it again"};
  const auto signed_for = signing::comment_field(signature->trusted_comment, "version");
  if (signed_for && tauri_version(*signed_for) != version)
    return Remark{Level::problem, "wrong-version",
                  fmt::format("{}: the file was signed for version '{}', and the feed says {}", where,
                              printable(*signed_for, 64), version),
                  "newer clients refuse it (SignedVersionMismatch): sign it for this version"};
  if (!signed_for)
    return Remark{Level::warning, "replay",
                  fmt::format("{}: the signature names no version, so whoever writes the feed can announce "
                              "this file, or an older one, as any version",
                              where),
                  "sign with a version (`tranche release create` does), and build the app with "
                  "requireSignedVersion"};
  if (!signature->prehashed)
    return Remark{Level::note, "legacy-signature",
                  fmt::format("{}: a signature over the file itself; the client accepts it", where),
                  "sign it again: the usual kind is over the file's BLAKE2b"};
  return std::nullopt;
}

std::vector<Remark> TauriView::audit(Instant now) const {
  const TauriRelease& release = facts_.release;
  const std::string& version = release.version;
  std::vector<Remark> out;
  out.push_back({Level::note, "no-percentage",
                 fmt::format("at 0.5%, 10% and 100% alike this file reaches {}: the client has no percentage "
                             "and sends no device id",
                             share() > 0 ? "100% of those who read it" : "nobody"),
                 "shares need `tranche serve` (on-unsupported: serve), or a feed-channel for a cohort"});
  out.push_back({Level::warning, "unsigned",
                 "only the downloaded file is signed: version, address and notes are whatever the host says",
                 "tranche puts a signed statement beside it; the client does not read that one"});
  if (release.entries.empty())
    out.push_back({Level::warning, "nothing", "the file has no platform: every client reports an error",
                   "publish a release, or remove the file"});
  if (!facts_.has_platform)
    out.push_back({Level::warning, "no-target",
                   fmt::format("there is no entry for {}: its clients report an error at every check",
                               printable(facts_.platform, 64)),
                   "ship an artifact for it"});
  for (const TauriEntry& entry : release.entries) {
    if (auto remark = audit_signature(entry, version)) out.push_back(std::move(*remark));
    if (lower(entry.url).starts_with("http:"))
      out.push_back({Level::warning, "http",
                     fmt::format("{} is fetched over http", printable(entry.url, 100)),
                     "serve it over https: the signature holds, but everybody sees who updates to what"});
  }
  if (release.entries.size() > 1)
    out.push_back({Level::note, "all-or-nothing",
                   fmt::format("one flaw in any of {} entries, or in pub_date, and clients of every platform "
                               "refuse the whole file",
                               release.entries.size()),
                   "let one tool write it"});
  if (release.pub_date.empty()) {
    out.push_back({Level::note, "no-date", "it does not say when it was published", "add pub_date"});
  } else if (const auto date = parse_instant(release.pub_date); date && *date > now) {
    out.push_back({Level::note, "future-date",
                   fmt::format("pub_date {} is still to come; the client does not mind", release.pub_date),
                   ""});
  }
  out.push_back(
      {facts_.allow_downgrade ? Level::note : Level::warning, "unrecoverable",
       facts_.allow_downgrade
           ? fmt::format("devices that have {} take a lower version, by the app's own comparator", version)
           : fmt::format("devices that have {} never go back: the updater goes up only", version),
       facts_.allow_downgrade ? "" : "prepare a fallback: `tranche release create --fallback-for`"});
  return out;
}

Result<std::string> TauriView::facts(const std::string& version) const {
  const TauriRelease& release = facts_.release;
  if (version != release.version)
    return fail_hint(ErrorKind::invalid, "the file names one version only", "{} names {}, not {}",
                     facts_.files.front().name, release.version, printable(version, 64));
  if (release.dynamic)
    return fail_hint(ErrorKind::invalid, "adopt the static file, which has all platforms",
                     "this is an answer for one platform");
  TauriFacts out;
  out.version = version;
  out.notes = release.notes;
  out.pub_date = release.pub_date;
  std::map<std::pair<std::string, std::string>, std::size_t> seen;  // the same file under several keys
  for (const TauriEntry& entry : release.entries) {
    const auto [at, fresh] = seen.emplace(std::pair(entry.url, entry.signature), out.files.size());
    if (fresh) {
      TauriFile file;
      const auto name = facts_.names.find(entry.url);
      if (name == facts_.names.end()) {
        file.url = entry.url;
      } else {
        file.path = name->second;
        file.name = name->second.substr(name->second.rfind('/') + 1);
      }
      file.signature = entry.signature;
      out.files.push_back(std::move(file));
    }
    out.files[at->second].targets.push_back(entry.target);
  }
  return to_json(out);
}

}  // namespace

Result<std::unique_ptr<View>> read_tauri(const ReadInput& input) {
  const std::string name =
      input.file.empty() ? tauri_file_name(input.client, input.feed_channel) : input.file;
  const auto bytes = TRY(input.fetch(name, max_tauri_file));
  if (!bytes) return std::unique_ptr<View>();
  Facts facts;
  facts.release = TRY_WHILE("reading " + printable(name), parse_tauri_release(*bytes));
  facts.files.push_back({name, *bytes});
  facts.platform = input.platform;
  facts.allow_downgrade = input.client.allow_downgrade;
  facts.has_platform = input.platform.empty() || facts.release.dynamic || facts.release.entries.empty() ||
                       std::ranges::any_of(facts.release.entries, [&](const TauriEntry& entry) {
                         return platform_of(entry.target) == input.platform;
                       });
  std::map<std::string, NamedRelease> by_platform;
  for (const TauriEntry& entry : facts.release.entries) {
    const std::string below = name_below(input.base_url, entry.url);
    if (!below.empty()) facts.names[entry.url] = below;
    NamedRelease& release = by_platform[platform_of(entry.target)];
    release.version = facts.release.version;
    release.platform = platform_of(entry.target);
    const bool known =
        std::ranges::any_of(release.files, [&](const NamedFile& file) { return file.url == entry.url; });
    if (!known) release.files.push_back({entry.url, below, 0, {}});
  }
  for (auto& [platform, release] : by_platform) facts.releases.push_back(std::move(release));
  return std::unique_ptr<View>(std::make_unique<TauriView>(std::move(facts)));
}

}  // namespace tranche::channel
