#include "gate/restarted_sums.hpp"

#include "gate/exact_math.hpp"
#include "gate/judging.hpp"

namespace tranche::gate {

namespace {

constexpr double first_weight = 0.8;
constexpr std::size_t most_starts = 64;  // of 10^12 observations

// The observation at which sums `index` start.
std::int64_t start_at(std::size_t index) {
  if (index == 0) return 1;
  std::int64_t at = 8;
  for (; index > 1; --index) at += at / 2;
  return at;
}
double log_weight(std::size_t index) {
  if (index == 0) return log_exact(first_weight);
  const double j = static_cast<double>(index);
  return log_exact((1 - first_weight) / (j * (j + 1)));
}

}  // namespace

Result<> add(RestartedSums& sums, double value) {
  RunningSums fresh;
  TRY(add(fresh, value));  // refused before anything changes
  if (sums.starts.size() < most_starts && sums.count() + 1 == start_at(sums.starts.size()))
    sums.starts.emplace_back();
  for (RunningSums& start : sums.starts) TRY(add(start, value));
  return {};
}

double log_evidence_above(const RestartedSums& sums, double boundary) {
  if (sums.starts.empty()) return 0;
  // What has not started yet counts as it stands.
  double total = log_exact((1 - first_weight) / static_cast<double>(sums.starts.size()));
  for (std::size_t i = 0; i < sums.starts.size(); ++i)
    total = log_add_exact(total, log_weight(i) + log_evidence_above(sums.starts[i], boundary));
  return total;
}

doc::Value to_value(const RestartedSums& sums) {
  doc::Array out;
  for (const RunningSums& start : sums.starts) out.push_back(to_value(start));
  return out;
}

Result<RestartedSums> restarted_sums_from_value(const doc::Value& value) {
  RestartedSums out;
  if (!value.is_array()) return broken_evidence("restarted sums are no list");
  if (value.as_array().size() > most_starts) return broken_evidence("restarted sums are too many");
  for (const doc::Value& item : value.as_array()) {
    const RunningSums sums = TRY(running_sums_from_value(item));
    if (sums.count < 1 ||
        (!out.starts.empty() && sums.count != out.count() - start_at(out.starts.size()) + 1))
      return broken_evidence("restarted sums do not go together");
    out.starts.push_back(sums);
  }
  if (!out.starts.empty() && out.starts.size() < most_starts && start_at(out.starts.size()) <= out.count())
    return broken_evidence("restarted sums are too few");
  return out;
}

}  // namespace tranche::gate
