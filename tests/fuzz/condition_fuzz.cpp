// Conditions come from tranche.yaml of a pull request: no text may crash the compiler, and what compiles may
// be evaluated on any answer. A compiled condition gives the same answer twice.
// rooms: gate
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <vector>

#include "gate/threshold.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto condition = gate::Condition::compile(text);
  if (!condition) {
    if (condition.error().kind != ErrorKind::invalid || condition.error().hint.empty()) std::abort();
    return 0;
  }
  const double nan_value = std::numeric_limits<double>::quiet_NaN();
  for (const std::vector<double>& results : {std::vector<double>{}, {0.5}, {nan_value, -1e308, 3}})
    for (const bool scalar : {false, true}) {
      const auto first = condition->evaluate(results, scalar), second = condition->evaluate(results, scalar);
      if (first.has_value() != second.has_value() || (first && *first != *second)) std::abort();
    }
  gate::Counters counters;
  gate::ThresholdConfig config;
  config.success_condition = std::string(text);
  if (!gate::observe(counters, config, {})) std::abort();
  if (gate::judge(counters, config).verdict == gate::Verdict::pass) std::abort();  // no data never passes
  return 0;
}
