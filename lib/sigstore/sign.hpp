// Making the signature of a bundle; timestamps and log entries are added elsewhere (session.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/certificate.hpp"
#include "crypto/signer.hpp"
#include "sigstore/bundle.hpp"

namespace tranche::sigstore {

// What a file's signature is made from; digests in bytes.
struct FileDigest {
  std::string name;  // of a statement's subject
  std::string sha256;
  std::string sha384, sha512;  // where file_hash asks for them
};
enum class FileHash { sha256, sha384, sha512 };
// The digest that a key signs of a file. An Ed25519 key signs a statement over SHA-256.
FileHash file_hash(const crypto::AnyPublicKey& key);

// The certificate, when there is one, names the signer; else the key's id is the hint.
struct KeyMaterial {
  crypto::Signer& signer;
  std::optional<crypto::Certificate> certificate;
};

// What cosign's signatures of images state (sigstore/cosign, pkg/types): an empty predicate.
inline constexpr std::string_view cosign_sign_type = "https://sigstore.dev/cosign/sign/v1";

// A message signature over the file's digest. By a key that signs no digests (pure Ed25519): a DSSE envelope
// over an in-toto statement of cosign_sign_type whose subject is the file. Either way one pass over the file.
Result<Bundle> sign_file(const KeyMaterial& key, const FileDigest& file);
// What the envelope of such a key holds.
Result<std::string> file_statement(const FileDigest& file);
// A DSSE envelope.
Result<Bundle> sign_payload(const KeyMaterial& key, std::string_view payload_type, std::string_view payload);

}  // namespace tranche::sigstore
