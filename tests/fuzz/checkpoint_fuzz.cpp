// Checkpoints are text that a log and its witnesses signed, inside a stranger's bundle: no bytes may crash
// the reader, and what it returns is what was signed.
// rooms: sigstore
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "crypto/ed25519.hpp"
#include "sigstore/checkpoint.hpp"

using namespace tranche;
using namespace tranche::sigstore;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto secret = crypto::SecretKey::from_seed(Secret(std::string(32, 'k')));
  static const TransparencyLog log{
      .base_url = "https://log.example",
      .id = std::string(32, 'i'),
      .checkpoint_id = std::string(32, 'i'),
      .key = *crypto::AnyPublicKey::from_pem(crypto::to_pem(secret->public_key())),
      .scheme = crypto::Scheme::ed25519,
      .validity = {}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto checkpoint = read_checkpoint(text);
  if (!checkpoint) return 0;
  if (!text.starts_with(checkpoint->text) || checkpoint->root.size() != 32) std::abort();
  if (check_checkpoint(*checkpoint, log)) std::abort();  // without the key that would be a forgery
  return 0;
}
