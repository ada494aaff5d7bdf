// Any bytes as minisign's texts. What is read comes out as it went in, and nobody's signature verifies.
// rooms: signing
#include <cstdint>
#include <cstdlib>

#include "base/encoding.hpp"
#include "signing/minisign.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

// A secret key that no scrypt covers: a locked one would cost seconds and memory an input.
void read_open_secret(std::string_view bytes) {
  std::string whole = "Ed" + std::string(2, '\0') + "B2";
  whole += bytes.substr(0, 152);
  whole.resize(158);
  const auto key =
      MinisignSecretKey::parse(Secret("untrusted comment: x\n" + to_base64(whole) + "\n"), Secret());
  if (key && key->public_key().number.size() != 8) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto honest = *MinisignSecretKey::make(Secret(std::string(32, 'k')), "12345678");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto key = parse_minisign_public_key(bytes)) {
    const auto again = parse_minisign_public_key(to_text(*key));
    if (!again || *again != *key) std::abort();
  }
  if (const auto signature = parse_minisign_signature(bytes)) {
    const auto again = parse_minisign_signature(to_text(*signature));
    if (!again || *again != *signature) std::abort();
    if (verify_minisign_bytes("a file", *signature, honest.public_key())) std::abort();
    (void)comment_field(signature->trusted_comment, "version");
  }
  // A comment that is signed is read back as it was.
  if (const auto text = sign_minisign_digest(honest, std::string(64, 'd'), bytes)) {
    const auto signature = parse_minisign_signature(*text);
    if (!signature || signature->trusted_comment != bytes) std::abort();
    if (!verify_minisign_comment(*signature, honest.public_key())) std::abort();
  }
  read_open_secret(bytes);
  return 0;
}
