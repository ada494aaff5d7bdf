// What one machine makes of a suite. Found out with apt 2.6 itself (apt_real_test.cpp):
//  - the candidate is the highest version of the list, whatever its percentage; a machine that the percentage
//    leaves out keeps what it has, also when a version in between would be there for it;
//  - a machine without an id, a package that is not installed yet, and `apt install NAME` take the candidate
//  at
//    any percentage;
//  - a lower version is taken only where a pin above 1000 says so.
#include <algorithm>
#include <set>

#include "base/debian_version.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/apt_read.hpp"
#include "cohort/clients.hpp"

namespace tranche::channel::debian {

namespace {

class AptView final : public View {
 public:
  AptView(ReadSuite suite, const ReadInput& input)
      : suite_(std::move(suite)),
        offer_(find_offer(suite_, input)),
        allow_downgrade_(input.client.allow_downgrade) {
    collect_releases();
    for (const Listed* listed : offer_.versions)
      known_.insert({listed->release, listed->package.control.version});
    // Between what runs and the newest there may be a version of a suite that ends so; apt then asks no dice.
    security_ = suite_.name.ends_with("-security");
  }
  AptView(const AptView&) = delete;
  AptView& operator=(const AptView&) = delete;

  Answer ask(const Asker& asker) const override {
    if (offer_.newest == nullptr) return {{}, "nothing"};
    const auto& newest = offer_.newest->package.control;
    bool lower = false;
    if (!asker.running.empty()) {
      const std::string_view running = debian_version(asker.running);
      const int order = compare_debian_versions(newest.version, running);
      if (order == 0) return {{}, "running"};
      if (order < 0 && !allow_downgrade_) return {{}, "newer"};
      lower = order < 0;
    }
    if (offer_.percent < 100) {
      if (asker.id.empty()) return {offer_.newest->release, "no-id"};
      if (passes_by_security(asker.running)) return {offer_.newest->release, "security"};
      const unsigned draw = cohort::apt_draw(newest.source, newest.source_version, asker.id);
      if (draw > static_cast<unsigned>(offer_.percent)) return {{}, "not-admitted"};
      if (!lower) return {offer_.newest->release, "admitted"};
    }
    return {offer_.newest->release, lower ? "downgrade" : "everyone"};
  }

  std::vector<std::string> explain(const Asker& asker) const override {
    if (offer_.newest == nullptr) return {"the suite lists no package: nothing is offered"};
    const auto& newest = offer_.newest->package.control;
    std::vector<std::string> out;
    out.push_back(fmt::format("the highest version that the suite lists of {} is {} (release {})",
                              newest.name, newest.version, offer_.newest->release));
    const Answer answer = ask(asker);
    if (!asker.running.empty() && debian_version(asker.running) != asker.running)
      out.push_back(fmt::format("release {} is the package's version {}", printable(asker.running),
                                debian_version(asker.running)));
    if (answer.reason == "running") out.emplace_back("the machine runs it already");
    if (answer.reason == "newer")
      out.push_back(
          fmt::format("the machine runs {}, which is higher: without a pin above 1000 it stays there",
                      printable(asker.running)));
    if (offer_.percent == 100 && !answer.offered.empty())
      out.emplace_back("it has no percentage: every machine that updates takes it");
    if (offer_.percent < 100 && answer.reason != "running" && answer.reason != "newer")
      explain_dice(asker, answer, out);
    if (answer.reason == "downgrade")
      out.push_back(
          fmt::format("the machine runs {}, which is higher; machines pin this repository above 1000, so it "
                      "goes back",
                      printable(asker.running)));
    return out;
  }

  const std::vector<Named>& files() const override { return suite_.files; }
  const std::vector<NamedRelease>& releases() const override { return releases_; }
  double share() const override {
    if (offer_.newest == nullptr) return 0;
    return offer_.percent == 100 ? 1 : (offer_.percent + 1) / 101.0;
  }
  std::string offers() const override {
    return offer_.newest == nullptr ? std::string() : offer_.newest->release;
  }
  std::vector<Remark> audit(Instant now) const override {
    return audit_suite(suite_, offer_, allow_downgrade_, now);
  }

  Result<std::string> facts(const std::string& version) const override {
    std::vector<Package> packages;
    std::set<std::string> names;
    for (const Listed& listed : suite_.packages)
      if (listed.release == version && names.insert(listed.filename).second)
        packages.push_back(listed.package);
    if (packages.empty())
      return fail_hint(ErrorKind::invalid, "tranche feed audit lists what it names",
                       "the suite lists no package of release {}", printable(version));
    return to_facts(packages);
  }

 private:
  // A release's name, or a Debian version as it is.
  [[nodiscard]] std::string_view debian_version(std::string_view running) const {
    const auto known = known_.find(running);
    return known == known_.end() ? running : std::string_view(known->second);
  }

  [[nodiscard]] bool passes_by_security(std::string_view running) const {
    if (!security_ || running.empty()) return false;
    const std::string_view from = debian_version(running);
    return std::ranges::any_of(offer_.versions.begin() + 1, offer_.versions.end(), [&](const Listed* listed) {
      return compare_debian_versions(listed->package.control.version, from) > 0;
    });
  }

  void explain_dice(const Asker& asker, const Answer& answer, std::vector<std::string>& out) const {
    const auto& newest = offer_.newest->package.control;
    out.push_back(fmt::format("its Phased-Update-Percentage is {}", offer_.percent));
    if (answer.reason == "no-id") {
      out.emplace_back("the machine has no id: apt takes the version at any percentage");
      return;
    }
    if (answer.reason == "security") {
      out.emplace_back("a version in between comes from a suite called *-security: apt asks no dice");
      return;
    }
    const unsigned draw = cohort::apt_draw(newest.source, newest.source_version, asker.id);
    const bool in = draw <= static_cast<unsigned>(offer_.percent);
    out.push_back(fmt::format("the machine draws {} of 0..100 for {} {}: {}", draw, newest.source,
                              newest.source_version,
                              in ? "not above the percentage, so it upgrades"
                                 : "above the percentage, so apt keeps the package back"));
    if (!in && offer_.versions.size() > 1)
      out.emplace_back("versions in between are not offered to it instead");
    out.emplace_back("`apt install` by name, a first install and SOURCE_DATE_EPOCH pass the percentage by");
  }

  void collect_releases() {
    for (const Listed& listed : suite_.packages) {
      auto found = std::ranges::find(releases_, listed.release, &NamedRelease::version);
      if (found == releases_.end()) found = releases_.insert(found, {listed.release, "any", {}});
      if (std::ranges::find(found->files, listed.filename, &NamedFile::url) != found->files.end()) continue;
      NamedFile file{listed.filename, listed.package.path, listed.package.size, {}};
      if (!listed.package.sha256.empty()) file.digests["sha256"] = listed.package.sha256;
      found->files.push_back(std::move(file));
    }
    std::ranges::stable_sort(releases_, [](const NamedRelease& a, const NamedRelease& b) {
      return compare_versions(a.version, b.version) > 0;
    });
  }

  ReadSuite suite_;
  Offer offer_;  // points into suite_
  bool allow_downgrade_ = false, security_ = false;
  std::vector<NamedRelease> releases_;
  std::map<std::string, std::string, std::less<>> known_;  // release → Debian version
};

}  // namespace

Result<std::unique_ptr<View>> read(const ReadInput& input) {
  auto suite = TRY(read_suite(input));
  if (!suite) return std::unique_ptr<View>();
  return std::unique_ptr<View>(std::make_unique<AptView>(std::move(*suite), input));
}

}  // namespace tranche::channel::debian
