#include "signing/signers.hpp"

#include "base/text.hpp"
#include "signing/keys.hpp"

namespace tranche::signing {

Result<std::unique_ptr<crypto::Signer>> load_signer(ports::World& world, const std::string& repository,
                                                    std::string_view reference, std::string_view passphrase) {
  Secret word;
  if (!passphrase.empty())
    word = TRY_WHILE("reading the passphrase", read_secret(world, repository, passphrase));
  const Secret pem = TRY(read_secret(world, repository, reference));
  auto signer = crypto::signer_from_pem(pem, word);
  if (!signer)
    return fail_hint(signer.error().kind, signer.error().hint, "{}: {}", printable(reference, 100),
                     signer.error().message);
  return std::move(*signer);
}

}  // namespace tranche::signing
