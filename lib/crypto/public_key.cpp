// Keys of the kinds that the field uses, by OpenSSL's EVP; Ed25519 and Ed25519ph by libsodium, which refuses
// small-order keys and signatures that are not canonical.
#include "crypto/public_key.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/ed25519_stream.hpp"
#include "crypto/hash.hpp"
#include "crypto/openssl_handles.hpp"
#include "crypto/pem.hpp"
#include "crypto/public_key_state.hpp"

namespace tranche::crypto {

namespace {

constexpr int least_rsa_bits = 2048;
constexpr int most_rsa_bits = 8192;
constexpr std::size_t max_key_bytes = 16 * 1024;  // an RSA key of 8192 bits has 1 KiB
constexpr std::string_view kinds_hint =
    "keys of these kinds are taken: RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, Ed25519";

// dom2(F, C) of RFC 8032, section 2: F = 1 (prehashed), no context.
constexpr std::string_view ph_domain("SigEd25519 no Ed25519 collisions\x01\x00", 34);

const EVP_MD* method_of(Scheme scheme) {
  switch (scheme) {
    case Scheme::ecdsa_sha256:
    case Scheme::rsa_pkcs1_sha256:
    case Scheme::rsa_pss_sha256:
      return EVP_sha256();
    case Scheme::ecdsa_sha384:
      return EVP_sha384();
    case Scheme::ecdsa_sha512:
    case Scheme::ed25519ph:
      return EVP_sha512();
    case Scheme::ed25519:
      break;
  }
  return nullptr;
}

std::optional<AnyPublicKey::Kind> kind_of(EVP_PKEY* key) {
  using Kind = AnyPublicKey::Kind;
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_get_bits(key);
      if (bits < least_rsa_bits || bits > most_rsa_bits) return std::nullopt;
      return Kind::rsa;
    }
    case EVP_PKEY_EC: {
      std::array<char, 64> name{};
      std::size_t size = 0;
      if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return std::nullopt;
      const std::string_view curve(name.data(), size);
      if (curve == "prime256v1") return Kind::p256;
      if (curve == "secp384r1") return Kind::p384;
      if (curve == "secp521r1") return Kind::p521;
      return std::nullopt;
    }
    case EVP_PKEY_ED25519:
      return Kind::ed25519;
    default:
      return std::nullopt;
  }
}

std::string_view family_of(EVP_PKEY* key) {
  const char* name = EVP_PKEY_get0_type_name(key);
  return name == nullptr ? "unknown" : name;
}

PublicKey ed25519_of(EVP_PKEY* key) {
  PublicKey bytes;
  std::size_t size = bytes.bytes.size();
  EVP_PKEY_get_raw_public_key(key, bytes.bytes.data(), &size);
  return bytes;
}

}  // namespace

Result<AnyPublicKey> adopt_key(OwnedKey key, std::string der) {
  const auto kind = kind_of(key.get());
  if (!kind) {
    const int bits = EVP_PKEY_get_bits(key.get());
    ERR_clear_error();
    return fail_hint(ErrorKind::verification, std::string(kinds_hint),
                     "the public key is of a kind that is not taken: {} of {} bits", family_of(key.get()),
                     bits);
  }
  auto state = std::make_shared<AnyPublicKey::State>();
  if (der.empty()) der = to_der_by<i2d_PUBKEY>(key.get());
  state->der = std::move(der);
  state->kind = *kind;
  if (*kind == AnyPublicKey::Kind::ed25519) state->ed25519 = ed25519_of(key.get());
  state->key = std::move(key);
  return AnyPublicKey(std::move(state));
}

