// An approval: one person's signed yes or no to one thing, bound to the digest of what it is.
//
// The payload is canonical JSON:
//   {"schema": "tranche/approval/v1", "app", "rollout", "release", "id", "what", "digest", "by", "at",
//    "expires", "decision": "approve" | "reject", "reason"}
// Around it stands who vouches, in one of three forms:
//   {"payload", "payloadType", "signatures": [{"keyid", "sig"}]}   DSSE, by a key of ours (PKCS#8, PKCS#11)
//   {"payload", "payloadType", "sshsig"}                           `ssh-keygen -Y sign` over the payload
//   {"payload", "payloadType", "environment": {...}}               a protected environment of a CI: its token
//       was looked at by whoever wrote the journal entry, and what it said stands here; never the token
// Unknown members of the payload are passed over, those around it are refused.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "crypto/signer.hpp"
#include "crypto/ssh_key.hpp"
#include "doc/value.hpp"

namespace tranche::signing {

inline constexpr std::string_view approval_type = "application/vnd.tranche.approval.v1+json";
inline constexpr std::size_t max_approval_bytes = 24 * 1024;  // of a document: an entry of the journal is 64

struct Approval {
  std::string app, rollout, release;
  std::string id;      // of the request: "desktop/1.2.0/17:stage-4"
  std::string what;    // in words
  std::string digest;  // hex SHA-256 of what is approved
  std::string by;      // who signs, in their own words
  Instant at{}, expires{};
  bool approves = true;  // false: rejects
  std::string reason;    // may be empty
};
// Canonical JSON. kind invalid: a text that is too long or not UTF-8.
Result<std::string> to_payload(const Approval& approval);
Result<Approval> approval_from_payload(std::string_view payload);  // kind verification

// Documents, each one line of JSON with a newline.
Result<std::string> sign_approval(std::string_view payload, crypto::Signer& key);
Result<std::string> with_ssh_signature(std::string_view payload, std::string_view armored);
Result<std::string> with_environment(std::string_view payload, const doc::Value& environment);

// A document taken apart; nobody has vouched for anything in it.
struct ApprovalDocument {
  std::string payload;
  Approval approval;
  std::string key_id, signature;  // DSSE
  std::string sshsig;             // armored
  doc::Value environment;         // object
};
// kind verification: larger than max_approval_bytes, no JSON, not exactly one of the three.
Result<ApprovalDocument> parse_approval(std::string_view document);

// The one of `keys` that signed the document; nullopt: none of them did, or it is an environment's.
std::optional<std::size_t> find_signer(const ApprovalDocument& document,
                                       std::span<const crypto::SshKey> keys);
// Whether the document says that this key signed it; find_signer knows whether it did.
bool names_key(const ApprovalDocument& document, const crypto::SshKey& key);
// The key that the document says it was signed with, for messages: "key 3f9a...", "ssh key SHA256:..."
std::string signer_text(const ApprovalDocument& document);

}  // namespace tranche::signing
