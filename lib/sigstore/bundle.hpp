// The Sigstore bundle (sigstore/protobuf-specs, sigstore_bundle.proto): a signature with everything that its
// check needs, as JSON. Read: 0.1, 0.2 and 0.3; written: 0.3. Reading believes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::sigstore {

inline constexpr std::size_t max_bundle_bytes = 16 << 20;  // a DSSE payload may be an SBOM

enum class BundleVersion { v0_1, v0_2, v0_3 };

struct InclusionProof {
  std::int64_t log_index = 0;
  std::string root_hash;  // bytes
  std::int64_t tree_size = 0;
  std::vector<std::string> hashes;  // bytes
  std::string checkpoint;           // signed note; empty: none
};
struct LogEntry {
  std::int64_t log_index = 0;
  std::string log_id;                  // bytes
  std::string kind, version;           // "hashedrekord", "0.0.1"
  std::int64_t integrated_time = 0;    // seconds; 0: none
  std::string signed_entry_timestamp;  // bytes; empty: none
  std::optional<InclusionProof> proof;
  std::string canonicalized_body;  // JSON
};
struct MessageSignature {
  std::string digest_algorithm;  // "SHA2_256"
  std::string digest;            // bytes; a hint, never believed; empty: none
  std::string signature;         // bytes
};
struct BundleEnvelope {
  std::string payload, payload_type, signature, key_id;
};

struct Bundle {
  BundleVersion version = BundleVersion::v0_3;
  std::string certificate;                 // DER of the leaf; or
  std::vector<std::string> intermediates;  // DER, of 0.1 and 0.2: what followed the leaf in the chain
  std::optional<std::string> public_key_hint;
  std::vector<LogEntry> entries;
  std::vector<std::string> timestamps;      // DER, RFC 3161
  std::optional<MessageSignature> message;  // one of the two
  std::optional<BundleEnvelope> envelope;
};

// kind verification; the message says where in the JSON.
Result<Bundle> parse_bundle(std::string_view json);
// One TransparencyLogEntry, as Rekor v2 answers with it. kind verification.
Result<LogEntry> parse_log_entry(std::string_view json);
// Version 0.3, members in the order of the proto, one line, ends with a newline. Deterministic.
std::string to_json(const Bundle& bundle);

}  // namespace tranche::sigstore
