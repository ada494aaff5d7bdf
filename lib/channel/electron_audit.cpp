// What a latest.yml does that its author may not have meant, with its own numbers.
//
// Sources: electron-userland/electron-builder, packages/electron-updater/src/AppUpdater.ts, MacUpdater.ts,
// providers/Provider.ts and packages/builder-util-runtime/src/httpExecutor.ts, release 6.8.10.
#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/electron_view.hpp"

namespace tranche::channel {

namespace {

constexpr auto forgotten_after = std::chrono::days(30);  // a share that nobody moved for a month
constexpr auto old_after = std::chrono::days(365);

std::string percent_text(double share) {
  std::string text = fmt::format("{:.2f}", share * 100);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text + "%";
}

class Auditor {
 public:
  Auditor(const ElectronView& view, Instant now) : view_(view), now_(now) {}

  std::vector<Remark> audit() {
    for (const ElectronDocument& document : view_.documents()) {
      share(document);
      files(document);
      system(document);
      date(document);
      signature(document);
    }
    together();
    return std::move(remarks_);
  }

 private:
  void say(Level level, std::string code, std::string text, std::string hint = {}) {
    remarks_.push_back({level, std::move(code), std::move(text), std::move(hint)});
  }

  void share(const ElectronDocument& document) {
    const std::string& version = document.info.version;
    const auto& staging = document.info.staging_text;
    if (!staging) {
      say(Level::good, "everyone",
          fmt::format("{} offers {} to everyone who reads it", shown(document), version));
      return;
    }
    const std::string written =
        fmt::format("{}: stagingPercentage: {}", shown(document), printable(*staging, 40));
    const auto read = cohort::parse_int(*staging);
    if (!read) {
      say(Level::problem, "not-a-number",
          fmt::format("{} is no number to electron-updater, which then lets everybody in", written),
          "write a whole number from 0 to 99, or remove the field");
      return;
    }
    const std::string as_read = fmt::format("{:.0f}", *read);
    if (*staging != as_read)
      say(Level::problem, "truncated-share",
          fmt::format("{} is read as {}: it reaches {} of the devices", written, as_read,
                      percent_text(document.dice.share())),
          "electron-updater knows whole percents only; 1 is the least that reaches anybody");
    else
      say(Level::good, "share",
          fmt::format("{} reaches {} of the devices with {}", written, percent_text(document.dice.share()),
                      version));
    if (*read == 100)
      say(Level::warning, "never-everyone",
          fmt::format("{} leaves out the ids that end in ffffffff, for good", written),
          "finish by removing the field");
    if (*read > 100 || *read < 0)
      say(Level::warning, "out-of-range",
          fmt::format("{} is outside 0 to 100: it reaches {}", written, *read < 0 ? "nobody" : "everybody"),
          "write a whole number from 0 to 99, or remove the field");
    if (*read == 0 && *staging == as_read)
      say(Level::note, "paused", fmt::format("{} reaches nobody: the rollout is paused", written));
  }

  void file(const ElectronDocument& document, const artifact::UpdateFile& file) {
    const std::string name = printable(file.url);
    if (file.sha512.empty() && file.sha2.empty())
      say(Level::problem, "missing-sha512",
          fmt::format("{} names {} without a digest: clients stop with ERR_UPDATER_NO_CHECKSUM",
                      shown(document), name),
          "add the base64 SHA-512 of the file");
    else if (file.sha512.empty())
      say(Level::warning, "missing-sha512",
          fmt::format("{} names {} with a SHA-256 only, which old clients wrote", shown(document), name),
          "add the base64 SHA-512 of the file");
    else if (!artifact::sha512_hex(file.sha512))
      say(Level::problem, "bad-sha512",
          fmt::format(
              "the sha512 of {} in {} is neither 64 bytes in base64 nor 128 lower-case hex digits: every "
              "download ends in ERR_CHECKSUM_MISMATCH",
              name, shown(document)),
          "write it as `openssl dgst -sha512 -binary FILE | base64 -w0` prints it");
    if (file.url.starts_with("http://"))
      say(Level::warning, "plain-http", fmt::format("{} sends clients to {}", shown(document), name),
          "use https");
    if (place_below(document.name, file.url, view_.base_url()).empty())
      say(Level::note, "elsewhere",
          fmt::format("{} sends clients to {}, outside of this place: what lies there was not looked at",
                      shown(document), name));
  }

