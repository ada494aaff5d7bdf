// Where gates read. A source reports samples and gaps, never verdicts; an outage is an error of the source,
// which the engine turns into no-data: never the release's fault, never a pass.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "gate/compare.hpp"
#include "gate/threshold.hpp"
#include "ports/ports.hpp"
#include "spec/spec.hpp"

namespace tranche::metrics {

// Values for the $variables of queries. All are checked: [A-Za-z0-9._+-]{1,128}, so that none can leave its
// quotes.
struct Variables {
  std::string app, channel, release, version, baseline;
  Duration window{};
};

enum class Arm { canary, control };

struct WindowCounts {
  Instant end;            // the window is (end - every, end]
  bool has_data = false;  // false: the source had no usable sample for it (a gap)
  gate::Poll counts;      // strata that chance has made only: never "0" nor "1000000"
  gate::Poll assigned;    // by gate.assignments: `exposure` is how many devices got their arm; may be empty
  std::string gap;        // why there is no data, in words; empty when there is
};

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // Increments of events and exposure per arm and stratum, for every aligned window of length `every` that
  // ends in (after, until]; windows end at multiples of `every` since the epoch. In time order, gaps
  // included. At most 11,000 windows a call (the caller asks again). `until` already has the lag taken off.
  virtual Result<std::vector<WindowCounts>> compare(const spec::Gate& gate, const Variables& variables,
                                                    Instant after, Instant until) = 0;
  // The gate's query at one instant.
  virtual Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables,
                                            Instant at) = 0;
  // `query` for one arm at every multiple of `step` since the epoch in (after, until]: one number a step,
  // NaN where there was none; several series are an error. For judges that look at the course of a metric.
  // At most 11,000 steps. Kind invalid where a source has no history (the default).
  virtual Result<std::vector<double>> series(const std::string& query, const Variables& variables, Arm arm,
                                             Instant after, Instant until, Duration step);
  // What the last call met and passed over, in words: warnings of the server, samples ignored, clocks that
  // differ. At most 10.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 protected:
  void forget_notes() { notes_.clear(); }
  void note(std::string words);  // once each

 private:
  std::vector<std::string> notes_;
};

// Last aligned window end at or before now - lag.
Instant aligned_end(Instant now, Duration every, Duration lag);

// What the source's references stand for (spec::secret_references), by reference. The caller reads them:
// signing::read_secret.
using Secrets = std::map<std::string, Secret>;

// What a source needs. `repository`: where relative paths and programs start; empty: the current directory.
struct Surroundings {
  ports::World world;
  std::string repository;
  Secrets secrets;
};

// Kind invalid when a reference was not resolved.
Result<std::unique_ptr<Source>> make_source(const ports::World& world, const spec::Source& source,
                                            const Secrets& secrets, const std::string& repository = {});

// The kinds, a file each. HTTP: handles are reused, reads are tried again with jitter within the source's
// timeout, answers are bounded.
//
// prometheus.cpp: /api/v1/query_range and /api/v1/query. A query asks once an arm: $arm is canary or control
// (arms: version: $version is the release or the baseline). Series count by their label `stratum`, without
// one as "all". Exposure without events is zero events (a counter that never moved has no series); no
// exposure, NaN, infinite or negative samples are a gap. Points off the grid are passed over and counted; of
// two at one time the later counts. Statistic quantile: `histogram` gives cumulative buckets by their label
// `le`; bounds that both arms have are compared. Nothing but a vector or a scalar measures.
Result<std::unique_ptr<Source>> make_prometheus(const Surroundings& around, const spec::Source& source);
// serve.cpp: GET <url>/v1/series?app&channel&name&release&after&until&step of `tranche serve`: increments by
// arm, stratum. Values are percent-encoded; after and until are RFC 3339, step is a duration ("1s", "100ms").
// A threshold gate asks for `crashes` or `crashes / sessions`: what the canary arm counted in the last
// complete window of `interval`, all strata together; no sessions are no data.
Result<std::unique_ptr<Source>> make_serve(const Surroundings& around, const spec::Source& source);
// graphite.cpp: /render, format=json. A point stands for the step that begins at its time; the points of a
// window add up. Steps that do not divide a window are an error. measure: the values of `interval`, a list.
Result<std::unique_ptr<Source>> make_graphite(const Surroundings& around, const spec::Source& source);
// influxdb.cpp: InfluxQL over /query of InfluxDB 1.x. $time is the condition on time.
Result<std::unique_ptr<Source>> make_influxdb(const Surroundings& around, const spec::Source& source);
// sentry.cpp: sessions by release; arms: version only. compare: statuses joined by '+' against sessions, by
// the hour. measure: crash_free_rate(session) and the other fields of that API, of the release.
Result<std::unique_ptr<Source>> make_sentry(const Surroundings& around, const spec::Source& source);
// datadog.cpp: /api/v1/query, or /api/v2/query/{timeseries,scalar}. The points of a window add up.
Result<std::unique_ptr<Source>> make_datadog(const Surroundings& around, const spec::Source& source);
// web.cpp: one request, and what its JSON holds at a JSONPath (the gate's query, else json-path, else all).
// Not 2xx is an error; text that is no JSON is a string, where no path is asked for. Measures only.
Result<std::unique_ptr<Source>> make_web(const Surroundings& around, const spec::Source& source);
// command.cpp: argv, no shell, in the repository's directory. Its environment has TRANCHE_GATE,
// TRANCHE_RELEASE, TRANCHE_BASELINE, TRANCHE_FROM and TRANCHE_UNTIL (RFC 3339): what is counted is in
// (from, until]. It prints a value as JSON (measure), or lines of counts or a list of them (compare; form:
// count_lines.hpp). An exit code other than 0 is an error. Never run by check and plan.
Result<std::unique_ptr<Source>> make_command(const Surroundings& around, const spec::Source& source);
// file.cpp: lines of counts or values in a file of the repository (count_lines.hpp), at most 16 MiB.
Result<std::unique_ptr<Source>> make_file(const Surroundings& around, const spec::Source& source);

// The wire form of /v1/series, written by the server and read by make_serve:
// {"schema":"tranche/series/v1","app","channel","name","step-ms":1000,
//  "windows":[{"end":"<RFC 3339>","counts":{"<stratum>":{"canary":12,"control":340}}}], "since":"<RFC 3339>"}
// A window in which a batch of assigned devices ends has them too: "assigned":{"<stratum>":{...}}, devices by
// arm, each once (server/counters.hpp); a serve source needs no query for them.
// A window the server was not yet up for, or no longer remembers, is left out: a gap. A window with no events
// has zeros.

}  // namespace tranche::metrics
