// Envelopes and notes come from stores, feeds and other people's logs: no bytes may crash their readers, and
// what opens without our key would be a forgery.
// rooms: signing
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "signing/dsse.hpp"
#include "signing/note.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crypto::PublicKey key =
      crypto::SecretKey::from_seed(Secret(std::string(32, 'k')))->public_key();
  static const signing::Trust trust{{}, {key}, {}, {}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)signing::parse_envelope(text);
  if (signing::open_envelope(text, signing::manifest_type, trust)) std::abort();
  if (signing::open_note(text, "notes-agent/journal", std::vector{key})) std::abort();
  return 0;
}
