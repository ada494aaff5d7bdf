// Sparkle: one appcast, all tracks in it.
//
// Sparkle knows no percentage. A host drew one of seven groups, and group g is let in g intervals after the
// item's pubDate. A share that stands still is made with an interval of ten years and a pubDate so far back
// that k groups are in for the years to come; widening moves the pubDate further back, everyone drops the
// interval. A share below one seventh leaves the item out. Hosts whose group waits get the highest item that
// is ready: the previous release stays in the feed. Whoever presses "Check for updates" waits for nothing.
//
// A feed channel's items carry <sparkle:channel>; its hosts read the default items as well, so such a channel
// can be ahead of the others and never behind.
#include <algorithm>
#include <cmath>

#include "base/encoding.hpp"
#include "base/sparkle_version.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/appcast.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/feed.hpp"
#include "channel/sparkle_facts.hpp"
#include "channel/sparkle_view.hpp"
#include "cohort/clients.hpp"

namespace tranche::channel {

namespace {

constexpr std::size_t older_releases = 10;  // for Macs whose system is too old for the newest
constexpr auto year = std::chrono::hours(24 * 365);
constexpr auto phase = 10 * year;
// A share holds for hosts whose clock is this much behind; and, from the day it is written, for as many years
// as are left of the phase.
constexpr auto slack = 2 * year;

unsigned groups_of(Percent share) {
  static const cohort::Capabilities& client = *cohort::find_client("sparkle");
  return static_cast<unsigned>(std::lround(cohort::reach(client, share).share * 7));
}

bool is_channel_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-';
  });
}

const Shipped* find_release(const WriteInput& input, std::string_view version) {
  for (const Shipped& release : input.releases)
    if (release.manifest.version == version && !release.facts.empty()) return &release;
  return nullptr;
}

// Each segment of a name in the store as a segment of an address.
std::string address_of(const WriteInput& input, const std::string& name) {
  std::string out = input.channel.url;
  while (out.ends_with('/')) out.pop_back();
  for (const std::string_view segment : split(name, '/')) out += "/" + percent_encode(segment);
  return out;
}

Enclosure placed(const WriteInput& input, const std::string& version, const SparkleFile& file) {
  Enclosure out = file.enclosure;
  if (out.url.empty() || !file.path.empty())
    out.url = address_of(input, file.path.empty() ? artifact_name(version, file.name) : file.path);
  if (out.type.empty()) out.type = "application/octet-stream";
  return out;
}

Result<AppcastItem> item_of(const WriteInput& input, const Shipped& release) {
  const std::string& version = release.manifest.version;
  const SparkleFacts facts = TRY_WHILE(fmt::format("reading the facts of release {}", printable(version)),
                                       parse_sparkle_facts(release.facts));
  AppcastItem item = facts.item;
  item.pub_date = to_rss_date(item.released.value_or(release.manifest.created));
  item.enclosure = placed(input, version, facts.archive);
  for (const SparkleFile& delta : facts.deltas) item.deltas.push_back(placed(input, version, delta));
  return item;
}

// k groups are in, 1..6, at any instant from `slack` before the release until eight years after. The same for
// every decision of one release, so that a feed that is only signed again does not change.
void freeze_at(AppcastItem& item, unsigned k, Instant created, Instant issued) {
  const bool near = created <= issued + year && issued <= created + year;
  const Instant base = std::chrono::floor<std::chrono::days>(near ? created : issued);
  item.phased_interval = std::chrono::duration_cast<std::chrono::seconds>(phase).count();
  item.pub_date = to_rss_date(base - slack - (k - 1) * phase);
}

class Writer {
 public:
  explicit Writer(const WriteInput& input) : input_(input) {}

