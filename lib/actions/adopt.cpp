#include "actions/adopt.hpp"

#include <algorithm>
#include <map>

#include "actions/releases.hpp"
#include "actions/stores.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/statement.hpp"
#include "crypto/digest.hpp"

namespace tranche::actions {
namespace {

using channel::Change;
using channel::ForeignChannel;
using channel::ForeignRelease;

// An entry of the journal holds 64 KiB: of more files the digest over all is recorded.
constexpr std::size_t listed_files = 200;

std::vector<std::string> feed_channels_of(const spec::App& app) {
  std::vector<std::string> names;
  for (const spec::Cohort& cohort : app.cohorts)
    if (!cohort.feed_channel.empty()) names.push_back(cohort.feed_channel);
  return names;
}

std::vector<AdoptedFile> files_of(const ForeignChannel& foreign) {
  std::map<std::string, AdoptedFile> files;
  for (const channel::ForeignFeed& feed : foreign.feeds)
    for (const channel::Named& file : feed.view->files())
      files.try_emplace(
          file.name,
          AdoptedFile{feed.feed, file.name, crypto::to_hex(crypto::sha256(file.bytes)), file.bytes.size()});
  std::vector<AdoptedFile> out;
  for (auto& [name, file] : files) out.push_back(std::move(file));
  return out;
}

std::string digest_of(const std::vector<AdoptedFile>& files, const std::string& baseline) {
  std::string text = baseline + "\n";
  for (const AdoptedFile& file : files) text += file.sha256 + " " + file.name + "\n";
  return crypto::to_hex(crypto::sha256(text));
}

// A release that was made here and is offered by the other tool: the same files, whatever it called them.
bool holds_all(const artifact::Manifest& recorded, const artifact::Manifest& read) {
  return std::ranges::all_of(read.artifacts, [&](const artifact::Artifact& one) {
    return std::ranges::any_of(recorded.artifacts,
                               [&](const artifact::Artifact& other) { return other.sha256 == one.sha256; });
  });
}

struct Taken {
  StoredRelease release;
  std::vector<DocumentBytes> documents;
  std::map<std::string, std::string> places;  // artifact → name at the site
  bool existed = false;
};

Result<Taken> take(Deck& deck, const AdoptRequest& request, ForeignRelease read) {
  const std::string version = read.manifest.version;
  Taken out;
  out.places = std::move(read.places);
  out.documents = std::move(read.documents);
  if (auto existing = TRY(find_release(deck, version))) {
    if (!holds_all(existing->manifest, read.manifest))
      return fail_hint(ErrorKind::verification,
                       "somebody published other bytes under a version that is on record: find out who",
                       "{} offers other files as {} than the release on record has",
                       printable(request.site.describe()), version);
    out.existed = true;
    out.documents.clear();
    if (const auto recorded = TRY(load_recorded(deck, version)))
      for (const artifact::Document& document : existing->manifest.feeds)
        out.documents.emplace_back(document.name, recorded->facts.at(document.type));
    std::map<std::string, std::string> places;  // by the names on record
    for (const artifact::Artifact& one : existing->manifest.artifacts)
      for (const artifact::Artifact& other : read.manifest.artifacts)
        if (one.sha256 == other.sha256) places[one.name] = out.places[other.name];
    out.places = std::move(places);
    out.release = std::move(*existing);
    return out;
  }
  out.release.manifest = std::move(read.manifest);
  if (request.dry_run) return out;
  const crypto::Ed25519Signer* key = TRY(deck.release_key());
  out.release.envelope = TRY(artifact::seal(out.release.manifest, *key));
  out.release.sha256 = artifact::manifest_digest(out.release.envelope);
  return out;
}

// All of them with one write: every file costs the disk its syncs.
Result<> record(Deck& deck, const std::vector<Taken>& taken) {
  store::Publication publication;
  std::vector<store::Pointer> manifests;
  for (const Taken& one : taken) {
    if (one.existed) continue;
    const std::string base = "releases/" + deck.app().name + "/" + one.release.manifest.version + "/";
    for (const DocumentBytes& document : one.documents)
      publication.files.push_back({base + document.first, document.second, {}});
    manifests.push_back({base + "manifest.json", one.release.envelope, {}});
  }
  if (manifests.empty()) return {};
  publication.pointer = manifests.front();
  publication.followers.assign(manifests.begin() + 1, manifests.end());
  publication.message = fmt::format("adopted releases of {}", deck.app().name);
  TRY_WHILE("recording the adopted releases", deck.state_store().publish(publication));
  return deck.reload();
}

// Where a file of the site lies on this machine; brought here first where it does not.
class LocalCopies {
 public:
  LocalCopies(ports::World& world, channel::Site& site) : world_(world), site_(site) {}
  LocalCopies(const LocalCopies&) = delete;
  LocalCopies& operator=(const LocalCopies&) = delete;
  ~LocalCopies() {
    for (const std::string& path : made_) static_cast<void>(world_.files.remove(path).has_value());
  }
  Result<std::string> path(const std::string& place) {
    if (const auto local = site_.local_path(place)) return *local;
    const auto bytes = TRY(site_.read(place, channel::max_whole_artifact));
    if (!bytes)
      return fail_hint(ErrorKind::failed, "put it back, then run again", "{} is gone from {}",
                       printable(place, 160), printable(site_.describe()));
    const std::string path = fmt::format("{}/adopt/{}", TRY(cache_directory(world_)),
                                         crypto::to_hex(crypto::sha256(site_.describe() + "\n" + place)));
    TRY(world_.files.write(path, *bytes, 0600));
    made_.push_back(path);
    return path;
  }

