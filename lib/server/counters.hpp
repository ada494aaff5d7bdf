// What devices report, added up: cumulative counters per boot become increments by arm and stratum.
//
// Rules (FEED.md "Check-in"):
// - (device, boot, seq) counts once: a repeated or late report changes nothing; a lost one is made up by the
//   next, because counters are cumulative.
// - Two boots of a device are remembered, so that the last report of the old one may arrive after the first
//   of the new. A boot whose beginning (seq 1) was not seen here is a baseline: its first report counts
//   nothing, later ones count what was added. That is what a restart of the server looks like.
// - A counter that goes backwards within a boot is refused, and the report counts nothing.
// - Per device at most Bounds::* of each counter count; the excess is dropped for ever and shows
//   in tranche_clamped_total.
// - Arm and stratum are the server's own: cohort::place, by the dice of the updater that the device reports
//   (static_arm.hpp), at the time of the device's report before this one.
//   What a report adds happened since then; counting it for an arm that the device has just entered would
//   credit the release with sessions of the version before it. Both arms follow the same rule. The first
//   report of a device counts where it is placed at that moment.
// - Assigned devices are those that a sample-ratio test may count: see Bounds::settle. What is compared is
// what
//   chance has divided: the arm is the bucket's, whatever version a device runs, so one that updates late or
//   never is a canary like the others. A device is in when it says something about its time in the arm: its
//   first report that counts for the arm. One that the release kills is missing from there on. When reports
//   come may depend on the arm (an update restarts a canary, and it reports at once), so devices are shown in
//   batches: all that were heard from until settle after the offer began, then until twice settle, and so on.
//   Each counts once for a release and stratum, and at most 16 times for a release, whatever labels it sends.
//   An offer that was on when this server began is not counted: how many were heard from before is not known.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "cohort/decide.hpp"
#include "server/checkin.hpp"

namespace tranche::server {

struct Bounds {
  Duration window = std::chrono::minutes(1);
  std::uint32_t sessions = 1000, signal = 100;  // per device and window
  // Per device: crashes at once, and one more every crash_every. Five a minute, as it once was, would let one
  // lying device fail a release alone; no honest one adds more than this to what is known.
  std::uint32_t crashes = 5;
  Duration crash_every = std::chrono::hours(2);
  std::size_t max_devices = 5'000'000;      // about 150 bytes each
  std::size_t max_versions = 64;            // per channel, those the feed names not counted; more are "other"
  std::size_t max_signals = 32;             // per channel; more are "other"
  Duration settle = std::chrono::hours(2);  // at least twice the longest time between a device's reports
  Duration forget_after = std::chrono::hours(26);  // silent devices make room when the table is full
};

enum class Counted { counted, duplicate, late, baseline };

// Devices of one kind, as of their last check-in: for the status page.
struct Row {
  std::string app, channel, version;
  cohort::Arm arm = cohort::Arm::none;
  std::uint32_t stratum = 0;
  std::uint64_t devices = 0, sessions = 0, crashes = 0;
};

class Counters {
 public:
  // `key`: 16 or more random bytes, so that nobody can choose two ids that collide in the device table.
  Counters(Instant started, std::string key, Bounds bounds = {});
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;
  ~Counters();

  // A feed was loaded: its versions are known, and with an offer the series of both arms are born at 0. An
  // offer that comes with the first feed of a channel may be of any age; later ones begin now.
  void see_feed(std::string_view app, std::string_view channel, const cohort::Directions& directions,
                Instant now = {});

  // Kind invalid: the report contradicts an earlier one. Kind failed: no room for another device.
  Result<Counted> report(const CheckIn& in, const cohort::Directions& directions, Instant now);
  void count_refused();  // a check-in that could not be read

  // Prometheus text format 0.0.4. `now`: batches of assigned devices until then are in.
  [[nodiscard]] std::string exposition(Instant now = {}) const;
  [[nodiscard]] std::vector<Row> rows() const;

  struct SeriesQuery {
    std::string app, channel;
    std::string name;     // "sessions", "crashes", "signal:NAME"
    std::string release;  // only what was counted while this was on offer; empty: any
    Instant after{}, until{};
    Duration step{};  // multiple of 1 s (26 h back) or of 100 ms (10 minutes back)
  };
  // The wire form of /v1/series (metrics/source.hpp), at most 11,000 windows, only complete ones. A window in
  // which a batch ends holds its assigned devices too. Kind invalid.
  Result<std::string> series(const SeriesQuery& query, Instant now);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tranche::server
