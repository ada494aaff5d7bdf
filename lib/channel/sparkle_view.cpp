#include "channel/sparkle_view.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/encoding.hpp"
#include "base/sparkle_version.hpp"
#include "base/text.hpp"
#include "channel/appcast_rules.hpp"
#include "channel/nupkg.hpp"
#include "channel/sparkle_facts.hpp"
#include "cohort/clients.hpp"

namespace tranche::channel {

namespace {

constexpr unsigned groups = 7;

std::string name_in_store(std::string_view base_url, const std::string& url) {
  if (is_web_address(url)) return name_below(base_url, url);
  std::string out = url.substr(0, url.find_first_of("?#"));
  while (out.starts_with("./")) out.erase(0, 2);
  if (out.starts_with('/') || out.find("..") != std::string::npos) return {};
  return percent_decode(out).value_or(std::string());
}

std::string file_name_of(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  return percent_decode(path.substr(path.rfind('/') + 1)).value_or(std::string());
}

SparkleFile file_of(std::string_view base_url, const Enclosure& enclosure) {
  SparkleFile out;
  out.enclosure = enclosure;
  out.enclosure.phased_attribute = false;
  out.name = file_name_of(enclosure.url);
  out.path = name_in_store(base_url, enclosure.url);
  if (!out.path.empty()) out.enclosure.url.clear();
  return out;
}

class AppcastView final : public View {
 public:
  AppcastView(Named file, Appcast appcast, std::string feed_channel, std::string base_url, Instant now)
      : files_{std::move(file)}, appcast_(std::move(appcast)), base_url_(std::move(base_url)), now_(now) {
    static std::atomic<std::uint64_t> views{0};
    serial_ = ++views;
    if (!feed_channel.empty()) channels_.insert(std::move(feed_channel));
    for (const AppcastItem& item : appcast_.items) add_release(item);
    std::stable_sort(releases_.begin(), releases_.end(), [](const NamedRelease& a, const NamedRelease& b) {
      return compare_sparkle_versions(a.version, b.version) > 0;
    });
  }
  AppcastView(const AppcastView&) = delete;
  AppcastView& operator=(const AppcastView&) = delete;

  // Hosts differ by what runs and by group: the eight answers of a version are kept, for the versions that a
  // fleet runs at the same time.
  Answer ask(const Asker& asker) const override {
    struct Kept {
      std::uint64_t serial = 0;
      std::vector<std::pair<std::string, std::array<Answer, groups + 1>>> versions;
    };
    constexpr std::size_t most = 64;
    thread_local Kept kept;
    if (kept.serial != serial_ || kept.versions.size() > most) {
      kept.versions.clear();
      kept.serial = serial_;
    }
    auto found = std::find_if(kept.versions.begin(), kept.versions.end(),
                              [&](const auto& one) { return one.first == asker.running; });
    if (found == kept.versions.end()) {
      found = kept.versions.insert(found, {std::string(asker.running), {}});
      for (unsigned group = 0; group <= groups; ++group)
        found->second[group] = answer(host_of(asker.running, group), group == groups);
    }
    const auto identifier = parse_u64(asker.id);
    return found->second[identifier ? cohort::sparkle_group(*identifier) : groups];
  }

  std::vector<std::string> explain(const Asker& asker) const override;
  const std::vector<Named>& files() const override { return files_; }
  const std::vector<NamedRelease>& releases() const override { return releases_; }
  double share() const override {
    const std::string top = offers();
    if (top.empty()) return 0;
    unsigned in = 0;
    for (unsigned group = 0; group < groups; ++group)
      if (answer(host_of({}, group)).offered == top) ++in;
    return in / static_cast<double>(groups);
  }
  std::string offers() const override {
    std::string_view top;
    for (unsigned group = 0; group < groups; ++group) {
      const std::string_view offered = answer(host_of({}, group)).offered;
      if (!offered.empty() && (top.empty() || compare_sparkle_versions(offered, top) > 0)) top = offered;
    }
    return std::string(top);
  }
  std::vector<Remark> audit(Instant now) const override;
  Result<std::string> facts(const std::string& version) const override;

 private:
  // `group` 7: a host whose identifier is not known. It is taken for one of the last group.
  SparkleHost host_of(std::string_view running, unsigned group) const {
    SparkleHost host;
    if (!running.empty()) host.version = std::string(running);
    host.group = std::min(group, groups - 1);
    host.channels = channels_;
    return host;
  }
  Answer answer(const SparkleHost& host, bool unknown = false) const {
    const SparkleChoice choice = choose_update(appcast_, host, now_);
    const std::string_view waits = unknown ? "no-id" : "waits";
    if (choice.item == nullptr) {
      if (choice.waiting != nullptr) return {{}, waits};
      if (choice.standing == nullptr) return {{}, "nothing"};
      return {{},
              compare_sparkle_versions(choice.standing->version, *host.version) == 0 ? "running" : "newer"};
    }
    if (choice.informational) return {{}, "informational"};
    const std::string_view version = choice.item->version;
    if (choice.waiting != nullptr) return {version, waits};
    if (choice.critical) return {version, "critical"};
    if (choice.major) return {version, "major"};
    return {version, choice.item->phased_interval ? "admitted" : "everyone"};
  }
  void add_release(const AppcastItem& item);

