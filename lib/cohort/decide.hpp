// Who gets what: the one decision function, shared by the feed's reference client, the server, the fleet,
// `explain` and `plan`. PURE: FEED.md's bucket and rules, nothing else. What the feed says comes in as
// Directions, without keys, times or digests: those are the reader's business before it asks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/percent.hpp"

namespace tranche::cohort {

struct Device {
  std::string id;                             // 1..128 bytes of printable ASCII
  std::map<std::string, std::string> labels;  // at most 32, names and values 1..128 bytes of printable ASCII
};
Result<> check_device(const Device& device);  // kind invalid

// FEED.md: first 8 bytes, big-endian, of SHA-256("tranche/1" 00 salt 00 device-id).
std::uint64_t bucket(std::string_view salt, std::string_view device_id);
// floor(ppm * 2^64 / 10^6) for ppm < 10^6. A whole percent has no threshold: it is `all`.
std::uint64_t threshold(Percent percent);
// Listed devices appear in feeds only like this: hex of SHA-256("tranche/1/device" 00 salt 00 device-id).
std::string listed_hash(std::string_view salt, std::string_view device_id);

// A device is in when its labels match (every label of the rule present with one of its values; none =
// everyone), the list (when there is one) holds its hash, and its bucket is below (or all).
struct Rule {
  std::map<std::string, std::vector<std::string>> labels;
  std::vector<std::string> devices;  // listed_hash values, sorted; empty: no list
  std::optional<std::uint64_t> below;
  bool all = false;  // exactly one of below and all
  // The channel file that these devices read in static feeds; no part of the native feed. Empty: the
  // channel's.
  std::string feed_channel;
  bool operator==(const Rule&) const = default;
};
struct Offer {
  std::string release;  // version
  std::string salt;
  std::vector<Rule> rules;  // cumulative: exposure is the union
  bool operator==(const Offer&) const = default;
};
struct Withdrawn {
  std::string version;
  std::string fallback;  // version; empty: nothing to go to (devices keep it, stranded)
  bool operator==(const Withdrawn&) const = default;
};
struct Hold {
  std::map<std::string, std::vector<std::string>> labels;
  std::string max_version;   // "1.1" allows 1.1.x, not 1.2.0
  std::string feed_channel;  // as a rule's
  bool operator==(const Hold&) const = default;
};
struct Directions {
  std::optional<Offer> offer;
  std::string baseline;  // version; empty: none yet
  std::vector<Withdrawn> withdrawn;
  std::vector<Hold> holds;
  bool operator==(const Directions&) const = default;
};

enum class Reason {
  withdrawn,  // runs a withdrawn version: goes to its fallback, even if lower
  stranded,   // runs a withdrawn version that has no fallback, and nothing newer reaches it
  offered,    // a rule reaches it
  held,       // a rule or the baseline reaches it, an administrator's pin keeps it
  baseline,   // not reached: the baseline
  newer,      // runs something newer than all it is given, nothing withdrawn: never downgraded
  nothing,    // there is neither offer nor baseline for it
};
std::string_view to_text(Reason reason);

struct Decision {
  std::string version;  // what it should run; empty: keep what runs
  Reason reason = Reason::nothing;
  int rule = -1;             // index of the first rule that reaches it, when one does
  std::uint64_t bucket = 0;  // under the offer's salt, when there is an offer
  bool operator==(const Decision&) const = default;
};
// `running` is the version the device runs; empty: a new install.
// Order: withdrawn, holds, offer, baseline (FEED.md).
Decision decide(const Directions& directions, const Device& device, std::string_view running);

// The arm of a device while there is an offer. Devices with the same chance of exposure form a stratum; only
// within a stratum may arms be compared (PRODUCT.md "Gates"). The stratum's name is that chance in parts per
// million.
enum class Arm { none, canary, control };  // none: no offer, or a pin keeps the offer from the device
std::string_view to_text(Arm arm);
struct Placement {
  Arm arm = Arm::none;
  std::uint32_t stratum =
      0;  // 0 .. 1'000'000: largest chance among rules whose labels (and list) reach the device
  [[nodiscard]] bool randomised() const { return stratum > 0 && stratum < Percent::whole; }
};
Placement place(const Directions& directions, const Device& device);

// In words, one sentence a step, for `explain`: bucket, threshold, rule, pin.
std::vector<std::string> explain(const Directions& directions, const Device& device,
                                 std::string_view running);

}  // namespace tranche::cohort
