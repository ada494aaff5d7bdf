// What a transparency log's entry says was signed: the kinds of Rekor v1 and v2 brought to one form, and held
// against the bundle. Sources: sigstore/rekor pkg/types/{hashedrekord,dsse,intoto}, sigstore/rekor-tiles
// api/proto/rekor/v2 (field names and encodings).
#pragma once

#include <string>
#include <string_view>

#include "sigstore/bundle.hpp"
#include "sigstore/reason.hpp"

namespace tranche::sigstore {

enum class DigestOf {
  message,  // of what was signed: the file, or a DSSE envelope's PAE (Rekor v2 logs envelopes so)
  payload,  // of a DSSE envelope's payload
};
struct EntryBody {
  DigestOf digest_of = DigestOf::message;
  std::string algorithm;  // "sha256", "sha384", "sha512"
  std::string digest;     // bytes
  std::string signature;  // bytes
  // DER. A certificate, or a SubjectPublicKeyInfo.
  std::string verifier;
  bool verifier_is_certificate = false;
  bool double_base64 = false;  // intoto 0.0.2: some writers encoded the signature twice
};

// The body of hashedrekord 0.0.1 and 0.0.2, dsse 0.0.1 and 0.0.2, intoto 0.0.2. bad_log_entry,
// unknown_entry_kind.
Checked<EntryBody> read_entry_body(const LogEntry& entry);

// What the bundle and the artifact say of the same.
struct SignedThing {
  std::string signature;
  std::string verifier;  // DER
  bool verifier_is_certificate = false;
  // Digests of the message and of the payload by algorithm; empty where that is not known.
  std::string message_sha256, message_sha384, message_sha512;
  std::string payload_sha256, payload_sha384, payload_sha512;
};
// entry_wrong_digest, entry_wrong_signature, entry_wrong_key; other_log_entry where all three differ.
Checked<> match_entry(const EntryBody& body, const SignedThing& thing);

}  // namespace tranche::sigstore
