// What the commands about the journal share: its witnesses, and whom to believe without a checkout.
#pragma once

#include <string>
#include <vector>

#include "commands/command.hpp"
#include "commands/rollout/shared.hpp"
#include "journal/witness.hpp"

namespace tranche::commands {

// --key and --origin: a proof is checked by whoever has these, a tranche.yaml or not.
std::vector<Flag> believing_flags();
struct Believed {
  std::string origin;
  std::vector<crypto::PublicKey> keys;
  journal::WitnessPolicy witnesses;  // of the app; none with --key
};
// From --key (PEM files) and --origin, else from the app's `trust: journal:`. kind invalid or usage.
Result<Believed> read_believed(Context& context, const Options& options);

// {"required", "by": [{"name", "at"}], "complaints"}
doc::Value witnessed_json(const journal::Witnessed& witnessed);
// "signed by 2 witnesses, 2 required: a.example (2026-...), b.example (...)\n"; empty where none is known.
std::string witnessed_text(const journal::Witnessed& witnessed, const journal::WitnessPolicy& policy);

}  // namespace tranche::commands
