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

std::string describe_difference(const artifact::Manifest& mine, const artifact::Manifest& recorded) {
  for (const artifact::Artifact& item : mine.artifacts) {
    const artifact::Artifact* other = recorded.find(item.name);
    if (other == nullptr) return fmt::format("artifact '{}' is new (SHA-256 {})", item.name, item.sha256);
    if (other->sha256 != item.sha256)
      return fmt::format("artifact '{}' has SHA-256 {} now, and {} on record", item.name, item.sha256,
                         other->sha256);
    if (other->platform != item.platform)
      return fmt::format("artifact '{}' is for {} now, and for {} on record", item.name, item.platform,
                         other->platform);
  }
  for (const artifact::Artifact& item : recorded.artifacts)
    if (mine.find(item.name) == nullptr)
      return fmt::format("artifact '{}' is gone (SHA-256 {})", item.name, item.sha256);
  if (const auto changed = describe_behaviour_change(recorded.behaviour, mine.behaviour); !changed.empty())
    return changed.front();
  const auto shown = [](const std::string& version) { return version.empty() ? "none" : version; };
  if (mine.same_as != recorded.same_as)
    return fmt::format("--same-as is {} now, and {} on record", shown(mine.same_as), shown(recorded.same_as));
  if (mine.fallback_for != recorded.fallback_for)
    return fmt::format("--fallback-for is {} now, and {} on record", shown(mine.fallback_for),
                       shown(recorded.fallback_for));
  return {};
}

Result<> check_same(const artifact::Manifest& mine, const artifact::Manifest& recorded) {
  const std::string difference = describe_difference(mine, recorded);
  if (difference.empty()) return {};
  return fail_hint(ErrorKind::invalid,
                   "a version names one thing for ever: build this under the next version",
                   "release {} exists with other content: {}", recorded.version, difference);
}

// Documents of a release that are not in the store as they were signed.
Result<std::vector<artifact::Document>> find_damaged(Deck& deck, const artifact::Manifest& manifest) {
  std::vector<artifact::Document> damaged;
  for (const auto* list : {&manifest.sboms, &manifest.attestations, &manifest.signatures, &manifest.feeds})
    for (const artifact::Document& document : *list) {
      const auto there = TRY(deck.state_store().stat(folder(deck) + manifest.version + "/" + document.name,
                                                     document.size, store::DigestFrom::content));
      if (!there || there->sha256 != document.sha256) damaged.push_back(document);
    }
  return damaged;
}

Result<> restore_documents(Deck& deck, const StoredRelease& release,
                           const std::vector<DocumentBytes>& documents) {
  store::Publication publication;
  const std::string base = folder(deck) + release.manifest.version + "/";
  for (const artifact::Document& lost : TRY(find_damaged(deck, release.manifest))) {
    const auto made = std::ranges::find_if(documents, [&](const DocumentBytes& document) {
      return document.first == lost.name && crypto::to_hex(crypto::sha256(document.second)) == lost.sha256;
    });
    if (made == documents.end())
      return fail_hint(ErrorKind::verification,
                       "put it back from a copy of the state, or build this under the next version",
                       "'{}' of release {} is gone from {} or was changed, and cannot be made again with "
                       "SHA-256 {}",
                       printable(lost.name), release.manifest.version, deck.state_store().describe(),
                       lost.sha256);
    publication.files.push_back({base + made->first, made->second, {}});
  }
  if (publication.files.empty()) return {};
  publication.message =
      fmt::format("documents of release {} of {}, again", release.manifest.version, release.manifest.app);
  TRY_WHILE("storing the documents of release " + release.manifest.version + " again",
            deck.state_store().publish(publication));
  return deck.reload();
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

Result<std::optional<StoredRelease>> find_same_release(Deck& deck, const artifact::Manifest& manifest) {
  auto existing = TRY(find_release(deck, manifest.version));
  if (!existing) return existing;
  TRY(check_same(manifest, existing->manifest));
  const bool whole = TRY(find_damaged(deck, existing->manifest)).empty();
  if (whole && TRY(is_journalled(deck, *existing))) return existing;
  return std::optional<StoredRelease>();
}

Result<Created> create_release(Deck& deck, artifact::Manifest manifest,
                               const std::vector<DocumentBytes>& documents, const std::string& reason) {
  if (const auto existing = TRY(find_release(deck, manifest.version))) {
    TRY(check_same(manifest, existing->manifest));
    TRY(restore_documents(deck, *existing, documents));
    if (!TRY(is_journalled(deck, *existing))) TRY(journal_release(deck, *existing, reason));
    return Created{*existing, true};
  }
  StoredRelease release;
  const crypto::Ed25519Signer* key = TRY(deck.release_key());
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
