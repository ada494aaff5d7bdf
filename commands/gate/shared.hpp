// What the commands about gates share: finding the gate, reading recorded series, and showing evidence.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "commands/command.hpp"
#include "commands/support.hpp"
#include "metrics/series.hpp"
#include "rollout/replay.hpp"

namespace tranche::commands {

// The gate that is named: of tranche.yaml, or of a file that holds only `version: 1` and `gates:`.
struct FoundGate {
  spec::Gate gate;
  std::optional<Loaded> loaded;  // empty: a file of gates alone
  std::string file;
};
Result<FoundGate> find_gate(const Options& options, Context& context);
Argument gate_argument();
Flag series_flag();  // --series FILE, required

// The lines of --series; - is stdin.
Result<metrics::SeriesReader> open_series(const Options& options, Context& context);
// Tells of keys that were passed over.
void say_unknown_keys(Context& context, const metrics::SeriesReader& reader);

struct ReplayedFile {
  std::vector<rollout::Replayed> series;
  std::int64_t lines = 0, duplicates = 0, refused = 0;
};
// All of --series through the gate. Errors have the file and line.
Result<ReplayedFile> replay_file(const spec::Gate& gate, metrics::SeriesReader& reader, Context& context);

// Seconds, whole ones as an integer.
doc::Value seconds_value(Duration t);
doc::Value seconds_or_null(const std::optional<Duration>& t);
// "60", or the instant where it is one.
std::string seconds_text(Duration t);
std::string seconds_text(const std::optional<Duration>& t);  // "" without
// e^log, at most 1e300.
double plain_evidence(double log_evidence);
std::string evidence_text(double log_evidence);  // "12.3", "over 1000000"
std::string number_text(double number);          // 1200, 0.25, 1.23e+07
Style style_of(gate::Verdict verdict);
// NaN and infinite ones become null.
doc::Value number_or_null(double number);

}  // namespace tranche::commands
