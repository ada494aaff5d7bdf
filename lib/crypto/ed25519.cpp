// Ed25519 keys. libsodium signs and verifies (twice as fast as OpenSSL 3.0, and it refuses small-order keys
// and non-canonical signatures); the PEM armour is OpenSSL's.
//
// RFC 8410: both DER forms of an Ed25519 key are a fixed prefix and 32 bytes. The public form is compared
// with that prefix exactly, DER being canonical; the private one may also be PKCS#8 version 2 and carry
// attributes, so its frame is parsed.
#include "crypto/ed25519.hpp"

#include <openssl/pem.h>
#include <sodium.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/pem.hpp"

namespace tranche::crypto {

namespace {

constexpr std::string_view spki_prefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
constexpr std::string_view pkcs8_prefix("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20",
                                        16);
// PrivateKeyAlgorithm, then the key: an OCTET STRING in an OCTET STRING (CurvePrivateKey)
constexpr std::string_view pkcs8_algorithm = pkcs8_prefix.substr(5);
constexpr std::size_t max_pem_bytes = 16 * 1024;  // an Ed25519 key is 120; attributes may follow

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// The DER of the first PEM block with this label. Other blocks before it (openssl writes parameters there)
// are skipped; when there is no such block, the message names what was found.
Result<Secret> read_pem(std::string_view pem, std::string_view wanted) {
  const std::string hint = fmt::format(
      "it must hold -----BEGIN {}----- with an Ed25519 key, as `tranche key generate` writes it", wanted);
  if (pem.size() > max_pem_bytes)
    return fail_hint(ErrorKind::verification, hint, "the key is larger than {} bytes", max_pem_bytes);
  std::string other;
  for (PemBlock& block : read_pem_blocks(pem).blocks) {
    if (wanted == block.label && !block.locked) return std::move(block.der);
    if (other.empty()) other = block.locked ? fmt::format("{} with a passphrase", block.label) : block.label;
  }
  if (other.empty()) return fail_hint(ErrorKind::verification, hint, "there is no PEM key in it");
  return fail_hint(ErrorKind::verification, hint, "it holds '{}', not '{}'", printable(other, 60), wanted);
}

// OneAsymmetricKey (RFC 5958): SEQUENCE, version 0 or 1, algorithm, key, then attributes and the public half,
// which are passed over. OpenSSL 3.0 does not read version 1.
Result<std::string_view> seed_in_pkcs8(std::string_view der) {
  const auto byte = [&](std::size_t at) {
    return at < der.size() ? static_cast<unsigned char>(der[at]) : 0U;
  };
  const std::size_t header = byte(1) == 0x81 ? 3 : 2;
  if (byte(0) != 0x30 || byte(header - 1) != der.size() - header || byte(header) != 0x02 ||
      byte(header + 1) != 1 || byte(header + 2) > 1)
    return fail_hint(ErrorKind::verification, "make one with `tranche key generate`",
                     "the private key is not valid PKCS#8");
  const std::string_view rest = der.substr(header + 3);
  if (!rest.starts_with(pkcs8_algorithm) || rest.size() < pkcs8_algorithm.size() + crypto_sign_SEEDBYTES)
    return fail_hint(ErrorKind::verification, "make one with `tranche key generate`",
                     "the private key is no Ed25519 key");
  return rest.substr(pkcs8_algorithm.size(), crypto_sign_SEEDBYTES);
}

void start_sodium() {
  static const int ready = sodium_init();  // picks the implementation for this processor
  (void)ready;
}

}  // namespace

Result<SecretKey> SecretKey::from_seed(const Secret& seed) {
  if (seed.expose().size() != crypto_sign_SEEDBYTES)
    return fail(ErrorKind::bug, "an Ed25519 seed has {} bytes, this has {}", crypto_sign_SEEDBYTES,
                seed.expose().size());
  start_sodium();
  SecretKey key;
  std::string expanded(crypto_sign_SECRETKEYBYTES, '\0');
  crypto_sign_seed_keypair(key.public_.bytes.data(), reinterpret_cast<unsigned char*>(expanded.data()),
                           raw(seed.expose()));
  key.expanded_ = Secret(std::move(expanded));
  return key;
}

Result<SecretKey> SecretKey::from_pem(const Secret& pem) {
  const Secret der = TRY(read_pem(pem.expose(), PEM_STRING_PKCS8INF));
  const std::string_view seed = TRY(seed_in_pkcs8(der.expose()));
  return from_seed(Secret(std::string(seed)));
}

Secret SecretKey::to_pem() const {
  std::string der(pkcs8_prefix);
  der.append(expanded_.expose().substr(0, crypto_sign_SEEDBYTES));  // libsodium's form is seed ‖ public key
  const Secret guarded(std::move(der));
  return write_pem(PEM_STRING_PKCS8INF, guarded.expose());
}

std::string SecretKey::sign(std::string_view message) const {
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, raw(message),
                       message.size(), raw(expanded_.expose()));
  return signature;
}

Result<PublicKey> public_key_from_pem(std::string_view pem) {
  const Secret der = TRY(read_pem(pem, PEM_STRING_PUBLIC));
  const std::string_view bytes = der.expose();
  PublicKey key;
  if (bytes.size() != spki_prefix.size() + key.bytes.size() || !bytes.starts_with(spki_prefix))
    return fail_hint(ErrorKind::verification, "make one with `tranche key generate`",
                     "the public key is no Ed25519 key");
  std::copy(bytes.begin() + spki_prefix.size(), bytes.end(), key.bytes.begin());
  return key;
}

static std::string to_der(const PublicKey& key) {
  std::string der(spki_prefix);
  der.append(key.bytes.begin(), key.bytes.end());
  return der;
}

std::string to_pem(const PublicKey& key) {
  return std::string(write_pem(PEM_STRING_PUBLIC, to_der(key)).expose());
}

std::string key_id(const PublicKey& key) { return to_hex(sha256(to_der(key))); }

bool verify(const PublicKey& key, std::string_view message, std::string_view signature) {
  start_sodium();
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(raw(signature), raw(message), message.size(), key.bytes.data()) == 0;
}

}  // namespace tranche::crypto
