// The reference device: FEED.md's order, in which any failure keeps what runs.
//
// A fleet in one process would check the same signature ten thousand times. What depends on bytes alone is
// done once for the same bytes, as a site cache would: the feed's signature, a release's manifest, an
// artifact's size and digest. What depends on the device is done for each: sequence, expiry, decision.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "channel/feed.hpp"
#include "cohort/decide.hpp"
#include "signing/keys.hpp"

namespace tranche::fleet {

// Why a device kept what it ran, as a word for reports.
struct Refusal {
  std::string word;    // "feed-signature", "feed-expired", "feed-older", "manifest", "artifact", "download"
  std::string detail;  // the error's message
};

// Gets a file of the store by its name; at most `most` bytes.
using Fetch = std::function<Result<std::string>(std::string_view name, std::size_t most)>;

// Thread-safe.
class Site {
 public:
  Site(signing::Trust trust, std::string app, std::string channel, std::string platform = "linux/amd64");

  // Signature, app, channel, release entries: once for the same bytes. Null: refused, `refusal` says why.
  std::shared_ptr<const channel::Feed> open(std::string_view envelope, Instant now, Refusal& refusal);

  // The release is installable: manifest and the artifact of this platform are fetched and verified, once;
  // a failure is forgotten after a second. True: install it.
  bool install(const channel::Feed& feed, const std::string& version, const Fetch& fetch, Instant now,
               Refusal& refusal);

  [[nodiscard]] std::uint64_t bytes_downloaded() const;

 private:
  struct Release {
    std::mutex mutex;  // held while it is fetched: others wait for the one
    bool good = false;
    Instant failed{};
    Refusal refusal;
  };
  Result<std::uint64_t> download(const channel::Feed& feed, const std::string& version, const Fetch& fetch,
                                 std::string& word) const;
  signing::Trust trust_;
  std::string app_, channel_, platform_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const channel::Feed>, std::less<>> feeds_;  // by SHA-256 of the bytes
  std::map<std::string, std::shared_ptr<Release>> releases_;                        // by manifest digest
  std::uint64_t bytes_ = 0;
};

// What one device remembers between polls.
struct DeviceMemory {
  std::shared_ptr<const channel::Feed> feed;  // the newest one it has accepted
  std::uint64_t sequence = 0;
};

// A feed has arrived (or the one it has is still current: `fresh` null). The decision, or the refusal.
// cohort::Decision with an empty version means keep.
struct Verdict {
  cohort::Decision decision;
  bool refused = false;
  Refusal refusal;
};
Verdict consider(DeviceMemory& memory, std::shared_ptr<const channel::Feed> fresh,
                 const cohort::Device& device, std::string_view running, Instant now);

}  // namespace tranche::fleet
