#include "signing/signers.hpp"

#include "base/text.hpp"
#include "crypto/pkcs11.hpp"
#include "signing/keys.hpp"

namespace tranche::signing {

Result<std::unique_ptr<crypto::Signer>> load_signer(ports::World& world, const std::string& repository,
                                                    std::string_view reference, std::string_view passphrase) {
  Secret word;
  if (!passphrase.empty())
    word = TRY_WHILE("reading the passphrase", read_secret(world, repository, passphrase));
  if (reference.starts_with("pkcs11:")) {
    const crypto::Pkcs11Uri uri = TRY(crypto::parse_pkcs11_uri(reference));
    const std::string module =
        world.environ.get("TRANCHE_PKCS11_MODULE").value_or(crypto::default_pkcs11_module);
    return TRY_WHILE("opening the token", crypto::signer_from_token(module, uri, word));
  }
  const Secret pem = TRY(read_secret(world, repository, reference));
  auto signer = crypto::signer_from_pem(pem, word);
  if (!signer)
    return fail_hint(signer.error().kind, signer.error().hint, "{}: {}", printable(reference, 100),
                     signer.error().message);
  return std::move(*signer);
}

}  // namespace tranche::signing