  void files(const ElectronDocument& document) {
    for (const artifact::UpdateFile& one : document.info.files) file(document, one);
    for (const artifact::UpdatePackage& one : document.info.packages) file(document, one.file);
    if (document.info.files.empty() && document.dice.share() > 0)
      say(Level::problem, "no-files",
          fmt::format("{} offers {} and names no file: clients stop with ERR_UPDATER_NO_FILES_PROVIDED",
                      shown(document), document.info.version),
          "list the files that electron-builder made");
    const std::string_view wanted = document.suffix == "-mac" ? ".zip"
                                    : document.suffix.empty() ? ".exe"
                                                              : "";
    const bool there = std::ranges::any_of(document.info.files, [&](const artifact::UpdateFile& one) {
      return lower(artifact::update_file_name(one.url)).ends_with(wanted);
    });
    if (!there && !document.info.files.empty())
      say(Level::problem, "no-installer",
          fmt::format("{} names no {} file, the one that its clients install", shown(document), wanted),
          document.suffix == "-mac" ? "build the zip target beside the dmg" : "build the nsis target");
    if (!document.without_blockmap.empty())
      say(Level::note, "no-blockmap",
          fmt::format("{}.blockmap is not there: every client fetches the whole file",
                      printable(document.without_blockmap.front())),
          "publish the .blockmap files that electron-builder wrote beside the installers");
    if (document.suffix.starts_with("-linux"))
      for (const artifact::UpdateFile& one : document.info.files)
        if (lower(one.url).ends_with(".appimage") && !one.block_map_size)
          say(Level::note, "no-blockmap",
              fmt::format("{} has no blockMapSize: every client fetches the whole file", printable(one.url)),
              "take it from the latest-linux.yml that electron-builder wrote");
  }

  void system(const ElectronDocument& document) {
    const std::string& minimum = document.info.minimum_system_version;
    if (minimum.empty()) return;
    if (!artifact::strict_semver(minimum))
      say(Level::problem, "ignored-minimum",
          fmt::format(
              "{}: minimumSystemVersion: {} has no three numbers: clients cannot compare it and let every "
              "system in",
              shown(document), printable(minimum, 40)),
          "write three numbers, of the kernel: macOS 12 is 21.0.0, Windows 10 is 10.0.0");
    else
      say(Level::note, "minimum-system-version",
          fmt::format(
              "{}: minimumSystemVersion: {} is compared with the kernel's version (os.release()); the "
              "shares here do not know it",
              shown(document), printable(minimum, 40)));
  }

  void date(const ElectronDocument& document) {
    const auto when = parse_instant(document.info.release_date);
    if (!when) {
      say(Level::note, "no-release-date",
          fmt::format("{} has no releaseDate that can be read: its age is not known", shown(document)));
      return;
    }
    const auto age = std::chrono::duration_cast<std::chrono::days>(now_ - *when);
    const double share = document.dice.share();
    if (age > forgotten_after && !document.dice.everyone())
      say(Level::warning, "stale",
          fmt::format("{} is {} days old and still reaches {} only: was the rollout forgotten?",
                      shown(document), age.count(), percent_text(share)),
          "widen it, or take it back");
    else if (age > old_after)
      say(Level::note, "stale", fmt::format("{} is {} days old", shown(document), age.count()));
    else if (age < std::chrono::days(-1))
      say(Level::warning, "stale",
          fmt::format("{} is dated {}, in the future", shown(document),
                      printable(document.info.release_date, 40)));
  }

  void signature(const ElectronDocument& document) {
    if (document.has_statement)
      say(Level::good, "statement",
          fmt::format("{} has a signed statement beside it; electron-updater does not look at it",
                      shown(document)));
    else
      say(Level::warning, "unsigned",
          fmt::format("{} is not signed: whoever can write it can name any file and its digest",
                      shown(document)),
          "sign the installers (Authenticode, Developer ID) and publish with tranche, which signs a "
          "statement "
          "beside the feed");
  }

  void together() {
    const ElectronDocument& first = view_.first();
    for (const ElectronDocument& document : view_.documents()) {
      if (document.info.version == first.info.version && document.dice.share() == first.dice.share())
        continue;
      say(Level::note, "differs",
          fmt::format("{} offers {} to {}, {} offers {} to {}", shown(first), first.info.version,
                      percent_text(first.dice.share()), shown(document), document.info.version,
                      percent_text(document.dice.share())));
    }
    say(Level::note, "same-devices",
        "the same devices are first at every release: the draw is of the device's id alone",
        "`tranche serve` decides with other devices each time: clients send x-user-staging-id");
    if (view_.allow_downgrade())
      say(Level::good, "recoverable",
          fmt::format(
              "devices that took {} come back when the feed names a lower version (allowDowngrade); a "
              "stagingPercentage holds that back too",
              first.info.version));
    else
      say(Level::warning, "unrecoverable",
          fmt::format("devices that took {} cannot be brought back by this feed: a lower version is refused",
                      first.info.version),
          "prepare a fallback with a higher version, or build the app with allowDowngrade and say so under "
          "clients:");
  }

  static std::string shown(const ElectronDocument& document) { return printable(document.name); }

  const ElectronView& view_;
  Instant now_;
  std::vector<Remark> remarks_;
};

}  // namespace

std::vector<Remark> audit_electron(const ElectronView& view, Instant now) {
  return Auditor(view, now).audit();
}

}  // namespace tranche::channel
