// Statements signed and written: a Sigstore bundle that carries the DSSE envelope, or the envelope alone.
#pragma once

#include <string>
#include <string_view>

#include "commands/command.hpp"

namespace tranche::commands {

// How a bundle names the key: by the SHA-256 of its DER, as the envelope's keyid does; or by that of its PEM
// without a keyid, as model signing's own tool wants it.
enum class KeyHint { der, pem };

struct SealRequest {
  std::string payload;          // in-toto
  std::string artifact_sha256;  // hex, of one of its subjects
  std::string output;           // path; "-": nothing is written
  std::string pending{};        // where an unfinished signature is kept; empty: OUTPUT.pending
  bool envelope_only = false;   // with a key; a keyless signature needs its bundle
  KeyHint hint = KeyHint::der;
};
struct Sealed {
  std::string bytes;
  std::string signer;  // identity, or hex SHA-256 of the key's DER
  bool kept = false;   // OUTPUT said the same already, and was left alone
};
// Signs with what bundle_signing_flags name, else as `signing:` of tranche.yaml says.
Result<Sealed> seal_statement(const Options& options, Context& context, const SealRequest& request);

}  // namespace tranche::commands