 private:
  ports::World& world_;
  channel::Site& site_;
  std::vector<std::string> made_;
};

// What lies in the channel's store: the release where the native feed wants it and, when the store is another
// than the site, each file under the name that the feeds give it.
Result<> publish_taken(Deck& deck, const AdoptRequest& request, const std::vector<Taken>& taken) {
  store::Store* store = TRY(deck.channel_store(request.channel));
  LocalCopies copies(deck.world(), request.site);
  if (!request.in_place) {
    store::Publication publication;
    publication.message = fmt::format("files of adopted releases of {}", deck.app().name);
    for (const Taken& one : taken)
      for (const auto& [artifact, place] : one.places) {
        TRY(store::check_name(place));
        std::string path = TRY(copies.path(place));
        publication.files.push_back({place, {}, std::move(path)});
        // electron-updater looks for it there; no feed names it.
        const std::string map = place + ".blockmap";
        if (!store::check_name(map) || TRY(request.site.open(map)) == nullptr) continue;
        path = TRY(copies.path(map));
        publication.files.push_back({map, {}, std::move(path)});
      }
    TRY_WHILE("bringing the files to " + store->describe(), store->publish(publication));
  }
  const Taken& baseline = taken.front();
  std::vector<std::pair<std::string, std::string>> paths;
  for (const auto& [artifact, place] : baseline.places) paths.emplace_back(artifact, TRY(copies.path(place)));
  TRY_WHILE("publishing the baseline to " + store->describe(),
            channel::publish_release(*store, baseline.release.manifest, baseline.release.envelope, paths,
                                     baseline.documents));
  return {};
}

// Whether one of the files that were read is another tool's.
Result<bool> others_wrote(Deck& deck, const AdoptRequest& request, const std::vector<AdoptedFile>& files) {
  const channel::ChannelReport report = TRY(deck.compare(request.channel));
  return std::ranges::any_of(report.foreign(), [&](const Change* change) {
    return std::ranges::find(files, change->name, &AdoptedFile::name) != files.end();
  });
}

Result<> check_allowed(const AdoptRequest& request, const std::optional<ChannelState>& state,
                       const std::string& version) {
  if (!state) return {};
  if (state->directions.offer)
    return fail_hint(ErrorKind::denied, "wait until it is done, or stop it",
                     "release {} is being rolled out in channel '{}'", state->directions.offer->release,
                     request.channel.name);
  const auto& withdrawn = state->directions.withdrawn;
  if (std::ranges::find(withdrawn, version, &cohort::Withdrawn::version) != withdrawn.end())
    return fail_hint(ErrorKind::denied, "give it another version, or publish another release",
                     "{} was withdrawn from channel '{}'", version, request.channel.name);
  return {};
}

Result<journal::Draft> draft_of(Deck& deck, const AdoptRequest& request, const Adopted& adopted,
                                const std::vector<Taken>& taken, const std::string& effect) {
  std::vector<channel::ReleaseRef> refs;
  for (const Taken& one : taken)
    refs.push_back({one.release.manifest.version, one.release.sha256,
                    channel::manifest_name(one.release.manifest.version)});
  std::ranges::reverse(refs);  // the newest last: the oldest are forgotten first
  auto draft = TRY(deck.decide(
      request.channel, effect, "", refs,
      [&](cohort::Directions directions) {
        directions.baseline = adopted.baseline;
        return directions;
      },
      request.reason));
  if (!draft) return fail(ErrorKind::bug, "the adoption {} was decided meanwhile", effect);
  doc::Value files = doc::Value::array();
  for (std::size_t i = 0; i < std::min(adopted.files.size(), listed_files); ++i)
    files.push(doc::Value::object({{"feed", adopted.files[i].feed},
                                   {"name", adopted.files[i].name},
                                   {"sha256", adopted.files[i].sha256}}));
  doc::Value releases = doc::Value::array();
  for (const Taken& one : taken)
    releases.push(doc::Value::object({{"version", one.release.manifest.version},
                                      {"manifest-sha256", one.release.sha256},
                                      {"created", !one.existed}}));
  draft->kind = "channel.adopted";
  draft->data = doc::Value::object({{"effect", effect},
                                    {"from", request.site.describe()},
                                    {"baseline", adopted.baseline},
                                    {"files", std::move(files)},
                                    {"files-read", static_cast<std::int64_t>(adopted.files.size())},
                                    {"files-sha256", digest_of(adopted.files, adopted.baseline)},
                                    {"releases", std::move(releases)}});
  return std::move(*draft);
}

// The files of the store that another tool wrote and that are now known: a statement beside each says so, and
// the next publish may change them.
Result<bool> seal_files(Deck& deck, const AdoptRequest& request, const Adopted& adopted) {
  const auto state = TRY(deck.channel_state(request.channel.name));
  if (!state) return fail(ErrorKind::bug, "channel '{}' has no state", request.channel.name);
  const channel::ChannelReport report = TRY(deck.compare(request.channel));
  store::Store* store = TRY(deck.channel_store(request.channel));
  const crypto::Ed25519Signer* key = TRY(deck.feed_key());
  std::vector<store::Pointer> statements;
  for (const Change* change : report.foreign()) {
    const auto file = std::ranges::find(adopted.files, change->name, &AdoptedFile::name);
    if (file == adopted.files.end()) continue;  // nobody read it: it stays the other tool's
    channel::Statement statement;
    statement.app = deck.app().name;
    statement.channel = request.channel.name;
    statement.feed = change->feed;
    statement.name = change->name;
    statement.sequence = state->sequence;
    statement.issued = state->issued;
    statement.expires = state->issued + state->expires;
    statement.sha256 = {crypto::to_hex(crypto::sha256(change->before))};
    if (statement.sha256.front() != file->sha256)
      return fail_hint(ErrorKind::conflict, "run again: it reads the newer file",
                       "{} changed while it was adopted", printable(change->name, 160));
    const std::string name = channel::statement_name(change->name);
    auto there = TRY(store->get(name, channel::max_statement_bytes));
    std::string sealed = TRY(channel::seal(statement, *key));
    statements.push_back({name, std::move(sealed), there ? there->version : store::Version()});
  }
  if (statements.empty()) return false;
  store::Publication publication;
  publication.message = fmt::format("adopted files of {}/{}", deck.app().name, request.channel.name);
  publication.pointer = statements.front();
  publication.followers.assign(statements.begin() + 1, statements.end());
  TRY_WHILE("sealing the files in " + store->describe(), store->publish(publication));
  return true;
}

}  // namespace

Result<Adopted> adopt_channel(Deck& deck, const AdoptRequest& request) {
  const Instant now = deck.world().clock.now();
  const bool observe = request.channel.mode == spec::Channel::Mode::observe;
  const ForeignChannel foreign = TRY(channel::read_foreign(
      deck.world(), deck.repository(), request.site, request.channel, feed_channels_of(deck.app()), now));
  channel::InForce in_force = TRY(channel::find_in_force(foreign, request.choice));
  Adopted out;
  out.baseline = in_force.version;
  out.notes = std::move(in_force.notes);
  out.files = files_of(foreign);
  const auto state = TRY(deck.channel_state(request.channel.name));
  // What is ours already says what we said: nothing of it is news.
  if (state && request.in_place && !TRY(others_wrote(deck, request, out.files))) {
    out.baseline = state->directions.baseline;
    return out;
  }
  TRY(check_allowed(request, state, out.baseline));

  std::vector<Taken> taken;
  const auto collect = [&](const std::string& version) -> Result<Taken> {
    return take(deck, request,
                TRY(channel::collect_release(request.site, foreign, deck.app().name, version, now,
                                             request.trust_digests)));
  };
  taken.push_back(TRY(collect(out.baseline)));
  for (const std::string& version : channel::named_versions(foreign)) {
    if (!request.earlier || static_cast<std::ptrdiff_t>(taken.size()) > spare_releases) break;
    if (version == out.baseline) continue;
    auto one = collect(version);
    if (one) {
      taken.push_back(std::move(*one));
    } else if (one.error().kind == ErrorKind::verification) {
      return fail(std::move(one.error()));
    } else {
      out.notes.push_back(fmt::format("{} is left out: {}", version, one.error().message));
    }
  }
  std::sort(taken.begin() + 1, taken.end(), [](const Taken& a, const Taken& b) {
    return compare_versions(a.release.manifest.version, b.release.manifest.version) > 0;
  });
  for (const Taken& one : taken) out.releases.push_back(one.release.manifest.version);

  const std::string effect = "adopt/" + digest_of(out.files, out.baseline).substr(0, 32);
  const bool decided = state && state->effect == effect;
  out.changed = !decided;
  if (request.dry_run) return out;
  TRY(record(deck, taken));
  if (!observe) TRY(publish_taken(deck, request, taken));
  if (!decided) TRY(deck.append({TRY(draft_of(deck, request, out, taken, effect))}));
  if (!observe && request.in_place) out.changed = TRY(seal_files(deck, request, out)) || out.changed;
  return out;
}

Result<bool> adopt_foreign_write(Deck& deck, const spec::Channel& channel) {
  if (channel.on_foreign_write != spec::Channel::OnForeignWrite::adopt) return false;
  if (!deck.release_key()) return false;
  store::Store* store = TRY(deck.channel_store(channel));
  const auto site = channel::open_store_site(deck.world().files, *store);
  const AdoptRequest request{
      .channel = channel, .site = *site, .in_place = true, .choice = {}, .reason = "on-foreign-write: adopt"};
  return TRY(adopt_channel(deck, request)).changed;
}

}  // namespace tranche::actions
