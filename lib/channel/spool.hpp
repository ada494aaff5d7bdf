// A stop that could not reach the journal. Whoever presses the red button without the state leaves one signed
// file beside the feed that says so, before the feed itself changes; the next run that has the journal takes
// it in (engine/stop.cpp). While one waits, no feed is published that does not know of it: a runner that has
// not seen the stop cannot put its own decision over it.
//
// `tranche/v1/spool/<sha256 of the file>.json`: a DSSE envelope by a feed key. Payload, RFC 8785 JSON:
// {"schema":"tranche/spool/v1","app","channel","rollout","release","fallback","by","reason","at",
//  "seen":{"sequence","sha256"}}; `seen` is the feed that was published when the button was pressed.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "crypto/ed25519.hpp"
#include "signing/keys.hpp"
#include "store/store.hpp"

namespace tranche::channel {

inline constexpr std::string_view spool_prefix = "tranche/v1/spool/";
inline constexpr std::size_t max_spool_bytes = 16 << 10;
// More files than this are not of ours: nobody presses the button so often before a tick.
inline constexpr std::size_t max_spooled = 256;

struct SpooledStop {
  std::string app, channel;
  std::string rollout;   // as the person named it; may be empty
  std::string release;   // that is taken back
  std::string fallback;  // where its devices go; empty: they keep it
  std::string by, reason;
  Instant at{};
  std::uint64_t seen_sequence = 0;
  std::string seen_sha256;  // hex, of the feed's payload; empty when nothing was published
  bool operator==(const SpooledStop&) const = default;
};

// kind invalid: a reason or a name that is longer than a reader takes.
Result<std::string> seal(const SpooledStop& stop, const crypto::Ed25519Signer& feed_key);
Result<SpooledStop> open_spooled(std::string_view envelope,
                                 const signing::Trust& trust);  // kind verification
std::string spool_name(std::string_view envelope);

struct Spooled {
  std::string name;  // in the store
  std::string envelope;
  SpooledStop stop;
};
struct Spool {
  std::vector<Spooled> stops;         // by their time, then by name
  std::vector<std::string> unproved;  // names of files that nobody trusted signed, or of another stream
};
// What waits beside a channel's feed, but for the names in `known`. kind verification: more files than
// max_spooled.
Result<Spool> read_spool(store::Store& store, const signing::Trust& trust, std::string_view app,
                         std::string_view channel, const std::set<std::string>& known = {});

}  // namespace tranche::channel
