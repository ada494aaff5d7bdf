#include "actions/releases.hpp"

#include <algorithm>

#include "actions/behaviour.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/feed.hpp"
#include "crypto/digest.hpp"

namespace tranche::actions {
namespace {

std::string folder(const Deck& deck) { return "releases/" + deck.app().name + "/"; }

// What makes two manifests the same release: all but the time of making.
bool same_content(artifact::Manifest a, const artifact::Manifest& b) {
  a.created = b.created;
  for (artifact::Artifact& item : a.artifacts) item.path.clear();
  artifact::Manifest other = b;
  for (artifact::Artifact& item : other.artifacts) item.path.clear();
  // What feeds know of the artifacts may hold signatures with times of their own; the artifacts decide.
  const auto same_feed = [](const artifact::Document& x, const artifact::Document& y) {
    return x.type == y.type;
  };
  if (!std::ranges::equal(a.feeds, other.feeds, same_feed)) return false;
  a.feeds = other.feeds;
  return a == other;
}

std::string first_difference(const artifact::Manifest& mine, const artifact::Manifest& recorded) {
  for (const artifact::Artifact& item : mine.artifacts) {
    const artifact::Artifact* other = recorded.find(item.name);
    if (other == nullptr) return fmt::format("artifact '{}' is new", item.name);
    if (other->sha256 != item.sha256)
      return fmt::format("artifact '{}' is {}… now and {}… on record", item.name, item.sha256.substr(0, 12),
                         other->sha256.substr(0, 12));
  }
  for (const artifact::Artifact& item : recorded.artifacts)
    if (mine.find(item.name) == nullptr) return fmt::format("artifact '{}' is gone", item.name);
  if (const auto changed = describe_behaviour_change(recorded.behaviour, mine.behaviour); !changed.empty())
    return changed.front();
  return "its documents differ";
}

// A run that was killed between the two writes has recorded the release and not journalled it.
Result<bool> is_journalled(Deck& deck, const StoredRelease& release) {
  constexpr std::uint64_t piece = 256;  // one bundle of the journal
  for (std::uint64_t to = deck.journal().size(); to > 0;) {
    const std::uint64_t from = (to - 1) / piece * piece;
    for (const journal::Entry& entry : TRY(deck.journal().read(from, to))) {
      if (entry.kind != "release.created") continue;
      const doc::Value* digest = entry.data.find("manifest-sha256");
      if (digest != nullptr && digest->is_string() && digest->as_string() == release.sha256) return true;
    }
    to = from;
  }
  return false;
}

Result<> journal_release(Deck& deck, const StoredRelease& release, const std::string& reason) {
  journal::Draft draft;
  draft.kind = "release.created";
  draft.reason = reason;
  draft.data =
      doc::Value::object({{"app", release.manifest.app},
                          {"version", release.manifest.version},
                          {"manifest-sha256", release.sha256},
                          {"artifacts", static_cast<std::int64_t>(release.manifest.artifacts.size())}});
  TRY(deck.append({draft}));
  return {};
}

}  // namespace

Result<std::optional<StoredRelease>> find_release(Deck& deck, const std::string& version) {
  if (!valid_version(version))
    return fail_hint(ErrorKind::usage, "write 1.2.0", "'{}' is not a version", printable(version, 64));
  const std::string name = folder(deck) + version + "/manifest.json";
  const auto blob = TRY(deck.state_store().get(name, channel::max_manifest_bytes));
  if (!blob) return std::nullopt;
  StoredRelease release;
  release.manifest = TRY_WHILE("reading release " + version,
                               artifact::open_manifest(blob->bytes, deck.trust(), deck.app().name, version));
  release.sha256 = artifact::manifest_digest(blob->bytes);
  release.envelope = blob->bytes;
  return release;
}

Result<std::optional<channel::Recorded>> load_recorded(Deck& deck, const std::string& version) {
  auto stored = TRY(find_release(deck, version));
  if (!stored) return std::optional<channel::Recorded>();
  channel::Recorded out{std::move(stored->manifest), {}};
  for (const artifact::Document& document : out.manifest.feeds) {
    const std::string name = folder(deck) + version + "/" + document.name;
    const auto blob = TRY(deck.state_store().get(name, channel::max_facts_bytes));
    if (!blob || crypto::to_hex(crypto::sha256(blob->bytes)) != document.sha256)
      return fail_hint(ErrorKind::verification, "record the release again: tranche release create " + version,
                       "'{}' of release {} is {}", document.name, version,
                       blob ? "not the one that was signed" : "missing");
    out.facts[document.type] = blob->bytes;
  }
  return std::optional(std::move(out));
}

Result<StoredRelease> load_release(Deck& deck, const std::string& version) {
  if (auto found = TRY(find_release(deck, version))) return std::move(*found);
  const std::string near = nearest(version, TRY(list_releases(deck)));
  return fail_hint(ErrorKind::invalid,
                   near.empty() ? "make it first: tranche release create " + version
                                : "did you mean '" + near + "'? or: tranche release create " + version,
                   "app '{}' has no release {}", deck.app().name, version);
}

Result<std::vector<std::string>> list_releases(Deck& deck) {
  std::vector<std::string> versions;
  const std::string prefix = folder(deck);
  for (const std::string& name : TRY(deck.state_store().list(prefix))) {
    const std::string_view rest = std::string_view(name).substr(prefix.size());
    if (rest.ends_with("/manifest.json")) versions.emplace_back(rest.substr(0, rest.find('/')));
  }
  std::sort(versions.begin(), versions.end(),
            [](const std::string& a, const std::string& b) { return compare_versions(a, b) < 0; });
  return versions;
}

Result<std::optional<StoredRelease>> find_fallback(Deck& deck, const std::string& version) {
  std::vector<std::string> versions = TRY(list_releases(deck));
  for (auto candidate = versions.rbegin(); candidate != versions.rend(); ++candidate) {
    if (compare_versions(*candidate, version) <= 0) break;
    auto release = TRY(find_release(deck, *candidate));
    if (release && release->manifest.fallback_for == version) return release;
  }
  return std::optional<StoredRelease>();
}

Result<Created> create_release(Deck& deck, artifact::Manifest manifest,
                               const std::vector<DocumentBytes>& documents, const std::string& reason) {
  if (const auto existing = TRY(find_release(deck, manifest.version))) {
    if (same_content(manifest, existing->manifest)) {
      if (!TRY(is_journalled(deck, *existing))) TRY(journal_release(deck, *existing, reason));
      return Created{*existing, true};
    }
    return fail_hint(ErrorKind::invalid,
                     "a version names one thing for ever: build this under the next version",
                     "release {} exists with other content: {}", manifest.version,
                     first_difference(manifest, existing->manifest));
  }
  StoredRelease release;
  const crypto::SecretKey* key = TRY(deck.release_key());
  release.envelope = TRY(artifact::seal(manifest, *key));
  release.sha256 = artifact::manifest_digest(release.envelope);
  release.manifest = std::move(manifest);

  const std::string base = folder(deck) + release.manifest.version + "/";
  store::Publication publication;
  for (const DocumentBytes& document : documents)
    publication.files.push_back({base + document.first, document.second, {}});
  // The manifest comes last and only where none is: two runners that build at once cannot both be right.
  publication.pointer = store::Pointer{base + "manifest.json", release.envelope, {}};
  publication.message = fmt::format("release {} of {}", release.manifest.version, release.manifest.app);
  TRY_WHILE("recording release " + release.manifest.version, deck.state_store().publish(publication));
  TRY(deck.reload());
  TRY(journal_release(deck, release, reason));
  return Created{std::move(release), false};
}

}  // namespace tranche::actions
