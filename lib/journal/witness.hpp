// Witnesses: others who sign that the journal only grew (c2sp.org/tlog-witness, c2sp.org/tlog-cosignature).
//
// The problem: who holds the journal's key and its store can show one history to the auditor and another to
// the fleet. A witness signs a checkpoint only when it follows from the last one it signed, so that two
// histories cannot both get its signature.
//
// Witnesses are asked between appends, never during one: an append is atomic and needs nobody, and stopping
// waits for no one. What they sign is kept in the store beside the checkpoint, as the checkpoint with more
// signature lines. It is believed only as far as it verifies, and only for the checkpoint it is about.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "journal/journal.hpp"
#include "ports/ports.hpp"
#include "signing/note.hpp"
#include "spec/spec.hpp"
#include "store/store.hpp"

namespace tranche::journal {

inline constexpr std::string_view witnessed_name = "checkpoint.witnessed";

struct WitnessPolicy {
  struct Known {
    signing::VerifierKey verifier;  // its algorithm is cosignature
    std::string url;                // empty: its signature is taken, and never asked for
  };
  std::vector<Known> known;
  int required = 0;
};
// `witnesses:` of an app. kind invalid: a key that is no cosignature key, one key twice, more required than
// known.
Result<WitnessPolicy> witness_policy(const spec::App& app);

struct Cosigned {
  std::string name;
  Instant at{};
};
struct Witnessed {
  std::vector<Cosigned> by;  // known witnesses whose signature is good, in the policy's order
  int required = 0;
  std::string note;                     // the checkpoint with the log's lines and theirs
  std::vector<std::string> complaints;  // "NAME: why it did not sign"
  [[nodiscard]] bool enough() const { return static_cast<int>(by.size()) >= required; }
};

// Who signed this checkpoint, by what a note with more lines says; lines that do not verify count for
// nothing.
Witnessed count_witnesses(const std::string& checkpoint, const std::string& cosigned,
                          const WitnessPolicy& policy);
// The same for the checkpoint that `journal` stands on, from what the store keeps. Asks nobody.
Result<Witnessed> read_witnessed(store::Store& store, const Journal& journal, const WitnessPolicy& policy);
// Asks witnesses that have not signed yet, in order, until enough have (all, where none is required), and
// keeps what they sign. Who cannot be reached, refuses or answers nonsense is a complaint, not an error.
// Takes at most a few seconds a witness, twenty in all.
Result<Witnessed> ask_witnesses(ports::World& world, store::Store& store, Journal& journal,
                                const WitnessPolicy& policy);
// "1 of 2 required witnesses have signed the journal (b.example: it answered 500)".
std::string shortage_text(const Witnessed& witnessed);

}  // namespace tranche::journal
