// in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md): a claim about artifacts, named by digest,
// of a type that says what the claim means. Signed as DSSE of payload type `in_toto_type`.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::attest {

inline constexpr std::string_view in_toto_type = "application/vnd.in-toto+json";
inline constexpr std::string_view statement_type = "https://in-toto.io/Statement/v1";
inline constexpr std::string_view provenance_type = "https://slsa.dev/provenance/v1";
inline constexpr std::string_view vsa_type = "https://slsa.dev/verification_summary/v1";
inline constexpr std::string_view cyclonedx_type = "https://cyclonedx.org/bom";
inline constexpr std::string_view spdx_type = "https://spdx.dev/Document";
inline constexpr std::string_view test_result_type = "https://in-toto.io/attestation/test-result/v0.1";
inline constexpr std::string_view release_type = "https://in-toto.io/attestation/release/v0.1";
inline constexpr std::size_t max_statement_bytes = 16 << 20;

struct Subject {
  std::string name;
  std::vector<std::pair<std::string, std::string>> digests;  // algorithm, lower-case hex; "sha256" first
  [[nodiscard]] const std::string* digest(std::string_view algorithm) const;  // null when there is none
  bool operator==(const Subject&) const = default;
};
struct Statement {
  std::vector<Subject> subjects;  // at least one, each with a digest
  std::string predicate_type;
  doc::Value predicate;  // object
};

// Canonical JSON (RFC 8785). kind invalid: no subject, a digest that is none, a predicate that is no object.
Result<std::string> to_payload(const Statement& statement);
// Strict; v1 and, to read, v0.1. kind verification.
Result<Statement> parse_statement(std::string_view payload);
// One of the subjects has this SHA-256 (hex, lower case). Subjects are matched by digest alone: names are for
// people.
bool names_sha256(const Statement& statement, std::string_view sha256);

}  // namespace tranche::attest
