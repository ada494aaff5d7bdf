#include "fleet/client.hpp"

#include "artifact/manifest.hpp"
#include "crypto/digest.hpp"

namespace tranche::fleet {

namespace {

constexpr std::size_t most_artifact_bytes = std::size_t{1} << 30;
constexpr std::size_t most_feeds_kept = 64;

}  // namespace

Site::Site(signing::Trust trust, std::string app, std::string channel, std::string platform)
    : trust_(std::move(trust)),
      app_(std::move(app)),
      channel_(std::move(channel)),
      platform_(std::move(platform)) {}

std::shared_ptr<const channel::Feed> Site::open(std::string_view envelope, Instant now, Refusal& refusal) {
  const crypto::Sha256Digest digest = crypto::sha256(envelope);
  const std::string_view key = crypto::as_bytes(digest);
  {
    const std::lock_guard lock(mutex_);
    const auto found = feeds_.find(key);
    if (found != feeds_.end()) return found->second;
  }
  auto feed = channel::open_feed(envelope, trust_, app_, channel_, now, {});
  if (!feed) {
    refusal = {"feed-refused", feed.error().message};
    return nullptr;
  }
  auto kept = std::make_shared<const channel::Feed>(std::move(*feed));
  const std::lock_guard lock(mutex_);
  if (feeds_.size() >= most_feeds_kept) feeds_.clear();
  feeds_.emplace(key, kept);
  return kept;
}

Result<std::uint64_t> Site::download(const channel::Feed& feed, const std::string& version,
                                     const Fetch& fetch, std::string& word) const {
  const channel::ReleaseRef* ref = nullptr;
  for (const channel::ReleaseRef& release : feed.releases)
    if (release.version == version) ref = &release;
  word = "manifest";
  if (ref == nullptr) return fail(ErrorKind::verification, "the feed does not name release {}", version);
  word = "download";
  const std::string envelope = TRY(fetch(ref->manifest_path, channel::max_manifest_bytes));
  word = "manifest";
  const artifact::Manifest manifest = TRY(channel::open_release(feed, version, envelope, trust_));
  const artifact::Artifact* wanted = nullptr;
  for (const artifact::Artifact& one : manifest.artifacts)
    if (wanted == nullptr && (one.platform == platform_ || one.platform == "any")) wanted = &one;
  word = "artifact";
  if (wanted == nullptr)
    return fail(ErrorKind::verification, "release {} has no artifact for {}", version, platform_);
  if (wanted->size > most_artifact_bytes)
    return fail(ErrorKind::verification, "artifact {} is larger than 1 GiB", wanted->name);
  word = "download";
  const std::string bytes =
      TRY(fetch(channel::artifact_name(version, wanted->name), static_cast<std::size_t>(wanted->size)));
  word = "artifact";
  if (bytes.size() != wanted->size || crypto::to_hex(crypto::sha256(bytes)) != wanted->sha256)
    return fail(ErrorKind::verification, "artifact {} of {} has other bytes than its manifest says",
                wanted->name, version);
  return envelope.size() + bytes.size();
}

bool Site::install(const channel::Feed& feed, const std::string& version, const Fetch& fetch, Instant now,
                   Refusal& refusal) {
  std::string digest;
  for (const channel::ReleaseRef& release : feed.releases)
    if (release.version == version) digest = release.manifest_sha256;
  std::shared_ptr<Release> release;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = releases_[version + " " + digest];
    if (!slot) slot = std::make_shared<Release>();
    release = slot;
  }
  const std::lock_guard lock(release->mutex);
  if (release->good) return true;
  if (release->failed != Instant{} && now - release->failed < std::chrono::seconds(1)) {
    refusal = release->refusal;
    return false;
  }
  std::string word;
  const auto bytes = download(feed, version, fetch, word);
  if (bytes) {
    release->good = true;
    const std::lock_guard total(mutex_);
    bytes_ += *bytes;
    return true;
  }
  release->failed = now;
  release->refusal = {word, bytes.error().message};
  refusal = release->refusal;
  return false;
}

std::uint64_t Site::bytes_downloaded() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

Verdict consider(DeviceMemory& memory, std::shared_ptr<const channel::Feed> fresh,
                 const cohort::Device& device, std::string_view running, Instant now) {
  Verdict verdict;
  const auto refuse = [&](std::string word, std::string detail) {
    verdict.refused = true;
    verdict.refusal = {std::move(word), std::move(detail)};
    return verdict;
  };
  if (fresh) {
    if (now >= fresh->expires) return refuse("feed-expired", "the feed has expired");
    if (fresh->sequence < memory.sequence) return refuse("feed-older", "the feed is older than one seen");
    memory.feed = std::move(fresh);
    memory.sequence = memory.feed->sequence;
  }
  if (!memory.feed) return verdict;
  if (now >= memory.feed->expires) return refuse("feed-expired", "the feed has expired");
  verdict.decision = cohort::decide(memory.feed->directions, device, running);
  if (verdict.decision.version == running) verdict.decision.version.clear();
  return verdict;
}

}  // namespace tranche::fleet
