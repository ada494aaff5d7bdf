// Publishing, in the order that lets a reader at any instant see the old feed with all it names or the new
// one with all it names: artifacts, then the manifest, and the feed last and conditionally.
//
// Names of artifacts hold the version, so they never change once written: other bytes under a known name mean
// that one version was built twice, and are refused.
#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "channel/ecosystem.hpp"
#include "channel/parts.hpp"
#include "crypto/digest.hpp"

namespace tranche::channel {

namespace {

enum class Held { absent, same, other };

Result<Held> compare(store::Store& store, const std::string& name, std::uint64_t size,
                     std::string_view sha256) {
  const auto held = TRY(store.stat(name, size));
  if (!held) return Held::absent;
  return held->size == size && held->sha256 == sha256 ? Held::same : Held::other;
}

Error two_digests(std::string_view version, std::string_view what, const store::Store& store) {
  return {
      ErrorKind::invalid,
      fmt::format("{} of version {} is published in {} with other bytes", what, version, store.describe()),
      "a version is published once: give the new build a new version"};
}

// What binds a document is the signed manifest: its bytes are compared before they are written.
Result<> check_document(std::string_view version, const artifact::Document& document,
                        std::string_view bytes) {
  if (bytes.size() == document.size && crypto::to_hex(crypto::sha256(bytes)) == document.sha256) return {};
  return fail_hint(ErrorKind::verification, "create the release again under the next version",
                   "'{}' of version {} is not the document that was signed", document.name, version);
}

// The file to write for a document of the manifest; nullopt when the store holds it.
Result<std::optional<store::File>> missing_document(store::Store& store, const std::string& version,
                                                    const artifact::Document& document,
                                                    const std::vector<NamedBytes>& documents) {
  const std::string name = artifact_name(version, document.name);
  const auto held = TRY(compare(store, name, document.size, document.sha256));
  if (held == Held::same) return std::nullopt;
  if (held == Held::other) return fail(two_digests(version, fmt::format("'{}'", document.name), store));
  const auto given = std::ranges::find(documents, document.name, &NamedBytes::first);
  if (given == documents.end())
    return fail_hint(ErrorKind::invalid, "publish from where the release was created",
                     "'{}', which feed '{}' needs of version {}, is not here", document.name, document.type,
                     version);
  TRY(check_document(version, document, given->second));
  return store::File{.name = name,
                     .bytes = given->second,
                     .copy_from = {},
                     .sha256 = document.sha256,
                     .caching = store::Caching::immutable};
}

}  // namespace

Result<std::optional<std::string>> read_facts(store::Store& store, const artifact::Manifest& manifest,
                                              std::string_view feed) {
  const auto document = std::ranges::find(manifest.feeds, feed, &artifact::Document::type);
  if (document == manifest.feeds.end()) return std::nullopt;
  const std::string name = artifact_name(manifest.version, document->name);
  auto blob = TRY(read_file(store, name, std::min<std::uint64_t>(document->size, max_facts_bytes)));
  if (!blob)
    return fail_hint(ErrorKind::verification, "publish the release again", "{} is missing in {}", name,
                     store.describe());
  TRY(check_document(manifest.version, *document, blob->bytes));
  return std::move(blob->bytes);
}

Result<std::optional<store::Blob>> read_file(store::Store& store, const std::string& name,
                                             std::size_t max_bytes) {
  auto blob = store.get(name, max_bytes);
  if (!blob && blob.error().kind == ErrorKind::invalid)
    return fail_hint(ErrorKind::verification, "this is no file of ours", "{} in {}: {}", name,
                     store.describe(), blob.error().message);
  return blob;
}

Result<Feed> open_published(const store::Store& store, std::string_view envelope,
                            const signing::Trust& trust) {
  auto feed = open_signed(envelope, trust);
  if (feed) return feed;
  Error error = std::move(feed.error());
  if (signing::is_damaged(envelope, signing::feed_type, trust))
    error.hint = "run the next tick: it publishes the feed again from the journal; or restore the file";
  else if (error.hint.empty())
    error.hint = "it is no feed of this tranche: restore the file, or remove it and run the next tick";
  return fail(std::move(error).during(fmt::format("reading {} in {}", feed_name, store.describe())));
}

Result<std::optional<Published>> read_published(store::Store& store, const signing::Trust& trust,
                                                std::string_view app, std::string_view channel) {
  auto blob = TRY(read_file(store, std::string(feed_name), max_feed_bytes));
  if (!blob) return std::optional<Published>();
  auto feed = TRY(open_published(store, blob->bytes, trust));
  TRY(check_stream(feed, app, channel));
  return std::optional(Published{std::move(feed), std::move(blob->version)});
}

Result<ReleaseRef> publish_release(store::Store& store, const artifact::Manifest& manifest,
                                   std::string_view manifest_envelope,
                                   const std::vector<std::pair<std::string, std::string>>& artifact_paths,
                                   const std::vector<NamedBytes>& documents) {
  const std::map<std::string, std::string> paths(artifact_paths.begin(), artifact_paths.end());
  const std::string& version = manifest.version;
  const ReleaseRef release{version, artifact::manifest_digest(manifest_envelope), manifest_name(version)};
  const auto manifest_held =
      TRY(compare(store, release.manifest_path, manifest_envelope.size(), release.manifest_sha256));
  if (manifest_held == Held::other) return fail(two_digests(version, "the manifest", store));

  store::Publication publication;
  publication.message = fmt::format("release {} {}", manifest.app, version);
  for (const auto& artifact : manifest.artifacts) {
    const std::string name = artifact_name(version, artifact.name);
    if (name == release.manifest_path)
      return fail_hint(ErrorKind::invalid, "give the artifact another name",
                       "an artifact named '{}' would lie where the manifest does", artifact.name);
    const auto held = TRY(compare(store, name, artifact.size, artifact.sha256));
    if (held == Held::same) continue;
    if (held == Held::other)
      return fail(two_digests(version, fmt::format("artifact '{}'", artifact.name), store));
    const auto path = paths.find(artifact.name);
    if (path == paths.end())
      return fail_hint(ErrorKind::invalid, "build it, or fetch it from where it was signed",
                       "artifact '{}' of version {} is not here", artifact.name, version);
    // The local file may have changed since it was signed: the store checks what it writes.
    publication.files.push_back(
        {.name = name, .bytes = {}, .copy_from = path->second, .sha256 = artifact.sha256});
  }
  for (const auto& document : manifest.feeds)
    if (auto file = TRY(missing_document(store, version, document, documents)))
      publication.files.push_back(std::move(*file));
  if (manifest_held == Held::absent)
    publication.files.push_back({.name = release.manifest_path,
                                 .bytes = std::string(manifest_envelope),
                                 .copy_from = {},
                                 .sha256 = release.manifest_sha256,
                                 .caching = store::Caching::immutable});
  if (publication.files.empty()) return release;
  TRY_WHILE(fmt::format("publishing release {} to {}", version, store.describe()),
            store.publish(publication));
  return release;
}

Result<std::string> seal_checked(const Feed& feed, const signing::Trust& trust,
                                 const crypto::Ed25519Signer& feed_key) {
  std::string envelope = TRY(seal(feed, feed_key));
  if (envelope.size() > max_feed_bytes)
    return fail_hint(ErrorKind::invalid, "use labels instead of long lists of devices",
                     "the feed of channel '{}' would have {} bytes, more than {}", feed.channel,
                     envelope.size(), max_feed_bytes);
  // What no client would accept is not published: it would stop every device of the channel.
  const auto opened = open_signed(envelope, trust);
  auto readable = opened ? check_releases(*opened) : Result<>(fail(opened.error()));
  if (!readable) {
    auto error = std::move(readable.error());
    return fail(std::move(error).during("checking the feed before publishing it"));
  }
  if (*opened != feed)
    return fail(ErrorKind::bug, "the feed of channel '{}' does not read back equal", feed.channel);
  return envelope;
}

}  // namespace tranche::channel
