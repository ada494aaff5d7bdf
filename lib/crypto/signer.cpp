// Keys in memory: PKCS#8 by OpenSSL's EVP, Ed25519 included.
#include "crypto/signer.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/text.hpp"
#include "crypto/pem.hpp"
#include "crypto/public_key_state.hpp"

namespace tranche::crypto {

namespace {

constexpr std::size_t max_pem_bytes = 64 * 1024;
constexpr const char* hint =
    "it must hold -----BEGIN PRIVATE KEY----- or -----BEGIN ENCRYPTED PRIVATE KEY-----";

using OwnedSealed = std::unique_ptr<X509_SIG, FreeBy<X509_SIG_free>>;
using OwnedKeyInfo = std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeBy<PKCS8_PRIV_KEY_INFO_free>>;
using OwnedDigestContext = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;

const EVP_MD* method_of(Scheme scheme) {
  switch (scheme) {
    case Scheme::ecdsa_sha384:
      return EVP_sha384();
    case Scheme::ecdsa_sha512:
      return EVP_sha512();
    case Scheme::ed25519:
    case Scheme::ed25519ph:
      return nullptr;
    case Scheme::ecdsa_sha256:
    case Scheme::rsa_pkcs1_sha256:
    case Scheme::rsa_pss_sha256:
      break;
  }
  return EVP_sha256();
}

class MemorySigner : public Signer {
 public:
  MemorySigner(OwnedKey key, AnyPublicKey public_key)
      : key_(std::move(key)), public_(std::move(public_key)) {}

  [[nodiscard]] const AnyPublicKey& public_key() const override { return public_; }

  Result<std::string> sign(std::string_view message) override {
    const EVP_MD* method = method_of(public_.usual_scheme());
    if (method != nullptr) return sign_digest(*message_digest(public_.usual_scheme(), message));
    const OwnedDigestContext context(EVP_MD_CTX_new());
    std::string signature(64, '\0');
    std::size_t size = signature.size();
    if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), raw(signature), &size, raw(message), message.size()) != 1)
      return cannot_sign();
    return signature;
  }

  Result<std::string> sign_digest(std::string_view digest) override {
    const EVP_MD* method = method_of(public_.usual_scheme());
    if (method == nullptr) return fail(ErrorKind::bug, "an Ed25519 key signs messages, not digests");
    if (digest.size() != static_cast<std::size_t>(EVP_MD_get_size(method)))
      return fail(ErrorKind::bug, "{} bytes are no {} digest", digest.size(), EVP_MD_get0_name(method));
    const OwnedKeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    std::size_t size = 0;
    if (context == nullptr || EVP_PKEY_sign_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context.get(), method) != 1 ||
        EVP_PKEY_sign(context.get(), nullptr, &size, raw(digest), digest.size()) != 1)
      return cannot_sign();
    std::string signature(size, '\0');
    if (EVP_PKEY_sign(context.get(), raw(signature), &size, raw(digest), digest.size()) != 1)
      return cannot_sign();
    signature.resize(size);
    return signature;
  }

 private:
  static std::unexpected<Error> cannot_sign() {
    return fail(ErrorKind::failed, "the key does not sign: {}", take_openssl_error());
  }
  OwnedKey key_;
  AnyPublicKey public_;
};

Result<std::unique_ptr<Signer>> signer_of(OwnedKey key) {
  const std::string spki = to_der_by<i2d_PUBKEY>(key.get());
  AnyPublicKey public_key = TRY(AnyPublicKey::from_der(spki));
  return std::unique_ptr<Signer>(std::make_unique<MemorySigner>(std::move(key), std::move(public_key)));
}

// The DER of a PrivateKeyInfo.
Result<OwnedKey> read_plain(std::string_view der) {
  const unsigned char* at = raw(der);
  const OwnedKeyInfo info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  OwnedKey key(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
  ERR_clear_error();
  if (key == nullptr) return fail_hint(ErrorKind::verification, hint, "the private key is not valid PKCS#8");
  return key;
}

Result<OwnedKey> read_sealed(std::string_view der, const Secret& passphrase) {
  if (passphrase.empty())
    return fail_hint(ErrorKind::invalid,
                     "name its passphrase: `signing: { passphrase: env:TRANCHE_... }`, or --key-password",
                     "the private key is locked by a passphrase");
  const unsigned char* at = raw(der);
  const OwnedSealed sealed(d2i_X509_SIG(nullptr, &at, static_cast<long>(der.size())));
  const std::string_view word = passphrase.expose();
  const OwnedKeyInfo info(
      sealed == nullptr ? nullptr : PKCS8_decrypt(sealed.get(), word.data(), static_cast<int>(word.size())));
  OwnedKey key(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
  ERR_clear_error();
  if (key == nullptr)
    return fail_hint(ErrorKind::verification, "check the passphrase that is named for this key",
                     "the private key does not open: another passphrase, or it is damaged");
  return key;
}

}  // namespace

Result<std::unique_ptr<Signer>> signer_from_pem(const Secret& pem, const Secret& passphrase) {
  if (pem.expose().size() > max_pem_bytes)
    return fail_hint(ErrorKind::verification, hint, "the key is larger than {} bytes", max_pem_bytes);
  std::string other;
  for (const PemBlock& block : read_pem_blocks(pem.expose()).blocks) {
    if (block.label == PEM_STRING_PKCS8INF) return signer_of(TRY(read_plain(block.der.expose())));
    if (block.label == PEM_STRING_PKCS8) return signer_of(TRY(read_sealed(block.der.expose(), passphrase)));
    if (other.empty()) other = block.label;
  }
  if (other.empty()) return fail_hint(ErrorKind::verification, hint, "there is no PEM key in it");
  return fail_hint(ErrorKind::verification,
                   other.ends_with("PRIVATE KEY") ? "turn it into PKCS#8: openssl pkcs8 -topk8" : hint,
                   "it holds '{}', not 'PRIVATE KEY'", printable(other, 60));
}

Result<std::unique_ptr<Signer>> make_ephemeral_signer() {
  OwnedKey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return fail(ErrorKind::failed, "no P-256 key can be made: {}", take_openssl_error());
  return signer_of(std::move(key));
}

}  // namespace tranche::crypto
