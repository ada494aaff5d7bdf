// What a person should know of an APT suite, with its own numbers.
#include <algorithm>
#include <set>

#include "base/debian_version.hpp"
#include "base/text.hpp"
#include "channel/apt_read.hpp"

namespace tranche::channel::debian {

namespace {

class Auditor {
 public:
  Auditor(const ReadSuite& suite, const Offer& offer, bool allow_downgrade, Instant now)
      : suite_(suite), offer_(offer), allow_downgrade_(allow_downgrade), now_(now) {}

  std::vector<Remark> run() {
    check_signature();
    check_times();
    check_digests();
    if (offer_.newest == nullptr) {
      add(Level::note, "paused", "the suite lists no package: no machine is offered anything");
      return std::move(out_);
    }
    check_percentage();
    check_stray_percentages();
    check_sources();
    check_way_back();
    return std::move(out_);
  }

 private:
  void add(Level level, const char* code, std::string text, std::string hint = {}) {
    out_.push_back({level, code, std::move(text), std::move(hint)});
  }

  void check_signature() {
    if (!suite_.has_release) {
      add(Level::warning, "bare",
          "only a Packages file was read: who signed it, and until when it holds, was not looked at",
          "name dists/SUITE/InRelease");
      return;
    }
    if (suite_.signature == ReadSuite::Signature::none) {
      add(Level::problem, "unsigned",
          "the suite is not signed: machines refuse it, or were told to take whatever stands there "
          "(trusted=yes)",
          "sign it: clients.apt.key");
      return;
    }
    for (const signing::PgpSignature& signature : suite_.signatures) {
      if (signing::is_weak_hash(signature.hash))
        add(Level::problem, "weak-signature",
            fmt::format("the signature of key {} is over {}: apt takes no such signature", signature.key_id,
                        signature.hash),
            "sign with --digest-algo SHA512");
    }
    const signing::PgpSignature& first = suite_.signatures.front();
    if (suite_.checked_by)
      add(Level::good, "signed",
          fmt::format("signed by key {}, and the signature holds", *suite_.checked_by));
    else
      add(Level::note, "signature-unchecked",
          fmt::format(
              "signed by key {} ({}) on {}; whether the signature holds was not checked: the key is not here",
              first.key_id, first.hash, to_text(first.made)),
          "compare the key with the one that your machines have under signed-by");
    if (suite_.signature == ReadSuite::Signature::detached)
      add(Level::warning, "detached",
          "there is no InRelease: machines fetch Release and Release.gpg one after the other, and an update "
          "in "
          "between makes them fail",
          "publish InRelease too");
  }

  void check_times() {
    if (!suite_.has_release) return;
    if (!suite_.date) add(Level::problem, "no-date", "Release has no Date that can be read: apt refuses it");
    if (suite_.date && *suite_.date > now_ + std::chrono::minutes(1))
      add(Level::problem, "not-yet-valid",
          fmt::format("its Date is {}: machines refuse it until then", to_text(*suite_.date)));
    if (!suite_.valid_until) {
      add(Level::warning, "no-expiry",
          fmt::format(
              "there is no Valid-Until: whoever stands between a machine and the repository can show it this "
              "state{} for ever, without the releases that follow",
              suite_.date ? " of " + to_text(*suite_.date) : std::string()),
          "publish with tranche: every tick renews Valid-Until");
    } else if (*suite_.valid_until <= now_) {
      add(Level::problem, "stale",
          fmt::format("it expired at {}: apt-get update fails on every machine",
                      to_text(*suite_.valid_until)),
          "publish it again");
    } else {
      add(Level::good, "expires", fmt::format("it holds until {}", to_text(*suite_.valid_until)));
    }
  }

  void check_digests() {
    if (!suite_.has_release) return;
    if (!suite_.strong_digests)
      add(Level::problem, "weak-digest", "Release names its files by MD5 or SHA1 only: apt refuses that",
          "write SHA256");
    if (!suite_.by_hash)
      add(Level::warning, "no-by-hash",
          "there is no Acquire-By-Hash: a machine that updates while you publish gets a new Release with an "
          "old "
          "Packages, and fails with a hash sum mismatch",
          "publish by-hash files and say Acquire-By-Hash: yes");
    for (const Listed& listed : suite_.packages)
      if (listed.package.sha256.empty()) {
        add(Level::problem, "weak-digest",
            fmt::format("{} {} has no SHA256: apt refuses to download it", listed.package.control.name,
                        listed.package.control.version));
        break;
      }
  }

