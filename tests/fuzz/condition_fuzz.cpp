// Conditions come from tranche.yaml of a pull request: no text may crash the compiler, and what compiles may
// be evaluated on any answer, in bounded steps. The bytes after the first 0 are the answer, as JSON. A
// compiled condition gives the same answer twice; no data passes only where the condition accepts it.
// rooms: gate
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <vector>

#include "doc/value.hpp"
#include "gate/threshold.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string_view text = all.substr(0, all.find('\0'));
  const auto condition = gate::Condition::compile(text);
  if (!condition) {
    if (condition.error().kind != ErrorKind::invalid || condition.error().hint.empty()) std::abort();
    return 0;
  }
  const double nan_value = std::numeric_limits<double>::quiet_NaN();
  std::vector<doc::Value> answers{nullptr, true, 0.5, "0.5", doc::Array{}, doc::Array{nan_value, -1e308, 3}};
  if (text.size() < all.size())
    if (auto given = doc::parse_json(all.substr(text.size() + 1))) answers.push_back(std::move(*given));
  for (const doc::Value& answer : answers)
    for (const bool strict : {false, true}) {
      const auto first = condition->evaluate(answer, strict), second = condition->evaluate(answer, strict);
      if (first.has_value() != second.has_value() || (first && *first != *second)) std::abort();
      if (strict && first == gate::Truth::unknown) std::abort();
      if (!first && (first.error().kind != ErrorKind::invalid || first.error().hint.empty())) std::abort();
    }
  gate::Counters counters;
  gate::ThresholdConfig config;
  config.success_condition = std::string(text);
  if (!gate::observe(counters, config, {})) std::abort();
  if (!condition->accepts_nothing() && gate::judge(counters, config).verdict == gate::Verdict::pass)
    std::abort();
  return 0;
}
