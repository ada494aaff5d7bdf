// The reference client over a whole channel: what it would check for one device, here for everything that the
// feed names, and without stopping at the first finding.
#include <algorithm>

#include "base/text.hpp"
#include "channel/parts.hpp"

namespace tranche::channel {

namespace {

class Findings {
 public:
  // True when `result` is a success.
  template <class T>
  bool add(std::string check, const Result<T>& result, std::string good) {
    all.push_back({std::move(check), result.has_value(), result ? std::move(good) : result.error().message});
    return result.has_value();
  }
  std::vector<Finding> all;
};

// Somebody who is sent to a withdrawn version would be sent away again at the next poll.
Result<> check_directions(const cohort::Directions& directions) {
  const auto withdrawn = [&](const std::string& version) {
    return std::ranges::find(directions.withdrawn, version, &cohort::Withdrawn::version) !=
           directions.withdrawn.end();
  };
  constexpr auto kind = ErrorKind::verification;
  if (directions.offer && withdrawn(directions.offer->release))
    return fail(kind, "release {} is offered and withdrawn", directions.offer->release);
  if (withdrawn(directions.baseline)) return fail(kind, "baseline {} is withdrawn", directions.baseline);
  return {};
}

Result<> check_artifact(store::Store& store, const artifact::Manifest& manifest,
                        const artifact::Artifact& artifact) {
  const auto held = TRY(
      store.stat(artifact_name(manifest.version, artifact.name), artifact.size, store::DigestFrom::content));
  constexpr auto kind = ErrorKind::verification;
  if (!held) return fail(kind, "it is missing");
  if (held->size != artifact.size)
    return fail(kind, "it has {} bytes, the manifest says {}", held->size, artifact.size);
  if (held->sha256 != artifact.sha256)
    return fail(kind, "its SHA-256 is {}, the manifest says {}", held->sha256, artifact.sha256);
  return {};
}

// Errors that say something about the store and not about the channel end the check.
template <class T>
Result<> pass_on(const Result<T>& result) {
  if (result || result.error().kind == ErrorKind::verification) return {};
  return fail(result.error());
}

Result<artifact::Manifest> read_release(store::Store& store, const Feed& feed, const ReleaseRef& release,
                                        const signing::Trust& trust) {
  const auto blob = TRY(read_file(store, release.manifest_path, max_manifest_bytes));
  if (!blob) return fail(ErrorKind::verification, "{} is missing", release.manifest_path);
  return open_release(feed, release.version, blob->bytes, trust);
}

}  // namespace

Result<std::vector<Finding>> check_channel(store::Store& store, const signing::Trust& trust,
                                           std::string_view app, std::string_view channel, Instant now,
                                           bool with_artifacts) {
  Findings findings;
  const auto blob = read_file(store, std::string(feed_name), max_feed_bytes);
  TRY(pass_on(blob));
  if (!blob || !blob->has_value()) {
    findings.all.push_back(
        {"feed", false, blob ? fmt::format("{} is missing", feed_name) : blob.error().message});
    return findings.all;
  }
  const auto opened = open_signed((*blob)->bytes, trust);
  if (!findings.add("signature", opened, "by a trusted feed key")) return findings.all;
  const Feed& feed = *opened;
  findings.add("app and channel", check_stream(feed, app, channel), feed.app + ", " + feed.channel);
  findings.add("expiry", check_expiry(feed, now), "until " + tranche::to_text(feed.expires));
  findings.add("releases", check_releases(feed),
               fmt::format("{} named, sequence {}", feed.releases.size(), feed.sequence));
  findings.add("directions", check_directions(feed.directions), "no version is given and taken back");
  for (const ReleaseRef& release : feed.releases) {
    const auto manifest = read_release(store, feed, release, trust);
    TRY(pass_on(manifest));
    if (!findings.add("manifest " + release.version, manifest, "by a trusted release key")) continue;
    if (!with_artifacts) continue;
    for (const auto& artifact : manifest->artifacts) {
      const auto checked = check_artifact(store, *manifest, artifact);
      TRY(pass_on(checked));
      findings.add(fmt::format("artifact {} {}", release.version, artifact.name), checked,
                   fmt::format("{} bytes, digest as signed", artifact.size));
    }
  }
  return findings.all;
}

}  // namespace tranche::channel
