// Statements signed: by default a Sigstore bundle that carries the DSSE envelope, or the envelope alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/command.hpp"

namespace tranche::commands {

// --format and --key, for commands that call seal_statement.
std::vector<Flag> seal_flags();

struct Sealed {
  std::string bytes;
  std::string key_id;
  std::string_view suffix;  // of file names: "sigstore.json", "dsse.json"
};
// How the bundle names the key: by the SHA-256 of its DER, as the envelope's keyid does; or by that of its
// PEM without a keyid, as model signing's own tool wants it.
enum class KeyHint { der, pem };
// Signs an in-toto statement with the key that --key names, else with the app's release key, which must stand
// under `trust:`.
Result<Sealed> seal_statement(const Options& options, Context& context, std::string_view payload,
                              KeyHint hint = KeyHint::der);

}  // namespace tranche::commands
