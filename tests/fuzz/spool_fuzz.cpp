// Any bytes as a stop that waits beside a feed: what a feed key did sign, and what nobody did. Whoever can
// write to a store can leave files there; nothing opens without the key, and what is accepted is sealed and
// opened again as it was. rooms: channel
#include <cstdint>
#include <cstdlib>

#include "channel/spool.hpp"
#include "signing/dsse.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key = *crypto::SecretKey::from_seed(Secret(std::string(32, 'f')));
  static const signing::Trust trust{{}, {}, {key.public_key()}, {}};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (channel::open_spooled(bytes, trust)) std::abort();
  const auto signed_bytes = signing::sign_envelope(signing::spool_type, bytes, key);
  if (!signed_bytes) return 0;
  const auto stop = channel::open_spooled(*signed_bytes, trust);
  if (!stop) return 0;
  const auto sealed = channel::seal(*stop, key);
  if (!sealed) std::abort();
  const auto again = channel::open_spooled(*sealed, trust);
  if (!again || *again != *stop) std::abort();
  return 0;
}