  std::vector<Named> files_;
  Appcast appcast_;
  std::string base_url_;
  std::set<std::string> channels_;
  Instant now_{};
  std::uint64_t serial_ = 0;
  std::vector<NamedRelease> releases_;
};

void AppcastView::add_release(const AppcastItem& item) {
  if (!item.enclosure || item.enclosure->url.empty() || !item.enclosure->delta_from.empty()) return;
  if (!item.enclosure->os.empty() && item.enclosure->os != "macos") return;
  auto found = std::find_if(releases_.begin(), releases_.end(),
                            [&](const NamedRelease& one) { return one.version == item.version; });
  if (found != releases_.end()) return;  // of equals, clients take the first
  NamedRelease release{item.version, "darwin/any", {}};
  const auto add = [&](const Enclosure& enclosure) {
    release.files.push_back({enclosure.url, name_in_store(base_url_, enclosure.url), enclosure.length, {}});
  };
  add(*item.enclosure);
  for (const Enclosure& delta : item.deltas) add(delta);
  releases_.push_back(std::move(release));
}

std::vector<std::string> AppcastView::explain(const Asker& asker) const {
  std::vector<std::string> out;
  const auto identifier = parse_u64(asker.id);
  const unsigned group = identifier ? cohort::sparkle_group(*identifier) : groups;
  const SparkleHost host = host_of(asker.running, group);
  if (identifier)
    out.push_back(
        fmt::format("SUUpdateGroupIdentifier {} is in group {} of 0 to 6 (the rest of dividing by 7)",
                    *identifier, group));
  else
    out.push_back(fmt::format("'{}' is no SUUpdateGroupIdentifier (a decimal number): phased items wait",
                              printable(asker.id, 60)));
  const SparkleChoice choice = choose_update(appcast_, host, now_);
  for (const AppcastItem* item : {choice.waiting, choice.item}) {
    if (item == nullptr) continue;
    const std::string shown = printable(item->version, 60);
    if (choice.critical && item == choice.item)
      out.push_back(fmt::format("{} is critical for it: no group waits", shown));
    else if (!item->phased_interval)
      out.push_back(fmt::format("{} has no phased interval: it is for everybody", shown));
    else if (!item->released)
      out.push_back(
          fmt::format("{} has no pubDate that a client can read, so its interval says nothing", shown));
    else
      out.push_back(fmt::format("{} lets groups 0 to {} in by now: one more every {} s after {}", shown,
                                static_cast<int>(groups_ready(*item, now_)) - 1, *item->phased_interval,
                                tranche::to_text(*item->released)));
  }
  if (choice.item == nullptr)
    out.push_back(choice.waiting != nullptr ? "nothing else is newer than what it runs: it waits"
                  : choice.standing != nullptr
                      ? "it runs nothing older than what it may see: nothing is offered"
                      : "the feed has no item for it");
  else if (choice.informational)
    out.push_back(fmt::format("{} is informational for it: a link is shown, nothing is installed",
                              printable(choice.item->version, 60)));
  else
    out.push_back(fmt::format("{} is offered{}", printable(choice.item->version, 60),
                              choice.major ? ", as a major upgrade that the person is asked about" : ""));
  out.emplace_back("a person who presses \"Check for updates\" gets the highest item whatever the group");
  return out;
}

Result<std::string> AppcastView::facts(const std::string& version) const {
  for (const AppcastItem& item : appcast_.items) {
    if (item.version != version || !item.enclosure || item.enclosure->url.empty() ||
        !item.enclosure->delta_from.empty())
      continue;
    SparkleFacts out;
    out.item = item;
    out.item.pub_date.reset();
    out.item.channel.clear();
    out.item.channel_ignored.clear();
    out.item.enclosure.reset();
    out.item.deltas.clear();
    out.item.line = 0;
    if (item.phased_interval) out.item.released.reset();  // such a date says who waits, not when it came out
    out.item.phased_interval.reset();
    out.archive = file_of(base_url_, *item.enclosure);
    for (const Enclosure& delta : item.deltas) out.deltas.push_back(file_of(base_url_, delta));
    return tranche::channel::to_text(out);
  }
  return fail_hint(ErrorKind::invalid, "`tranche feed audit` lists what it names",
                   "{} has no item of version {} with an archive", files_.front().name, printable(version));
}

void audit_item(const AppcastItem& item, Instant now, std::vector<Remark>& out) {
  const std::string name = printable(item.version, 60);
  const auto add = [&](Level level, const char* code, std::string text, std::string hint = {}) {
    out.push_back({level, code, std::move(text), std::move(hint)});
  };
  if (!item.channel_ignored.empty())
    add(Level::problem, "bad-channel",
        fmt::format("{} is on channel '{}', a name that clients pass over: everybody sees the item", name,
                    printable(item.channel_ignored, 40)),
        "channel names are letters, digits, '.', '_' and '-'");
  if (item.phased_interval && !item.pub_date)
    add(Level::problem, "no-date",
        fmt::format("{} has a phased interval and no pubDate: everybody gets it at once", name),
        "write a pubDate");
  if (item.phased_interval && item.pub_date && !item.released)
    add(Level::problem, "unreadable-date",
        fmt::format("no client can read the pubDate '{}' of {}: everybody gets it at once",
                    printable(*item.pub_date, 60), name),
        "write it like 'Sat, 26 Jul 2014 15:20:11 +0000'");
  if (item.phased_interval && item.released) {
    const unsigned ready = groups_ready(item, now);
    add(Level::note, "phased",
        fmt::format("{} lets {} of 7 groups in ({:.1f}%), one more every {} s; 0.5% or 10% cannot be said",
                    name, ready, ready * 100 / 7.0, *item.phased_interval));
    if (item.critical)
      add(Level::warning, "critical-bypass",
          fmt::format("{} is critical for {}: those hosts wait for no group", name,
                      item.critical->empty() ? "everybody" : "hosts below " + printable(*item.critical, 40)));
    if (ready == 0)
      add(Level::note, "future",
          fmt::format("{} is dated in the future: no host takes it by itself, a manual check does", name));
  }
  if (!item.enclosure || item.enclosure->url.empty()) return;
  const Enclosure& archive = *item.enclosure;
  if (archive.phased_attribute)
    add(Level::problem, "interval-attribute",
        fmt::format("{} has phasedRolloutInterval as an attribute, which no client reads: everybody gets it",
                    name),
        "make it an element of the item");
  if (archive.ed_signature.empty())
    add(archive.dsa_signature.empty() ? Level::problem : Level::warning, "unsigned-archive",
        fmt::format("the archive of {} has no EdDSA signature{}", name,
                    archive.dsa_signature.empty() ? "" : ", only a DSA one, which Sparkle 2 does not trust"),
        "sign it with Sparkle's sign_update, or let tranche sign it at `release create`");
  else if (from_base64(archive.ed_signature).value_or("").size() != 64)
    add(Level::problem, "bad-signature",
        fmt::format("the EdDSA signature of {} is not 64 bytes in base64", name));
  if (archive.url.starts_with("http://"))
    add(Level::warning, "plain-http", fmt::format("{} is fetched without TLS", name));
  if (archive.length == 0)
    add(Level::note, "no-length", fmt::format("{} names no length of its archive", name));
  if (item.version.find('-') != std::string::npos)
    add(Level::warning, "dash",
        fmt::format("clients do not compare what follows the dash in {}: it equals {}", name,
                    printable(item.version.substr(0, item.version.find('-')), 60)));
}

std::vector<Remark> AppcastView::audit(Instant now) const {
  std::vector<Remark> out;
  if (appcast_.signed_block)
    out.push_back(
        {Level::good, "signed-feed",
         "the feed ends in Sparkle 2.9's signature (not verified here: the app's public key is not known)",
         "any edit must sign it again"});
  else
    out.push_back(
        {Level::warning, "unsigned",
         "the feed itself carries no signature: whoever can write it decides who gets which signed archive; "
         "apps with SURequireSignedFeed (2.9) refuse it",
         "publish with tranche: a signed statement lies beside the file"});
  out.push_back({Level::warning, "unrecoverable", "hosts never go back to a lower version",
                 "prepare a fallback release: the old code under a higher version"});
  out.push_back({Level::note,
                 "same-devices-first",
                 "a host draws its group once, so the same ones are first at every release",
                 {}});
  out.push_back({Level::note, "manual-checks", "a person who checks for updates waits for no group", {}});
  if (appcast_.items.empty())
    out.push_back({Level::note, "paused", "the feed has no item: nothing is offered", {}});
  for (const AppcastItem& item : appcast_.items) audit_item(item, now, out);
  return out;
}

}  // namespace

std::string appcast_name(const spec::Client& client) {
  return (client.channel.empty() ? "appcast" : client.channel) + ".xml";
}

Result<std::unique_ptr<View>> read_appcast(const ReadInput& input) {
  const std::string name = input.file.empty() ? appcast_name(input.client) : input.file;
  auto bytes = TRY(input.fetch(name, max_ecosystem_file));
  if (!bytes) return std::unique_ptr<View>();
  Appcast appcast = TRY(parse_appcast(*bytes, name));
  return std::unique_ptr<View>(std::make_unique<AppcastView>(
      Named{name, std::move(*bytes)}, std::move(appcast), input.feed_channel, input.base_url, input.now));
}

}  // namespace tranche::channel
