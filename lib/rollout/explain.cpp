#include "rollout/explain.hpp"

#include <cmath>

#include "base/text.hpp"

namespace tranche::rollout {
namespace {

using Statistic = spec::Gate::Statistic;

std::string what_of(const spec::Gate& gate) {
  switch (gate.statistic) {
    case Statistic::rate:
      return "rate";
    case Statistic::proportion:
      return "odds";
    case Statistic::quantile:
      return fmt::format("share above the control's p{:g}", gate.quantile * 100);
    case Statistic::mean:
      return "mean";
  }
  return "rate";
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.3g}", value) : std::string("no end");
}

std::string counts_text(const gate::ArmCounts& counts) {
  return fmt::format("{:.6g} in {:.6g}", counts.events, counts.exposure);
}

}  // namespace

std::string ratio_text(const GateMemory& memory, const spec::Gate& gate) {
  if (gate.kind != spec::Gate::Kind::compare || gate::totals(memory.process).polls == 0) return {};
  if (!std::isfinite(memory.ratio)) return "an arm has no events yet, so there is no ratio to tell";
  std::string out = fmt::format("the canary's {} {} {} times the control's", what_of(gate),
                                gate.statistic == Statistic::proportion ? "are" : "is", number(memory.ratio));
  if (memory.ratio_low > 0 || std::isfinite(memory.ratio_high))
    out += fmt::format(", between {} and {} (95%, at every look)", number(memory.ratio_low),
                       number(memory.ratio_high));
  return out;
}

std::vector<std::string> explain(const std::string& name, const GateMemory& memory, const spec::Gate& gate) {
  std::vector<std::string> out;
  const std::string ratio = ratio_text(memory, gate);
  if (ratio.empty()) {
    out.push_back(fmt::format("{} {}: {}", name, gate::to_text(memory.verdict), memory.explanation));
  } else {
    out.push_back(fmt::format("{} {}: {}", name, gate::to_text(memory.verdict), ratio));
    const gate::Totals totals = gate::totals(memory.process);
    const bool adverse = memory.verdict == gate::Verdict::fail || memory.verdict == gate::Verdict::suspect;
    // Only rates are followed; from the first poll on there is no poll before it.
    const Instant since = totals.since != Instant{} ? totals.since : memory.since;
    if (adverse && gate.statistic == Statistic::rate && since != Instant{})
      out.push_back("what it sees began after " + tranche::to_text(since));
    out.push_back(memory.explanation);
    const gate::Comparison comparison = gate::judge(memory.process, process_config(gate), false);
    if (comparison.dispersion == gate::Dispersion::noisy)
      out.push_back(
          "the counts scatter more than chance alone makes: a second test, which measures the noise, "
          "must agree");
    if (memory.explanation.find(counts_text(totals.canary)) == std::string::npos &&
        memory.explanation.find(" in ") == std::string::npos)
      out.push_back(
          fmt::format("canary {}, control {}", counts_text(totals.canary), counts_text(totals.control)));
  }
  if (memory.gaps > 0) out.push_back(fmt::format("{} polls had no data", memory.gaps));
  if (!memory.source_error.empty()) out.push_back("source: " + memory.source_error);
  return out;
}

}  // namespace tranche::rollout
