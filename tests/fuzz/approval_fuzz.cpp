// Approvals come as files from other people's machines, tokens from a CI, SSH keys and signatures from
// anyone: no bytes may crash their readers, and what our key did not sign has no signer. rooms: signing
// crypto
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "crypto/ed25519.hpp"
#include "crypto/ssh_key.hpp"
#include "signing/approval.hpp"
#include "signing/jwt.hpp"
#include "signing/sshsig.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<crypto::SshKey> keys = [] {
    const auto secret = *crypto::SecretKey::from_seed(Secret(std::string(32, 'k')));
    return std::vector<crypto::SshKey>{
        {*crypto::AnyPublicKey::from_pem(crypto::to_pem(secret.public_key())), "", ""}};
  }();
  static const std::vector<signing::JsonWebKey> issuer{{"k", keys[0].key}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto document = signing::parse_approval(text)) {
    if (signing::find_signer(*document, keys)) std::abort();
    if (signing::signer_text(*document).empty()) std::abort();
    if (!signing::to_payload(document->approval)) std::abort();
  }
  if (const auto signature = signing::parse_sshsig(text))
    if (signing::verify_sshsig(*signature, keys[0], "tranche", "x")) std::abort();
  if (const auto key = crypto::ssh_key_from_blob(text)) {
    const auto again = crypto::to_ssh_blob(*key);
    if (!again || *again != text) std::abort();
  }
  (void)crypto::ssh_key_from_line(text);
  (void)crypto::verify_ssh(keys[0], "x", text);
  if (const auto set = signing::parse_jwks(text)) {
    const auto again = signing::parse_jwks(signing::to_jwks(*set));
    if (!again || again->size() != set->size()) std::abort();
  }
  if (signing::verify_token(text, issuer, {"i", "a", {}}, Instant{})) std::abort();
  return 0;
}