Result<AnyPublicKey> AnyPublicKey::from_der(std::string_view spki) {
  const unsigned char* at = raw(spki);
  OwnedKey key(spki.size() > max_key_bytes ? nullptr
                                           : d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  if (key == nullptr || at != raw(spki) + spki.size()) {
    ERR_clear_error();
    return fail_hint(ErrorKind::verification, std::string(kinds_hint),
                     "the public key is not one SubjectPublicKeyInfo in DER");
  }
  // One key, one name: what can be written in two ways is taken in the one only.
  if (to_der_by<i2d_PUBKEY>(key.get()) != spki) {
    ERR_clear_error();
    return fail_hint(ErrorKind::verification, "write it anew: openssl pkey -pubin -in KEY -outform DER",
                     "the public key is not written as DER wants it");
  }
  return adopt_key(std::move(key), std::string(spki));
}

Result<AnyPublicKey> AnyPublicKey::from_pem(std::string_view pem) {
  const std::string hint = "it must hold -----BEGIN PUBLIC KEY-----";
  if (pem.size() > max_key_bytes)
    return fail_hint(ErrorKind::verification, hint, "the public key is larger than {} bytes", max_key_bytes);
  std::string other;
  for (const PemBlock& block : read_pem_blocks(pem).blocks) {
    if (block.label == PEM_STRING_PUBLIC) return from_der(block.der.expose());
    if (block.label == PEM_STRING_RSA_PUBLIC) {
      const unsigned char* at = raw(block.der.expose());
      const auto size = static_cast<long>(block.der.expose().size());
      OwnedKey key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
      if (key != nullptr && at == raw(block.der.expose()) + size) return adopt_key(std::move(key), {});
      ERR_clear_error();
      return fail_hint(ErrorKind::verification, hint, "the RSA public key is not DER");
    }
    if (other.empty()) other = block.label;
  }
  if (other.empty()) return fail_hint(ErrorKind::verification, hint, "there is no PEM key in it");
  return fail_hint(ErrorKind::verification, hint, "it holds '{}', not 'PUBLIC KEY'", printable(other, 60));
}

AnyPublicKey::Kind AnyPublicKey::kind() const { return state_->kind; }
int AnyPublicKey::bits() const { return EVP_PKEY_get_bits(state_->key.get()); }
std::string AnyPublicKey::to_der() const { return state_->der; }
std::string AnyPublicKey::to_pem() const {
  return std::string(write_pem(PEM_STRING_PUBLIC, state_->der).expose());
}
std::string AnyPublicKey::id() const { return to_hex(sha256(state_->der)); }

Scheme AnyPublicKey::usual_scheme() const {
  switch (state_->kind) {
    case Kind::rsa:
      return Scheme::rsa_pkcs1_sha256;
    case Kind::p256:
      return Scheme::ecdsa_sha256;
    case Kind::p384:
      return Scheme::ecdsa_sha384;
    case Kind::p521:
      return Scheme::ecdsa_sha512;
    case Kind::ed25519:
      break;
  }
  return Scheme::ed25519;
}

// A hash may be shorter than the curve (P-384 keys sign SHA-256 in the field), never longer: it would be cut.
bool AnyPublicKey::fits(Scheme scheme) const {
  const Kind kind = state_->kind;
  switch (scheme) {
    case Scheme::ecdsa_sha256:
      return kind == Kind::p256 || kind == Kind::p384 || kind == Kind::p521;
    case Scheme::ecdsa_sha384:
      return kind == Kind::p384 || kind == Kind::p521;
    case Scheme::ecdsa_sha512:
      return kind == Kind::p521;
    case Scheme::rsa_pkcs1_sha256:
    case Scheme::rsa_pss_sha256:
      return kind == Kind::rsa;
    case Scheme::ed25519:
    case Scheme::ed25519ph:
      break;
  }
  return kind == Kind::ed25519;
}

bool AnyPublicKey::verify(Scheme scheme, std::string_view message, std::string_view signature) const {
  if (!fits(scheme)) return false;
  if (scheme == Scheme::ed25519) return crypto::verify(state_->ed25519, message, signature);
  const auto digest = message_digest(scheme, message);
  return digest && verify_digest(scheme, *digest, signature);
}

bool AnyPublicKey::verify_digest(Scheme scheme, std::string_view digest, std::string_view signature) const {
  const EVP_MD* method = method_of(scheme);
  if (!fits(scheme) || method == nullptr ||
      digest.size() != static_cast<std::size_t>(EVP_MD_get_size(method)))
    return false;
  if (scheme == Scheme::ed25519ph)
    return Ed25519Verifier(state_->ed25519, signature, ph_domain).update(digest).finish();
  const OwnedKeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  bool good = context != nullptr && EVP_PKEY_verify_init(context.get()) == 1 &&
              EVP_PKEY_CTX_set_signature_md(context.get(), method) == 1;
  if (scheme == Scheme::rsa_pkcs1_sha256)
    good = good && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1;
  if (scheme == Scheme::rsa_pss_sha256)
    good = good && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), method) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1;
  good = good &&
         EVP_PKEY_verify(context.get(), raw(signature), signature.size(), raw(digest), digest.size()) == 1;
  ERR_clear_error();
  return good;
}

std::optional<std::string> message_digest(Scheme scheme, std::string_view message) {
  const EVP_MD* method = method_of(scheme);
  if (method == nullptr) return std::nullopt;
  if (method == EVP_sha256()) return std::string(as_bytes(sha256(message)));
  std::string digest(static_cast<std::size_t>(EVP_MD_get_size(method)), '\0');
  if (EVP_Digest(message.data(), message.size(), raw(digest), nullptr, method, nullptr) != 1)
    return std::string();  // of no digest's length: verifies nothing
  return digest;
}

}  // namespace tranche::crypto
