#include "sigstore/artifact_file.hpp"

#include <algorithm>
#include <optional>

#include "crypto/digest.hpp"
#include "crypto/ed25519_stream.hpp"
#include "crypto/hash.hpp"

namespace tranche::sigstore {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;  // as artifact::digest_file

template <class Take>
Result<> read_pieces(ports::Files& files, const std::string& path, Take take) {
  const auto reader = TRY(files.open(path));
  std::string buffer(piece_bytes, '\0');
  while (true) {
    const std::size_t got = TRY(reader->read(buffer.data(), buffer.size()));
    if (got == 0) return {};
    take(std::string_view(buffer).substr(0, got));
  }
}

// False also when the file can no longer be read.
bool verify_over_file(ports::Files& files, const std::string& path, const crypto::AnyPublicKey& key,
                      std::string_view signature) {
  const auto raw = crypto::public_key_from_pem(key.to_pem());
  if (!raw) return false;
  crypto::Ed25519Verifier verifier(*raw, signature);
  return read_pieces(files, path, [&](std::string_view piece) { verifier.update(piece); }) &&
         verifier.finish();
}

}  // namespace

Result<Artifact> read_artifact(ports::Files& files, const std::string& path, Needs needs) {
  crypto::Sha256 sha256;
  std::optional<crypto::Hash> sha384;
  std::optional<crypto::Hash> sha512;
  if (needs.sha384) sha384.emplace(crypto::HashKind::sha384);
  if (needs.sha512) sha512.emplace(crypto::HashKind::sha512);
  TRY(read_pieces(files, path, [&](std::string_view piece) {
    sha256.update(piece);
    if (sha384) sha384->update(piece);
    if (sha512) sha512->update(piece);
  }));
  return Artifact{
      .sha256 = std::string(crypto::as_bytes(sha256.finish())),
      .sha384 = sha384 ? sha384->finish() : std::string(),
      .sha512 = sha512 ? sha512->finish() : std::string(),
      .verify_ed25519 = [&files, path](const crypto::AnyPublicKey& key, std::string_view signature) {
        return verify_over_file(files, path, key, signature);
      }};
}

Needs needs_of(std::span<const Bundle> bundles) {
  Needs needs;
  for (const Bundle& bundle : bundles) {
    const Needs one = needs_of(bundle);
    needs.sha384 = needs.sha384 || one.sha384;
    needs.sha512 = needs.sha512 || one.sha512;
  }
  return needs;
}

}  // namespace tranche::sigstore
