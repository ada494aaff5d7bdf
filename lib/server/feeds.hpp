// What the served channels say now: one immutable snapshot a channel, swapped when the files change.
//
// A thread of its own polls the directories; I/O threads only read the pointer. A file that cannot be
// believed (bad signature, older sequence, another app) changes nothing but `trouble`: the last good feed
// stays.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "channel/feed.hpp"
#include "flags/flags.hpp"
#include "ports/ports.hpp"
#include "server/http.hpp"
#include "server/served.hpp"
#include "signing/keys.hpp"

namespace tranche::server {

struct Snapshot {
  bool loaded = false;  // false: no feed was good yet; then all but `trouble` is empty
  channel::Feed feed;
  std::shared_ptr<const Content> feed_file, flags_file;         // the bytes as signed; null: none
  std::map<std::string, std::shared_ptr<const Content>> flags;  // answers of /v1/flags/KEY
  // Answers of /v1/update, by version: one a cohort::Reason.
  std::map<std::string, std::array<std::shared_ptr<const Content>, 7>, std::less<>> answers;
  std::vector<std::shared_ptr<const ServedFeed>> served;  // feeds that this server decides
  std::string trouble;  // why what lies in the directory is not used; empty: it is

  [[nodiscard]] bool expired(Instant now) const { return now >= feed.expires; }
};

class Feeds {
 public:
  using Loaded = std::function<void(const ServedChannel&, const channel::Feed&)>;
  // Told in words when a channel's feed changes or gets into trouble; on the polling thread.
  using Tell = std::function<void(const std::string&)>;

  // Reads every channel once before it returns; a bad feed is no error, its snapshot says so.
  Feeds(ports::World& world, std::vector<ServedChannel> channels, Loaded loaded, Tell tell = {},
        FindEcosystem find_ecosystem = channel::find_ecosystem);
  Feeds(const Feeds&) = delete;
  Feeds& operator=(const Feeds&) = delete;
  ~Feeds();

  void start(Duration every);  // begins to poll
  void stop();
  void poll();  // once, now

  [[nodiscard]] const std::vector<ServedChannel>& channels() const { return channels_; }
  // Index of a channel; -1 when it is not served.
  [[nodiscard]] int find(std::string_view app, std::string_view channel) const;
  // Where the files of a channel are: "/stable/", or "/app/stable/" when two apps have a channel of that
  // name.
  [[nodiscard]] std::string prefix(std::size_t channel) const;
  [[nodiscard]] std::shared_ptr<const Snapshot> at(std::size_t channel) const {
    return snapshots_[channel].load(std::memory_order_acquire);
  }

 private:
  void poll(std::size_t channel);
  // What the feeds that the server decides are given now, and why not all of it.
  std::string prepare_served(std::size_t channel, Snapshot& snapshot, const Snapshot& before);
  ports::World& world_;
  std::vector<ServedChannel> channels_;
  Loaded loaded_;
  Tell tell_;
  FindEcosystem find_;
  std::vector<std::atomic<std::shared_ptr<const Snapshot>>> snapshots_;
  struct Raw {
    std::optional<std::string> feed, flags;
    std::string feed_trouble, flags_trouble, served_trouble;
  };
  std::vector<Raw> raw_;   // what was read last
  std::mutex poll_mutex_;  // one poll at a time
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

// A quoted entity tag made of the bytes' digest.
std::string make_etag(std::string_view bytes);

}  // namespace tranche::server
