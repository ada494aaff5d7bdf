// DSSE envelopes (secure-systems-lab/dsse, protocol v1): what is signed is PAE(type, payload), so a payload
// of one type can never be taken for another. The payload type also binds the role: each type names the one
// role that may sign it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/ed25519.hpp"
#include "signing/keys.hpp"

namespace tranche::signing {

inline constexpr std::string_view manifest_type =
    "application/vnd.tranche.release-manifest.v1+json";                                  // role release
inline constexpr std::string_view flags_type = "application/vnd.tranche.flags.v1+json";  // role feed
inline constexpr std::string_view feed_type = "application/vnd.tranche.feed.v1+json";    // role feed
inline constexpr std::string_view feed_file_type = "application/vnd.tranche.feed-file.v1+json";  // role feed
inline constexpr std::string_view spool_type = "application/vnd.tranche.spool.v1+json";          // role feed

// The one role that may sign payloads of this type; nullopt for a type that is not ours.
std::optional<Role> role_of_type(std::string_view type);

struct Signature {
  std::string key_id;
  std::string bytes;
};
struct Envelope {
  std::string payload_type;
  std::string payload;  // bytes, decoded
  std::vector<Signature> signatures;
};

// "DSSEv1 " + len(type) + " " + type + " " + len(payload) + " " + payload
std::string pre_authentication_encoding(std::string_view type, std::string_view payload);

// The JSON text of an envelope over `payload`, one signature, ends with a newline. Deterministic.
Result<std::string> sign_envelope(std::string_view type, std::string_view payload,
                                  const crypto::Ed25519Signer& key);

// Parses without believing anything; at most 4 MiB, 1 to 8 signatures, no key twice. kind verification.
Result<Envelope> parse_envelope(std::string_view text);

// The payload, if one signature is by a key that `trust` holds under the role of `type`, and the type is
// `type`. kind verification; messages say which: wrong type, unknown key, key of another role, bad signature.
Result<std::string> open_envelope(std::string_view text, std::string_view type, const Trust& trust);

// Whether these bytes are what is left of an envelope of `type` that one of ours signed: no envelope at all
// any more, or one under the id of a trusted key whose signature is wrong. False for one that opens, and for
// one that a stranger, another role or a newer key signed: that is somebody's, and whole.
bool is_damaged(std::string_view text, std::string_view type, const Trust& trust);

}  // namespace tranche::signing
