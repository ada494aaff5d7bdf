#include "channel/stop_beside.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/ecosystem.hpp"
#include "channel/parts.hpp"
#include "channel/statement.hpp"
#include "crypto/digest.hpp"

namespace tranche::channel {

namespace {

constexpr int most_tries = 100;             // each lost race means that another writer got through
constexpr std::size_t most_manifests = 32;  // of the releases that a static feed may still list

struct Base {
  Feed feed;
  std::string payload_sha256;
  Spool spool;
};

Result<Base> read_base(store::Store& store, const StopBeside& request) {
  const auto blob = TRY(read_file(store, std::string(feed_name), max_feed_bytes));
  if (!blob)
    return fail_hint(ErrorKind::failed, "name the store that the channel's devices read: --store URL",
                     "nothing is published in {}", store.describe());
  Base base;
  auto feed = open_published(store, blob->bytes, request.trust);
  if (!feed && signing::is_damaged(blob->bytes, signing::feed_type, request.trust))
    feed.error().hint = "no device takes it; what was offered, the journal knows: stop with it, --state URL";
  base.feed = TRY(std::move(feed));
  TRY(check_stream(base.feed, request.app.empty() ? base.feed.app : request.app,
                   request.channel.name.empty() ? base.feed.channel : request.channel.name));
  base.payload_sha256 = crypto::to_hex(crypto::sha256(to_payload(base.feed)));
  base.spool = TRY(read_spool(store, request.trust, base.feed.app, base.feed.channel));
  return base;
}

// The manifests that lie beside the feed, of these versions; what a release key did not sign is not there.
std::optional<artifact::Manifest> read_manifest(store::Store& store, const StopBeside& request,
                                                const std::string& app, const std::string& version) {
  const auto blob = read_file(store, manifest_name(version), max_manifest_bytes);
  if (!blob || !*blob) return std::nullopt;
  auto manifest = artifact::open_manifest((*blob)->bytes, request.trust, app, version);
  if (!manifest) return std::nullopt;
  return std::move(*manifest);
}

Result<std::vector<std::string>> versions_in(store::Store& store) {
  constexpr std::string_view prefix = "tranche/v1/releases/";
  std::set<std::string> found;
  for (const std::string& name : TRY(store.list(prefix))) {
    const std::string_view rest = std::string_view(name).substr(prefix.size());
    if (!rest.ends_with("/manifest.json")) continue;
    const std::string version(rest.substr(0, rest.find('/')));
    if (valid_version(version)) found.insert(version);
  }
  std::vector<std::string> versions(found.begin(), found.end());
  std::ranges::sort(versions,
                    [](const std::string& a, const std::string& b) { return compare_versions(a, b) > 0; });
  return versions;
}

// The fallback that was published with the release before it was offered.
std::string prepared_fallback(store::Store& store, const StopBeside& request, const Feed& feed,
                              const std::string& release) {
  const auto versions = versions_in(store);
  if (!versions) return {};
  std::size_t read = 0;
  for (const std::string& version : *versions) {  // highest first
    if (compare_versions(version, release) <= 0 || ++read > most_manifests) break;
    const auto manifest = read_manifest(store, request, feed.app, version);
    if (manifest && manifest->fallback_for == release) return version;
  }
  return {};
}

// A feed names only what somebody may be sent to.
Result<std::vector<ReleaseRef>> refs_of(store::Store& store, const Feed& feed) {
  std::set<std::string> used{feed.directions.baseline};
  for (const cohort::Withdrawn& withdrawn : feed.directions.withdrawn) used.insert(withdrawn.fallback);
  std::vector<ReleaseRef> refs;
  for (const ReleaseRef& ref : feed.releases)
    if (used.erase(ref.version) > 0) refs.push_back(ref);
  used.erase("");
  for (const std::string& version : used) {
    const auto blob = TRY(read_file(store, manifest_name(version), max_manifest_bytes));
    if (!blob) return fail(ErrorKind::verification, "release {} is not in {}", version, store.describe());
    refs.push_back({version, artifact::manifest_digest(blob->bytes), manifest_name(version)});
  }
  return refs;
}

// The native feed knows cohorts by their labels; static feeds also know the files that they read.
void restore_feed_channels(cohort::Directions& directions, const std::vector<spec::Cohort>& cohorts) {
  for (cohort::Hold& hold : directions.holds)
    for (const spec::Cohort& cohort : cohorts) {
      const std::map<std::string, std::vector<std::string>> by_file{{"feed-channel", {cohort.feed_channel}}};
      if (hold.max_version == cohort.hold && hold.labels == (cohort.match.empty() ? by_file : cohort.match))
        hold.feed_channel = cohort.feed_channel;
    }
}

// What other feeds of the channel need of the releases they may name.
Result<std::vector<Recorded>> recorded_in(store::Store& store, const StopBeside& request, const Feed& feed) {
  std::vector<Recorded> out;
  std::set<std::string> wanted;
  for (const ReleaseRef& ref : feed.releases) wanted.insert(ref.version);
  std::size_t spare = most_manifests;
  for (const std::string& version : TRY(versions_in(store))) {
    const bool needed = wanted.contains(version);
    if (!needed && spare == 0) continue;
    if (!needed) --spare;
    const auto manifest = read_manifest(store, request, feed.app, version);
    if (!manifest && needed)
      return fail_hint(ErrorKind::verification, "it has to be signed by a trusted release key",
                       "the manifest of release {} in {} cannot be used", version, store.describe());
    if (!manifest) continue;
    Recorded one{*manifest, {}};
    for (const artifact::Document& document : manifest->feeds)
      if (auto facts = TRY(read_facts(store, *manifest, document.type)))
        one.facts[document.type] = std::move(*facts);
    out.push_back(std::move(one));
  }
  return out;
}

const Spooled* waiting_for(const Spool& spool, const std::string& release) {
  const auto found =
      std::ranges::find_if(spool.stops, [&](const Spooled& one) { return one.stop.release == release; });
  return found == spool.stops.end() ? nullptr : &*found;
}

// The release that is stopped: the one on offer, or the one whose stop an earlier run left half done.
std::string release_of(const Base& base) {
  const cohort::Directions& directions = base.feed.directions;
  if (directions.offer) return directions.offer->release;
  for (const cohort::Withdrawn& withdrawn : directions.withdrawn)
    if (waiting_for(base.spool, withdrawn.version) != nullptr) return withdrawn.version;
  return {};
}

Result<Spooled> leave_spooled(store::Store& store, const StopBeside& request, const Base& base,
                              const std::string& release, const std::string& fallback) {
  if (const Spooled* waiting = waiting_for(base.spool, release)) return *waiting;
  Spooled mine;
  mine.stop = {.app = base.feed.app,
               .channel = base.feed.channel,
               .rollout = request.rollout,
               .release = release,
               .fallback = fallback,
               .by = request.by,
               .reason = request.reason,
               .at = request.world.clock.now(),
               .seen_sequence = base.feed.sequence,
               .seen_sha256 = base.payload_sha256};
  mine.envelope = TRY(seal(mine.stop, request.feed_key));
  mine.name = spool_name(mine.envelope);
  if (request.dry_run) return mine;
  store::Publication publication;
  publication.files.push_back({.name = mine.name, .bytes = mine.envelope, .copy_from = {}});
  publication.message = fmt::format("stop of release {} of {}", release, base.feed.app);
  TRY_WHILE("leaving the stop beside the feed", store.publish(publication));
  return mine;
}

// Without tranche.yaml nobody knows how the other feeds are written; that they are there can be said.
std::vector<std::string> unknown_feeds(store::Store& store) {
  std::vector<std::string> names;
  const std::string suffix = statement_name("");
  const auto listed = store.list("");
  if (!listed) return names;
  for (const std::string& name : *listed)
    if (name.ends_with(suffix)) names.push_back(name.substr(0, name.size() - suffix.size()));
  return names;
}

cohort::Directions without(cohort::Directions directions, const std::string& release,
                           const std::string& fallback) {
  if (directions.offer && directions.offer->release == release) directions.offer.reset();
  const auto listed = std::ranges::find(directions.withdrawn, release, &cohort::Withdrawn::version);
  if (listed == directions.withdrawn.end())
    directions.withdrawn.push_back({release, fallback});
  else if (listed->fallback.empty())
    listed->fallback = fallback;
  return directions;
}

Result<StoppedBeside> stop_once(store::Store& store, const StopBeside& request) {
  Base base = TRY(read_base(store, request));
  StoppedBeside done{.app = base.feed.app, .channel = base.feed.channel, .sequence = base.feed.sequence};
  done.release = release_of(base);
  if (done.release.empty()) {
    if (!base.feed.directions.withdrawn.empty()) return done;
    return fail_hint(ErrorKind::failed,
                     "a release that everybody has is taken back with the journal: --state URL",
                     "channel '{}' in {} offers no release", done.channel, store.describe());
  }
  const Spooled* waiting = waiting_for(base.spool, done.release);
  done.fallback = waiting != nullptr ? waiting->stop.fallback
                                     : prepared_fallback(store, request, base.feed, done.release);
  if (waiting == nullptr && done.fallback.empty() && base.feed.directions.baseline != done.release)
    done.fallback = base.feed.directions.baseline;
  const Spooled spooled = TRY(leave_spooled(store, request, base, done.release, done.fallback));
  done.spool = spooled.name;
  if (request.dry_run) return done;

  Feed feed = base.feed;
  feed.directions = without(feed.directions, done.release, done.fallback);
  feed.releases = TRY(refs_of(store, feed));
  if (feed != base.feed) {
    const Duration life = base.feed.expires - base.feed.issued;
    feed.sequence = base.feed.sequence + 1;
    feed.issued = std::max(request.world.clock.now(), base.feed.issued);
    feed.expires = feed.issued + life;
  }
  done.sequence = feed.sequence;
  spec::Channel channel = request.channel;
  channel.name = base.feed.channel;
  ChannelInput input{.world = request.world,
                     .repository = request.repository,
                     .channel = channel,
                     .trust = request.trust,
                     .feed = std::move(feed),
                     .feed_channels = {},
                     .releases = {},
                     .unread = {},
                     .feed_key = request.feed_key,
                     .known_stops = {spooled.name}};
  for (const Spooled& one : base.spool.stops) input.known_stops.insert(one.name);
  restore_feed_channels(input.feed.directions, request.cohorts);
  std::set<std::string> names;
  for (const spec::Cohort& cohort : request.cohorts) names.insert(cohort.feed_channel);
  names.erase("");
  input.feed_channels.assign(names.begin(), names.end());
  if (channel.feeds != std::vector<std::string>{"tranche"}) {
    auto releases = recorded_in(store, request, input.feed);
    if (releases)
      input.releases = std::move(*releases);
    else
      input.unread = std::move(releases.error());
  }
  const ChannelReport report =
      TRY_WHILE("publishing the feeds of channel '" + channel.name + "' to " + store.describe(),
                publish_channel(store, input));
  for (const Change* foreign : report.foreign()) done.left.push_back(foreign->name);
  if (request.channel.name.empty()) done.left = unknown_feeds(store);
  return done;
}

}  // namespace

Result<StoppedBeside> stop_beside(store::Store& store, const StopBeside& request) {
  for (int attempt = 1;; ++attempt) {
    auto done = stop_once(store, request);
    if (done || done.error().kind != ErrorKind::conflict || attempt == most_tries) return done;
    store.refresh();
    ports::Clock& clock = request.world.clock;
    if (!clock.sleep_until(clock.now() + std::chrono::milliseconds(std::min(attempt, 20)))) return done;
  }
}

}  // namespace tranche::channel
