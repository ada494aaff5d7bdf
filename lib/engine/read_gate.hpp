// Reading a gate: what it wants since it was last polled, backfilled after a late tick. A source that does
// not answer becomes an observation with an error, never an error of the reader: an outage is no-data.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "metrics/model.hpp"
#include "metrics/source.hpp"
#include "ports/ports.hpp"
#include "rollout/gate_memory.hpp"
#include "spec/spec.hpp"

namespace tranche::engine {

class GateReader {
 public:
  // `repository`: where relative paths, programs and secret files are; empty: there is no checkout.
  GateReader(const ports::World& world, std::string repository)
      : world_(world), repository_(std::move(repository)) {}

  // Everything since memory.polled_until, at most 11,000 windows or 500 measurements a call.
  // `variables.window` is set here. Sources are kept, and with them their connections.
  rollout::Observation read(const spec::App& app, const spec::Gate& gate, metrics::Variables variables,
                            const rollout::GateMemory& memory);
  // The gate's source by name. kind invalid: there is none of that name.
  Result<metrics::Source*> source(const spec::App& app, const spec::Gate& gate);

 private:
  Result<metrics::Source*> keep(const std::string& key, const spec::Source& wanted);
  Result<Secret> secret(const std::string& reference);

  Result<> read_windows(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                        const metrics::Variables& variables, const rollout::GateMemory& memory);
  Result<> read_samples(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                        const metrics::Variables& variables, const rollout::GateMemory& memory);
  Result<> read_judged(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                       const metrics::Variables& variables, const rollout::GateMemory& memory);
  Result<> read_opinion(rollout::Observation& out, const spec::Gate& gate,
                        const metrics::Variables& variables, const rollout::GateMemory& memory);
  Result<> read_analysis(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                         const metrics::Variables& variables, const rollout::GateMemory& memory);

  ports::World world_;
  std::string repository_;
  std::map<std::string, std::unique_ptr<metrics::Source>> sources_;
};

}  // namespace tranche::engine