  void check_percentage() {
    const auto& newest = offer_.newest->package.control;
    if (offer_.percent == 100) {
      add(Level::note, "everyone",
          fmt::format("{} {} has no percentage: every machine that updates takes it", newest.name,
                      newest.version));
      return;
    }
    const double share = (offer_.percent + 1) / 1.01;
    if (offer_.percent == 0)
      add(Level::problem, "pause-leaks",
          fmt::format(
              "Phased-Update-Percentage: 0 stops {} {} for 100 machines in 101 only: those that draw 0 "
              "({:.2f}%) still upgrade",
              newest.name, newest.version, share),
          "take the version out of Packages; tranche does so when it pauses or withdraws");
    else
      add(Level::note, "phased",
          fmt::format("{} {} is at {}%: (P + 1) of 101 draws pass, so {:.2f}% of the machines upgrade",
                      newest.name, newest.version, offer_.percent, share));
    add(Level::note, "bypasses",
        fmt::format("at {}% the version still reaches: first installs, `apt install {}`, machines without a "
                    "machine-id, "
                    "chroots, whatever sets SOURCE_DATE_EPOCH (CI, image builds), and "
                    "APT::Get::Always-Include-Phased-Updates",
                    offer_.percent, newest.name));
    add(Level::note, "reshuffled",
        fmt::format("machines draw anew for each version ({} {}): the first ones of this release are others "
                    "than of the "
                    "last",
                    newest.source, newest.source_version));
    const std::size_t between = offer_.versions.size() - 1;
    add(Level::note, "kept-back",
        fmt::format("machines that draw above {} say that {} is kept back and stay where they are{}",
                    offer_.percent, newest.name,
                    between == 0 ? std::string()
                                 : fmt::format(", even though {} lower version{} {} listed", between,
                                               between == 1 ? "" : "s", between == 1 ? "is" : "are")));
    if (suite_.name.ends_with("-security"))
      add(Level::warning, "security-suite",
          fmt::format(
              "the suite is called {}: machines that are more than one version behind pass the percentage by",
              printable(suite_.name)),
          "give it a name that does not end in -security");
  }

  // Percentages that say nothing: below the newest version.
  void check_stray_percentages() {
    std::size_t stray = 0;
    for (const Listed* listed : offer_.versions)
      if (listed != offer_.newest && listed->phased) ++stray;
    if (stray > 0)
      add(Level::note, "stray-percentage",
          fmt::format("{} lower version{} of {} {} a percentage: apt looks at the newest one only", stray,
                      stray == 1 ? "" : "s", offer_.newest->package.control.name,
                      stray == 1 ? "has" : "have"));
  }

  void check_sources() {
    std::set<std::string> sources;
    for (const Listed& listed : suite_.packages)
      if (listed.phased && listed.release == offer_.newest->release)
        sources.insert(listed.package.control.source + " " + listed.package.control.source_version);
    if (sources.size() > 1)
      add(Level::warning, "draws-apart",
          fmt::format("release {} has packages of {} sources: a machine draws for each, so it may upgrade "
                      "some and keep "
                      "the others back",
                      offer_.newest->release, sources.size()),
          "build them from one source, or give them the same Source field");
  }

  void check_way_back() {
    if (allow_downgrade_)
      add(Level::good, "recoverable",
          "machines pin this repository above 1000: when the version is withdrawn they go back to the one "
          "before");
    else
      add(Level::warning, "unrecoverable",
          fmt::format("a machine that has {} keeps it when it is withdrawn: apt goes back only where a pin "
                      "above 1000 says "
                      "so",
                      offer_.newest->package.control.version),
          "prepare a fallback release under a higher version, or let machines pin the repository "
          "(Pin-Priority: 1001) "
          "and say allow-downgrade");
    if (offer_.versions.size() == 1)
      add(Level::note, "no-previous",
          "no lower version is listed: `apt install NAME=VERSION` and pins have nothing to go back to",
          "keep the versions before in Packages");
  }

  const ReadSuite& suite_;
  const Offer& offer_;
  bool allow_downgrade_;
  Instant now_;
  std::vector<Remark> out_;
};

}  // namespace

std::vector<Remark> audit_suite(const ReadSuite& suite, const Offer& offer, bool allow_downgrade,
                                Instant now) {
  return Auditor(suite, offer, allow_downgrade, now).run();
}

}  // namespace tranche::channel::debian
