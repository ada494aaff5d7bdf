// Sigstore's trusted root (sigstore/protobuf-specs, sigstore_trustroot.proto): which logs, certificate
// authorities, certificate transparency logs and timestamp authorities are believed, and when. It comes from
// somebody the caller trusts; it is still read as strictly as anything else, but members that newer versions
// add are passed over.
//
// A key of a kind that is not known (ML-DSA, say) is no error: its log is one that nobody here believes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "crypto/certificate.hpp"
#include "crypto/public_key.hpp"
#include "sigstore/reason.hpp"

namespace tranche::sigstore {

inline constexpr std::size_t max_trusted_root_bytes = 4 << 20;

struct Validity {  // both ends inclusive; absent: without bound
  std::optional<Instant> from, until;
  [[nodiscard]] bool holds(Instant when) const {
    return (!from || *from <= when) && (!until || when <= *until);
  }
};

struct TransparencyLog {
  std::string base_url;       // empty: not said
  std::string id;             // bytes, as entries name the log
  std::string checkpoint_id;  // bytes; of which checkpoints carry the first four
  crypto::AnyPublicKey key;
  crypto::Scheme scheme{};  // that it signs with
  Validity validity;        // `from` is always there
};
struct CertificateAuthority {
  std::string uri;
  std::vector<crypto::Certificate> chain;  // the root last
  Validity validity;
};
struct TimestampAuthority {
  std::string uri;
  crypto::Tsa tsa;  // its from and until are `validity`'s
  Validity validity;
};

struct TrustedRoot {
  std::vector<TransparencyLog> logs;
  std::vector<CertificateAuthority> authorities;
  std::vector<crypto::CtLog> ct_logs;
  std::vector<TimestampAuthority> timestamp_authorities;
};

// Versions 0.1 and 0.2. Refused: a log's key without a start of its validity, a key or certificate of a known
// kind that cannot be read, a chain without certificates of a certificate authority, a time that is none.
Checked<TrustedRoot> read_trusted_root(std::string_view json);
Result<TrustedRoot> parse_trusted_root(std::string_view json);  // the same; kind verification

// Whether no log, or no certificate authority, of those that the root has is believed any more at `now`.
// For a warning: what was signed while they were is as good as ever.
bool is_outdated(const TrustedRoot& root, Instant now);

// The host that checkpoints of a log at this url are named after: "https://rekor.example/x" →
// "rekor.example".
std::string host_of(std::string_view url);

}  // namespace tranche::sigstore
