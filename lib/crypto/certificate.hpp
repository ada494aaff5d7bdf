// X.509 certificates as Sigstore uses them: a path at a moment in time, the names and extensions inside,
// signed certificate timestamps, RFC 3161 timestamps. All parsing is OpenSSL's. No clock: the moment is an
// argument.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "crypto/public_key.hpp"

namespace tranche::crypto {

class Certificate {
 public:
  static Result<Certificate> from_der(std::string_view der);  // kind verification; nothing may follow it
  static Result<Certificate> from_pem(std::string_view pem);  // the first one
  static Result<std::vector<Certificate>> chain_from_pem(std::string_view pem);  // 1 to 16

  [[nodiscard]] std::string to_der() const;
  [[nodiscard]] std::string to_pem() const;
  [[nodiscard]] Result<AnyPublicKey> public_key() const;
  [[nodiscard]] Instant not_before() const;
  [[nodiscard]] Instant not_after() const;
  [[nodiscard]] std::string subject() const;  // one line, RFC 2253, for messages
  [[nodiscard]] bool is_authority() const;    // basic constraints
  [[nodiscard]] bool self_signed() const;
  // Subject alternative names: addresses, URIs, and Fulcio's otherName 1.3.6.1.4.1.57264.1.7.
  [[nodiscard]] std::vector<std::string> names() const;
  // The value of an extension: the UTF8String inside it, or its bare bytes where it holds none (Fulcio's
  // first generation). `oid`: "1.3.6.1.4.1.57264.1.8".
  [[nodiscard]] std::optional<std::string> extension_text(std::string_view oid) const;

  struct State;
  explicit Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

enum class Purpose { code_signing, timestamping };
// A path from `leaf` over `intermediates` to one of `roots`, every certificate valid at `when`. Returns it,
// leaf first. kind verification; the message says why (OpenSSL's words).
Result<std::vector<Certificate>> find_path(const Certificate& leaf,
                                           std::span<const Certificate> intermediates,
                                           std::span<const Certificate> roots, Instant when, Purpose purpose);

// A certificate transparency log that is believed: RFC 6962.
struct CtLog {
  std::string id;  // 32 bytes: SHA-256 of the key's DER
  AnyPublicKey key;
  std::optional<Instant> from, until;  // inclusive
};
// The SCTs embedded in `leaf` (issued by `issuer`): how many there are, and how many verify by a log of the
// list that was valid when the SCT was made.
struct SctCheck {
  int embedded = 0;
  int verified = 0;
  int unknown = 0;  // by logs that the list does not have
  std::string why;  // of the first that does not verify; empty: all do
};
Result<SctCheck> check_scts(const Certificate& leaf, const Certificate& issuer, std::span<const CtLog> logs);

// An RFC 3161 timestamp token or response (DER, either).
struct Timestamp {
  Instant when{};
  std::string algorithm;  // of the imprint: "sha256", "sha384", "sha512"
  std::string imprint;    // bytes
  std::string nonce;      // bytes, without leading zeros; empty: none
};
struct Tsa {
  std::vector<Certificate> chain;  // leaf first; the leaf may be missing when tokens carry it
  std::optional<Instant> from, until;
};
// Reads without believing. kind verification.
Result<Timestamp> read_timestamp(std::string_view der);
// The time, when the token signs `message` by a certificate that leads to the authority's root, is for
// timestamping, and was valid then. kind verification, the message says which part failed. The authority's
// own from/until are not looked at: the caller does.
Result<Timestamp> verify_timestamp(std::string_view der, std::string_view message, const Tsa& authority);
// A request over the message's SHA-256 that asks for the certificate; `nonce`: 8 bytes, the first not 0.
Result<std::string> make_timestamp_request(std::string_view message, std::string_view nonce);

}  // namespace tranche::crypto
