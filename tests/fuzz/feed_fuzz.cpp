// Any bytes as a feed: the payload that some feed key did sign, and the envelope that nobody did. What is
// accepted must come out as it went in, and nothing opens without the key.
// rooms: channel
#include <cstdint>
#include <cstdlib>

#include "channel/feed.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key = *crypto::SecretKey::from_seed(Secret(std::string(32, 'f')));
  static const signing::Trust trust{{}, {}, {key.public_key()}, {}};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto feed = channel::parse_payload(bytes)) {
    const auto again = channel::parse_payload(channel::to_payload(*feed));
    if (!again || *again != *feed) std::abort();
    // Whatever a signed feed says, deciding by it ends.
    (void)cohort::decide(feed->directions, {"device-1", {{"ring", "pilot"}}}, "1.0.0");
  }
  if (channel::open_feed(bytes, trust, "notes-agent", "stable", Instant(), {})) std::abort();
  return 0;
}
