// The signature beside one file: a DSSE envelope over what the file is. It lets a file be checked before any
// release names it; only a release manifest makes it part of a release.
//
// Payload, RFC 8785 JSON: {"schema": "tranche/artifact/v1", "app", "name", "size", "sha256"}, in an envelope
// of type artifact_type, signed with a release key. The file is FILE, its signature FILE.tranche.sig.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/ed25519.hpp"
#include "doc/value.hpp"
#include "signing/dsse.hpp"
#include "signing/keys.hpp"

namespace tranche::commands {

inline constexpr std::string_view artifact_type = "application/vnd.tranche.artifact.v1+json";
inline constexpr std::string_view signature_suffix = ".tranche.sig";
inline constexpr std::size_t max_signature_bytes = 64 << 10;

struct Statement {
  std::string app;
  std::string name;  // of the file, without directories
  std::uint64_t size = 0;
  std::string sha256;  // hex
  bool operator==(const Statement&) const = default;
};

Result<std::string> sign_statement(const Statement& statement, const crypto::Ed25519Signer& release_key);
// The statement, if a trusted release key signed it. Kind verification otherwise. What it says of the file is
// the caller's to compare.
Result<Statement> open_statement(std::string_view envelope, const signing::Trust& trust);

// Why an envelope was refused, as a code for programs: "malformed", "wrong-type", "wrong-role",
// "bad-signature", "unknown-key". For an envelope that was refused already; never the ground of a decision.
std::string_view refusal_code(std::string_view envelope, std::string_view type, const signing::Trust& trust);

}  // namespace tranche::commands
