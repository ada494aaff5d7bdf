// One gate over time: what it remembers, and how answers of its source become a verdict. PURE.
//
// The same code serves a rollout's ticks, `gate run` and a replay, so that recorded answers give the
// decisions that live ones gave, bit by bit. Memories are journalled; any runner continues from them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "gate/argo.hpp"
#include "gate/kayenta.hpp"
#include "gate/opinion.hpp"
#include "gate/process.hpp"
#include "gate/threshold.hpp"
#include "spec/spec.hpp"

namespace tranche::rollout {

struct Window {
  Instant end{};
  bool has_data = false;
  gate::Poll counts, assigned;
};
struct Sample {
  Instant at{};
  gate::Measurement measurement;
};
// What was read for one gate since its polled_until; `error` when the source could not be asked.
struct Observation {
  std::vector<Window> windows;                         // compare
  std::vector<Sample> samples;                         // threshold
  std::optional<gate::KayentaResult> judged;           // kayenta: of all that is to be judged
  std::optional<gate::OpinionMemory> opinion;          // model: the memory after asking
  Instant until{};                                     // kayenta, model: when this was seen
  std::map<std::string, std::vector<Sample>> metrics;  // argo: by metric
  // compare, with `before`: the period before the gate began, read once.
  std::optional<std::vector<Window>> before;
  std::string error;
};

struct GateMemory {
  gate::Process process;  // compare: through the whole rollout
  gate::Process before;   // compare: the same groups before the release; empty until it was read
  bool before_read = false;
  gate::Counters counters;      // threshold: since the stage began
  gate::OpinionMemory opinion;  // model
  gate::ArgoMemory argo;        // argo: since the stage began
  doc::Value judged;            // kayenta: the last result, as gate::to_value; null before
  Instant since{};              // when the stage began: kayenta judges from here
  Instant polled_until{};       // end of the last window, or time of the last measurement, that is in
  Instant last_data{};          // end of the last window or measurement that had data
  gate::Verdict verdict = gate::Verdict::no_data;
  std::string explanation;
  double log_evidence_worse = 0, log_evidence_not_worse = 0;  // compare
  double ratio = 0, ratio_low = 0, ratio_high = 0;            // compare: NaN and infinite while unknown
  std::string source_error;  // the source's last error; empty when it answered
  std::int64_t gaps = 0;     // windows without data
};
doc::Value to_value(const GateMemory& memory);
Result<GateMemory> gate_memory_from_value(const doc::Value& value);

gate::ProcessConfig process_config(const spec::Gate& gate);
gate::ThresholdConfig threshold_config(const spec::Gate& gate);
gate::OpinionConfig opinion_config(const spec::Gate& gate);

// How often the gate wants its source asked: every, interval, step, ask_every. argo: as its metrics say.
Duration period(const spec::Gate& gate);

// A stage begins (or `gate run`, or a replay): threshold gates and judges begin anew; a compare gate keeps
// its one process.
void begin_stage(GateMemory& memory, const spec::Gate& gate, Instant now);

// Takes in what was read and judges. A repeated answer changes nothing. Windows without data at the newest
// edge may still be filled by a slow source: they are left for a while, and only then counted as gaps. A pass
// needs fresh data and a source that answers: an outage turns it into no-data. `app`: for the source's lag
// and what a template needs; one without sources will do for a replay.
void fold(GateMemory& memory, const spec::App& app, const spec::Gate& gate, const Observation& observation,
          Instant now);
// How far the samples of a gate that goes on asking reach, with the patience that a late one has; nullopt: it
// has no samples of its own time, or has asked all that it wants to.
std::optional<Instant> sampled_until(const GateMemory& memory, const spec::App& app, const spec::Gate& gate);
// Judges again without new data: time alone may take a pass away.
void judge(GateMemory& memory, const spec::App& app, const spec::Gate& gate, Instant now);

}  // namespace tranche::rollout
