#include "channel/static_feeds.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/parts.hpp"
#include "channel/spool.hpp"
#include "channel/statement.hpp"
#include "crypto/digest.hpp"

namespace tranche::channel {

namespace {

constexpr int publish_attempts = 8;  // each lost race means that another writer got through

// One file that clients read first: what is there, and what is to be.
struct Wanted {
  Change change;
  store::Version version;  // of what is there
  std::string statement;   // as it is to be
  std::string statement_now;
  store::Version statement_version;
};

struct Gathered {
  std::vector<Wanted> wanted;
  std::vector<Named> files;
  std::vector<std::string> notes;
  std::optional<Error> failed;  // feeds that could not be made
};

std::string digest(std::string_view bytes) { return crypto::to_hex(crypto::sha256(bytes)); }

bool is_withdrawn(const cohort::Directions& directions, std::string_view version) {
  return std::any_of(directions.withdrawn.begin(), directions.withdrawn.end(),
                     [&](const cohort::Withdrawn& one) { return one.version == version; });
}

// Ours: the statement beside the file names its bytes.
bool is_ours(const ChannelInput& input, const Wanted& wanted) {
  const auto statement = open_statement(wanted.statement_now, input.trust);
  return statement && check_file(*statement, wanted.change.name, wanted.change.before).has_value();
}

// A foreign file that offers what is withdrawn is not left alone.
bool offers_withdrawn(store::Store& store, const ChannelInput& input, const Ecosystem& ecosystem,
                      const std::string& file) {
  if (input.feed.directions.withdrawn.empty()) return false;
  ReadInput read;
  read.fetch = [&](const std::string& name, std::size_t max) -> Result<std::optional<std::string>> {
    auto blob = TRY(store.get(name, max));
    if (!blob) return std::optional<std::string>();
    return std::optional(std::move(blob->bytes));
  };
  read.channel = input.channel.name;
  read.file = file;
  read.client = input.channel.client(ecosystem.feed);
  read.now = input.feed.issued;
  read.base_url = input.channel.url;
  const auto view = ecosystem.read(read);
  return view && *view != nullptr && is_withdrawn(input.feed.directions, (*view)->offers());
}

Result<std::string> make_statement(const ChannelInput& input, const Change& change) {
  Statement statement;
  statement.app = input.feed.app;
  statement.channel = input.feed.channel;
  statement.feed = change.feed;
  statement.name = change.name;
  statement.sequence = input.feed.sequence;
  statement.issued = input.feed.issued;
  statement.expires = input.feed.expires;
  statement.sha256.push_back(digest(change.after));
  if (!change.absent && change.before != change.after) statement.sha256.push_back(digest(change.before));
  return seal(statement, input.feed_key);
}

Result<Wanted> look_at(store::Store& store, const ChannelInput& input, const Ecosystem& ecosystem,
                       const Named& pointer) {
  Wanted wanted;
  wanted.change.feed = std::string(ecosystem.feed);
  wanted.change.name = pointer.name;
  wanted.change.after = pointer.bytes;
  auto now = TRY(read_file(store, pointer.name, max_ecosystem_file));
  wanted.change.absent = !now;
  if (now) {
    wanted.change.before = std::move(now->bytes);
    wanted.version = std::move(now->version);
  }
  auto statement = TRY(read_file(store, statement_name(pointer.name), max_statement_bytes));
  if (statement) {
    wanted.statement_now = std::move(statement->bytes);
    wanted.statement_version = std::move(statement->version);
  }
  if (!wanted.change.absent && wanted.change.before != wanted.change.after && !is_ours(input, wanted))
    wanted.change.foreign = !offers_withdrawn(store, input, ecosystem, pointer.name);
  wanted.statement = TRY(make_statement(input, wanted.change));
  return wanted;
}

Result<> gather_feed(store::Store& store, const ChannelInput& input, const Ecosystem& ecosystem,
                     const cohort::Capabilities& client, Gathered& out) {
  const std::string feed(ecosystem.feed);
  WriteInput write{
      .world = input.world,
      .repository = input.repository,
      .app = input.feed.app,
      .channel = input.channel,
      .client = input.channel.client(feed),
      .tracks = written_tracks(input.channel, client, input.feed.directions, input.feed_channels),
      .releases = {},
      .sequence = input.feed.sequence,
      .issued = input.feed.issued,
      .expires = input.feed.expires,
      .store = store};
  for (const Recorded& release : input.releases) {
    if (is_withdrawn(input.feed.directions, release.manifest.version)) continue;
    const auto facts = release.facts.find(feed);
    write.releases.push_back(
        {release.manifest, facts == release.facts.end() ? std::string() : facts->second});
  }
  std::sort(write.releases.begin(), write.releases.end(), [](const Shipped& a, const Shipped& b) {
    return compare_versions(a.manifest.version, b.manifest.version) > 0;
  });
  Written written =
      TRY_WHILE("making feed '" + feed + "' of channel '" + input.channel.name + "'", ecosystem.write(write));
  for (std::string& note : written.notes) out.notes.push_back(std::move(note));
  for (const Named& pointer : written.pointers)
    out.wanted.push_back(TRY(look_at(store, input, ecosystem, pointer)));
  for (Named& file : written.files) out.files.push_back(std::move(file));
  return {};
}

// A feed that cannot be made (a key that is missing, a tool that fails) keeps no other from being published:
// a stop must reach whom it can reach.
Gathered gather(store::Store& store, const ChannelInput& input) {
  Gathered out;
  out.failed = input.unread;
  if (out.failed) return out;
  for (const std::string& feed : input.channel.feeds) {
    const Ecosystem* ecosystem = find_ecosystem(feed);
    const cohort::Capabilities* client = cohort::find_client(feed);
    if (ecosystem == nullptr || client == nullptr) continue;
    Gathered one;
    if (auto gathered = gather_feed(store, input, *ecosystem, *client, one); !gathered) {
      if (!out.failed)
        out.failed = std::move(gathered.error());
      else
        out.failed->others.push_back(std::move(gathered.error()));
      continue;
    }
    std::ranges::move(one.wanted, std::back_inserter(out.wanted));
    std::ranges::move(one.files, std::back_inserter(out.files));
    std::ranges::move(one.notes, std::back_inserter(out.notes));
  }
  return out;
}

ChannelReport report_of(Gathered gathered) {
  ChannelReport report;
  report.notes = std::move(gathered.notes);
  for (Wanted& wanted : gathered.wanted)
    if (wanted.change.before != wanted.change.after || wanted.change.absent)
      report.changes.push_back(std::move(wanted.change));
  return report;
}

// Looked at after the feed was read and before it is written on that condition: a stop is spooled before it
// changes the feed, so it is seen here, or the condition fails, or the stop itself comes after this write.
Result<> check_spool(store::Store& store, const ChannelInput& input) {
  const Spool spool =
      TRY(read_spool(store, input.trust, input.feed.app, input.feed.channel, input.known_stops));
  if (spool.stops.empty()) return {};
  return fail_hint(ErrorKind::conflict, "run again: it is taken into the journal first",
                   "release {} was stopped by {}, beside the feed of channel '{}' in {}",
                   spool.stops.front().stop.release, printable(spool.stops.front().stop.by, 80),
                   input.feed.channel, store.describe());
}

// A damaged feed fences nothing, and no client takes it. Sound only because the order is: the feed is read,
// then the journal, then the feed is written on the condition that it still is what was read. Whoever decides
// later publishes later, or makes that condition fail.
Result<bool> may_be_made_again(const store::Store& store, const ChannelInput& input, std::string_view bytes) {
  if (!input.is_newest || !signing::is_damaged(bytes, signing::feed_type, input.trust)) return false;
  if (TRY(input.is_newest())) return true;
  return fail_hint(ErrorKind::conflict, "run again: it reads the newer decision first",
                   "{} in {} is damaged, and the journal went on meanwhile", feed_name, store.describe());
}

// The native feed reaches cohorts by label; which file they read elsewhere is none of its business.
Feed native(Feed feed) {
  if (feed.directions.offer)
    for (cohort::Rule& rule : feed.directions.offer->rules) rule.feed_channel.clear();
  for (cohort::Hold& hold : feed.directions.holds) hold.feed_channel.clear();
  return feed;
}

}  // namespace

std::vector<const Change*> ChannelReport::foreign() const {
  std::vector<const Change*> out;
  for (const Change& change : changes)
    if (change.foreign) out.push_back(&change);
  return out;
}

std::vector<cohort::Track> written_tracks(const spec::Channel& channel, const cohort::Capabilities& client,
                                          const cohort::Directions& directions,
                                          const std::vector<std::string>& feed_channels) {
  const bool served = client.servable && channel.on_unsupported == spec::Channel::OnUnsupported::serve;
  std::vector<cohort::Track> tracks = cohort::tracks(directions, feed_channels);
  for (cohort::Track& track : tracks) track = cohort::honour(client, std::move(track), served);
  return tracks;
}

Result<> publish_aliases(store::Store& store, const spec::Channel& channel,
                         const artifact::Manifest& manifest,
                         const std::vector<std::pair<std::string, std::string>>& artifact_paths) {
  const std::map<std::string, std::string> paths(artifact_paths.begin(), artifact_paths.end());
  store::Publication publication;
  publication.message = fmt::format("release {} {}", manifest.app, manifest.version);
  for (const std::string& feed : channel.feeds) {
    const Ecosystem* ecosystem = find_ecosystem(feed);
    if (ecosystem == nullptr || ecosystem->aliases == nullptr) continue;
    for (const Alias& alias : ecosystem->aliases(manifest, channel.client(feed)))
      if (const auto path = paths.find(alias.artifact); path != paths.end())
        publication.files.push_back({alias.name, {}, path->second});
  }
  if (publication.files.empty()) return {};
  TRY_WHILE(fmt::format("publishing release {} to {}", manifest.version, store.describe()),
            store.publish(publication));
  return {};
}

std::vector<std::string> missing_feeds(const spec::Channel& channel) {
  std::vector<std::string> out;
  for (const std::string& feed : channel.feeds)
    if (feed != "tranche" && find_ecosystem(feed) == nullptr) out.push_back(feed);
  return out;
}

Result<ChannelReport> compare_channel(store::Store& store, const ChannelInput& input) {
  Gathered gathered = gather(store, input);
  if (gathered.failed) return fail(std::move(*gathered.failed));
  return report_of(std::move(gathered));
}

Result<ChannelReport> publish_channel(store::Store& store, const ChannelInput& input) {
  const Feed feed = native(input.feed);
  const std::string payload = to_payload(feed);
  const std::string envelope = TRY(seal_checked(feed, input.trust, input.feed_key));
  ChannelReport report;
  for (int attempt = 1;; ++attempt) {
    // The fence first: whoever reads a newer sequence has nothing to write.
    const auto blob = TRY(read_file(store, std::string(feed_name), max_feed_bytes));
    store::Pointer pointer{std::string(feed_name), envelope, blob ? blob->version : store::Version()};
    bool fence_moves = true;
    if (blob && !TRY(may_be_made_again(store, input, blob->bytes))) {
      const Feed published = TRY(open_published(store, blob->bytes, input.trust));
      TRY(check_stream(published, input.feed.app, input.feed.channel));
      const bool same = published.sequence == input.feed.sequence && to_payload(published) == payload;
      if (published.sequence >= input.feed.sequence && !same)
        return fail_hint(ErrorKind::conflict,
                         "run again: it reads the newer decision first. Where it says so again, the journal "
                         "knows nothing of that feed: `tranche stop ROLLOUT` goes above it",
                         "channel '{}' has {} feed: sequence {}, this one is {}", input.feed.channel,
                         published.sequence == input.feed.sequence ? "another" : "a newer",
                         published.sequence, input.feed.sequence);
      if (same) pointer.bytes = blob->bytes;
      fence_moves = !same;
    }
    Gathered gathered = gather(store, input);
    const std::optional<Error> failed = std::move(gathered.failed);
    store::Publication publication;
    publication.message =
        fmt::format("feed {}/{} {}", input.feed.app, input.feed.channel, input.feed.sequence);
    publication.pointer = std::move(pointer);
    bool settled = true;  // every statement names one digest only
    for (const Wanted& wanted : gathered.wanted) {
      if (wanted.change.foreign) continue;
      if (wanted.statement != wanted.statement_now)
        publication.followers.push_back(
            {statement_name(wanted.change.name), wanted.statement, wanted.statement_version});
      if (wanted.change.before == wanted.change.after && !wanted.change.absent) continue;
      publication.followers.push_back({wanted.change.name, wanted.change.after, wanted.version});
      settled = settled && wanted.change.absent;
    }
    if (!publication.followers.empty())
      for (Named& file : gathered.files)
        publication.files.push_back({.name = file.name,
                                     .bytes = std::move(file.bytes),
                                     .copy_from = {},
                                     .caching = store::Caching::immutable});
    const bool nothing = !fence_moves && publication.followers.empty();
    if (attempt == 1 || report.changes.empty()) report = report_of(std::move(gathered));
    const auto done = [&]() -> Result<ChannelReport> {
      if (failed) return fail(*failed);
      return report;
    };
    if (nothing) return done();
    TRY(check_spool(store, input));
    auto written = store.publish(publication);
    if (written && settled) return done();
    if (!written && (written.error().kind != ErrorKind::conflict || attempt >= publish_attempts))
      return fail(written.error());
    if (attempt >= publish_attempts)
      return fail(ErrorKind::bug, "the feeds of channel '{}' never settle", input.feed.channel);
  }
}

}  // namespace tranche::channel
