#include "signing/signers.hpp"

#include "base/text.hpp"
#include "crypto/pkcs11.hpp"
#include "signing/keys.hpp"

namespace tranche::signing {
namespace {

constexpr std::string_view locked_label = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

Result<Secret> read_passphrase(ports::World& world, const std::string& repository,
                               std::string_view reference) {
  if (reference.empty()) return Secret();
  return TRY_WHILE("reading the passphrase", read_secret(world, repository, reference));
}

Result<std::unique_ptr<crypto::Signer>> load_from_token(ports::World& world, std::string_view reference,
                                                        const Secret& pin) {
  const crypto::Pkcs11Uri uri = TRY(crypto::parse_pkcs11_uri(reference));
  const std::string module =
      world.environ.get("TRANCHE_PKCS11_MODULE").value_or(crypto::default_pkcs11_module);
  return TRY_WHILE("opening the token", crypto::signer_from_token(module, uri, pin));
}

// Nothing of the key but where it was to be found.
Error about_key(std::string_view reference, Error error) {
  error.message = fmt::format("{}: {}", printable(reference, 100), error.message);
  return error;
}

class AdoptedKey final : public crypto::Ed25519Signer {
 public:
  AdoptedKey(std::unique_ptr<crypto::Signer> signer, crypto::PublicKey key)
      : signer_(std::move(signer)), key_(key) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const override { return key_; }
  [[nodiscard]] Result<std::string> sign_message(std::string_view message) const override {
    return signer_->sign(message);
  }

 private:
  std::unique_ptr<crypto::Signer> signer_;
  crypto::PublicKey key_;
};

}  // namespace

Result<std::unique_ptr<crypto::Signer>> load_signer(ports::World& world, const std::string& repository,
                                                    std::string_view reference, std::string_view passphrase) {
  if (reference.starts_with("pkcs11:"))
    return load_from_token(world, reference, TRY(read_passphrase(world, repository, passphrase)));
  const Secret pem = TRY(read_secret(world, repository, reference));
  Secret word;
  if (pem.expose().find(locked_label) != std::string_view::npos)
    word = TRY(read_passphrase(world, repository, passphrase));
  auto signer = crypto::signer_from_pem(pem, word);
  if (!signer) return fail(about_key(reference, std::move(signer.error())));
  return std::move(*signer);
}

Result<std::unique_ptr<crypto::Ed25519Signer>> load_role_key(ports::World& world,
                                                             const std::string& repository,
                                                             std::string_view reference,
                                                             std::string_view passphrase) {
  using Loaded = std::unique_ptr<crypto::Ed25519Signer>;
  if (!reference.starts_with("pkcs11:")) {
    const Secret pem = TRY(read_secret(world, repository, reference));
    if (pem.expose().find(locked_label) == std::string_view::npos) {
      auto key = crypto::SecretKey::from_pem(pem);
      if (!key) return fail(about_key(reference, std::move(key.error())));
      return Loaded(std::make_unique<crypto::SecretKey>(std::move(*key)));
    }
  }
  auto signer = TRY(load_signer(world, repository, reference, passphrase));
  if (signer->public_key().kind() != crypto::AnyPublicKey::Kind::ed25519)
    return fail_hint(ErrorKind::verification,
                     "make an Ed25519 key: tranche key generate, or in the token with its own tool "
                     "(pkcs11-tool --keypairgen --key-type EC:edwards25519)",
                     "{}: it is no Ed25519 key, and devices and the journal's readers know no other",
                     printable(reference, 100));
  const crypto::PublicKey key = TRY(crypto::public_key_from_pem(signer->public_key().to_pem()));
  return Loaded(std::make_unique<AdoptedKey>(std::move(signer), key));
}

}  // namespace tranche::signing