  Result<Written> write() {
    const auto own = std::find_if(input_.tracks.begin(), input_.tracks.end(),
                                  [](const cohort::Track& track) { return track.feed_channel.empty(); });
    const bool anything =
        std::any_of(input_.tracks.begin(), input_.tracks.end(),
                    [](const cohort::Track& track) { return !track.release.empty() || track.emptied; });
    if (!anything) return std::move(out_);
    if (input_.channel.url.empty())
      return fail_hint(ErrorKind::invalid,
                       fmt::format("set channels.{}.url to the address that clients read the store at",
                                   input_.channel.name),
                       "an appcast names whole addresses, and channel '{}' has no url", input_.channel.name);
    if (own != input_.tracks.end()) {
      default_ = *own;
      TRY(add_default());
    }
    for (const cohort::Track& track : input_.tracks)
      if (!track.feed_channel.empty() && !track.release.empty()) TRY(add_channel(track));
    Appcast appcast;
    appcast.title = input_.app;
    appcast.items = std::move(items_);
    std::stable_sort(appcast.items.begin(), appcast.items.end(),
                     [](const AppcastItem& a, const AppcastItem& b) {
                       return compare_sparkle_versions(a.version, b.version) > 0;
                     });
    out_.pointers.push_back({appcast_name(input_.client), write_appcast(appcast)});
    return std::move(out_);
  }

 private:
  void note(std::string text) { out_.notes.push_back("sparkle: " + std::move(text)); }

  Result<> add_item(const cohort::Track& track, const std::string& version, unsigned k, bool rescue) {
    const Shipped* release = find_release(input_, version);
    if (release == nullptr) {
      if (version == track.release)
        note(fmt::format("release {} has no archive for Macs", printable(version)));
      return {};
    }
    AppcastItem item = TRY(item_of(input_, *release));
    item.channel = track.feed_channel;
    if (k < 7) freeze_at(item, k, release->manifest.created, input_.issued);
    // Back from a bad release at once, whatever group a host is in.
    if (rescue && !release->manifest.fallback_for.empty()) item.critical = "";
    items_.push_back(std::move(item));
    return {};
  }

  Result<> add_default() {
    const cohort::Track& track = *default_;
    if (track.release.empty()) return {};
    const unsigned k = track.share.everyone() ? 7 : groups_of(track.share);
    const std::string& standing = k == 7 ? track.release : track.previous;
    if (k == 0 && track.share.ppm > 0)
      note(fmt::format("nobody is reached at {}: the client knows seven groups", to_text(track.share)));
    if (k > 0) TRY(add_item(track, track.release, k, track.rescue));
    if (!standing.empty() && standing != track.release &&
        compare_sparkle_versions(track.release, standing) <= 0)
      note(fmt::format("clients do not take {} for newer than {}", printable(track.release),
                       printable(standing)));
    std::size_t older = 0;
    for (const Shipped& release : input_.releases) {
      const std::string& version = release.manifest.version;
      if (standing.empty() || (k > 0 && version == track.release) || release.facts.empty()) continue;
      if (version == standing) {
        TRY(add_item(track, version, 7, track.rescue && k == 0));
      } else if (compare_sparkle_versions(version, standing) < 0 && compare_versions(version, standing) < 0 &&
                 older++ < older_releases) {
        TRY(add_item(track, version, 7, false));
      }
    }
    return {};
  }

  Result<> add_channel(const cohort::Track& track) {
    if (!is_channel_name(track.feed_channel))
      return fail_hint(ErrorKind::invalid, "name it with letters, digits, '.', '_' and '-'",
                       "Sparkle's clients pass over the channel name '{}', and everybody would get its items",
                       printable(track.feed_channel));
    const unsigned k = track.share.everyone() ? 7 : groups_of(track.share);
    const bool default_everyone = default_ && default_->share.everyone();
    const std::string reached = default_ ? default_->release : std::string();
    const std::string& own = k > 0 ? track.release : track.previous;
    if (!reached.empty() && compare_sparkle_versions(own, reached) < 0) {
      note(fmt::format("hosts of channel {} read the default items as well: they get {}{}, not only {}",
                       track.feed_channel, reached, default_everyone ? "" : " as the others do",
                       printable(own)));
      return {};
    }
    if (k == 0 || (default_everyone && reached == track.release)) return {};
    return add_item(track, track.release, k, track.rescue);
  }

  const WriteInput& input_;
  std::optional<cohort::Track> default_;
  std::vector<AppcastItem> items_;
  Written out_;
};

Result<Written> write(const WriteInput& input) { return Writer(input).write(); }

}  // namespace

Ecosystem sparkle() { return {"sparkle", describe_sparkle, nullptr, write, read_appcast}; }

}  // namespace tranche::channel
