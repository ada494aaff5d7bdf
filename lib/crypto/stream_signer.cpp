#include "crypto/stream_signer.hpp"

#include <sodium.h>

#include <array>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::crypto {

namespace {

constexpr std::size_t half = 32;
constexpr std::string_view hint =
    "give the PEM of `tranche key generate`, or the base64 text that Sparkle's `generate_keys -x FILE` "
    "writes";

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

class Sha512 {
 public:
  Sha512() { crypto_hash_sha512_init(&state_); }
  Sha512(const Sha512&) = delete;
  Sha512& operator=(const Sha512&) = delete;
  ~Sha512() { sodium_memzero(&state_, sizeof state_); }
  Sha512& update(std::string_view bytes) {
    crypto_hash_sha512_update(&state_, raw(bytes), bytes.size());
    return *this;
  }
  std::string finish() {
    std::string digest(crypto_hash_sha512_BYTES, '\0');
    crypto_hash_sha512_final(&state_, raw(digest));
    return digest;
  }

 private:
  crypto_hash_sha512_state state_{};
};

// A 64-byte digest as a number below the order of the group.
std::string reduced(const std::string& digest) {
  std::string out(crypto_core_ed25519_SCALARBYTES, '\0');
  crypto_core_ed25519_scalar_reduce(raw(out), raw(std::string_view(digest)));
  return out;
}

// The text between the armour lines of the PEM that SecretKey writes is base64 of a fixed frame and the seed.
Secret seed_of(const SecretKey& key) {
  const Secret pem = key.to_pem();
  std::string body;
  for (const std::string_view line : split(pem.expose(), '\n'))
    if (!line.starts_with("-----")) body += trim(line);
  std::string der = from_base64(body).value_or("");
  Secret seed(der.size() >= half ? der.substr(der.size() - half) : "");
  sodium_memzero(body.data(), body.size());
  sodium_memzero(der.data(), der.size());
  return seed;
}

}  // namespace

Result<StreamSigner> StreamSigner::from_text(const Secret& text) {
  if (sodium_init() < 0) return fail(ErrorKind::failed, "libsodium does not start");
  const std::string_view given = trim(text.expose());
  Secret key;
  if (given.find("-----BEGIN") != std::string_view::npos) {
    key = seed_of(TRY(SecretKey::from_pem(text)));
  } else {
    auto bytes = given.size() <= 256 ? from_base64(given) : std::nullopt;
    if (bytes) key = Secret(std::move(*bytes));
  }
  const std::string_view bytes = key.expose();
  if (bytes.size() != half && bytes.size() != 2 * half && bytes.size() != 3 * half)
    return fail_hint(ErrorKind::verification, std::string(hint), "this is no Ed25519 secret key");

  StreamSigner out;
  std::string scalar, prefix;
  if (bytes.size() == 3 * half) {
    scalar = bytes.substr(0, half);
    prefix = bytes.substr(half, half);
  } else {
    std::string expanded = Sha512().update(bytes.substr(0, half)).finish();
    scalar = expanded.substr(0, half);
    prefix = expanded.substr(half);
    sodium_memzero(expanded.data(), expanded.size());
  }
  scalar.front() = static_cast<char>(static_cast<unsigned char>(scalar.front()) & 248U);
  scalar.back() = static_cast<char>((static_cast<unsigned char>(scalar.back()) & 63U) | 64U);
  out.scalar_ = Secret(std::move(scalar));
  out.prefix_ = Secret(std::move(prefix));
  if (crypto_scalarmult_ed25519_base_noclamp(out.public_.bytes.data(), raw(out.scalar_.expose())) != 0)
    return fail_hint(ErrorKind::verification, std::string(hint), "this is no Ed25519 secret key");
  // Signing under another public half gives away the key.
  if (bytes.size() > half &&
      sodium_memcmp(bytes.data() + bytes.size() - half, out.public_.bytes.data(), half) != 0)
    return fail_hint(ErrorKind::verification, std::string(hint),
                     "the public half in the key is not the one of its secret half");
  return out;
}

Result<std::string> StreamSigner::sign(const Message& message) const {
  const std::string_view own(reinterpret_cast<const char*>(public_.bytes.data()), public_.bytes.size());
  Sha512 nonce_digest, first;
  nonce_digest.update(prefix_.expose());
  TRY(message([&](std::string_view piece) {
    nonce_digest.update(piece);
    first.update(piece);
  }));
  const Secret nonce(reduced(nonce_digest.finish()));
  std::string signature(half, '\0');
  if (crypto_scalarmult_ed25519_base_noclamp(raw(signature), raw(nonce.expose())) != 0)
    return fail(ErrorKind::bug, "an Ed25519 nonce of zero");

  Sha512 challenge_digest, second;
  challenge_digest.update(signature).update(own);
  TRY(message([&](std::string_view piece) {
    challenge_digest.update(piece);
    second.update(piece);
  }));
  if (first.finish() != second.finish())
    return fail_hint(ErrorKind::failed, "run it again while nothing writes to the file",
                     "what is signed changed while it was read");
  const std::string challenge = reduced(challenge_digest.finish());
  std::string product(half, '\0'), sum(half, '\0');
  crypto_core_ed25519_scalar_mul(raw(product), raw(std::string_view(challenge)), raw(scalar_.expose()));
  crypto_core_ed25519_scalar_add(raw(sum), raw(std::string_view(product)), raw(nonce.expose()));
  sodium_memzero(product.data(), product.size());
  return signature + sum;
}

}  // namespace tranche::crypto
