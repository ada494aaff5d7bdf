// The limits were chosen by simulation (tests/bench/gates): 60 polls, 6 canary and 54 control events a poll.
// Of 20,000 series at log-sd 0.6, 93% are found noisy at the third poll and 97% at the fourth; of Poisson
// ones, 19% are taken for noisy there and wait a poll or two more for the same verdict.
#include "gate/noise.hpp"

#include <algorithm>
#include <cmath>

#include "gate/exact_math.hpp"

namespace tranche::gate {

namespace {

constexpr double fade = 63.0 / 64;
constexpr double largest_difference = 16;  // of d: one jump is one jump
constexpr double batch_events = 1;         // expected of the canary: fewer make the logarithm skew
constexpr std::size_t most_strata = 64;

void add_difference(Scatter& scatter, double a, double x, double b, double y) {
  const double total = a + b;
  if (!(total > 0 && x > 0 && y > 0)) return;
  const double share = y / (x + y);
  const double off = b - total * share;
  scatter.sum = scatter.sum * fade + std::min(off * off / (total * share * (1 - share)), largest_difference);
  scatter.count = scatter.count * fade + 1;
}

bool too_large(double sum, double count) {
  return count > 0 && sum > count * 1.3 + std::sqrt(count);  // average above 1.3 + 1 / sqrt(count)
}

std::unexpected<Error> broken(std::string_view what) {
  return fail_hint(ErrorKind::invalid,
                   "the journal entry was not written by this program; run 'tranche journal verify'",
                   "gate evidence: {}", what);
}

Result<double> read_amount(const doc::Value& value, std::string_view key) {
  const double amount = TRY(value.number(key));
  if (!std::isfinite(amount) || amount < 0) return broken(fmt::format("'{}' is no amount", key));
  return amount;
}

doc::Value to_value(const Scatter& scatter) {
  return doc::Value::object({{"sum", scatter.sum}, {"count", scatter.count}});
}
Result<Scatter> read_scatter(const doc::Value& value, std::string_view key) {
  const doc::Value* inside = TRY(value.object_at(key));
  Scatter out;
  out.sum = TRY(read_amount(*inside, "sum"));
  out.count = TRY(read_amount(*inside, "count"));
  return out;
}

}  // namespace

void observe_stratum(Noise& noise, const std::string& stratum, const Noise::Last& counts) {
  const auto found = noise.last.find(stratum);
  if (found != noise.last.end()) {
    const Noise::Last& before = found->second;
    add_difference(noise.canary, before.canary_events, before.canary_exposure, counts.canary_events,
                   counts.canary_exposure);
    add_difference(noise.control, before.control_events, before.control_exposure, counts.control_events,
                   counts.control_exposure);
    found->second = counts;
  } else if (noise.last.size() < most_strata) {
    noise.last.emplace(stratum, counts);
  }
  const double exposure = counts.canary_exposure + counts.control_exposure;
  const double share = counts.canary_exposure / exposure;
  noise.batch.canary += counts.canary_events * (1 - share);
  noise.batch.control += counts.control_events * share;
  noise.batch.expected += (counts.canary_events + counts.control_events) * share;
  noise.batch.canary_exposure += counts.canary_exposure;
  noise.batch.control_exposure += counts.control_exposure;
}

void end_poll(Noise& noise) {
  Noise::Batch& batch = noise.batch;
  if (!(batch.expected >= batch_events)) return;
  const double share = batch.canary_exposure / (batch.canary_exposure + batch.control_exposure);
  // Half an event more in each arm: a ratio of zero counts is finite, and the logarithm's bias nearly gone.
  const double ratio = (batch.canary + (1 - share) / 2) / (batch.control + share / 2);
  (void)add(noise.ratios, log_exact(ratio));  // finite and small by construction
  batch = {};
}

Dispersion judge_noise(const Noise& noise, double false_alarm) {
  const double least_differences = false_alarm < 0.02 ? 2.9 : 1.9;  // two or three, the older ones faded
  // Where the control arm has no events its scatter cannot be seen; the canary's can.
  if (noise.control.count < least_differences && noise.canary.count < least_differences)
    return Dispersion::unknown;
  const bool both = too_large(noise.control.sum + noise.canary.sum, noise.control.count + noise.canary.count);
  return both || too_large(noise.control.sum, noise.control.count) ? Dispersion::noisy : Dispersion::calm;
}

double dispersion(const Noise& noise) {
  return noise.control.count > 0 ? noise.control.sum / noise.control.count : 0;
}
double differences(const Noise& noise) { return std::max(noise.control.count, noise.canary.count); }

doc::Value to_value(const Noise& noise) {
  doc::Object last;
  for (const auto& [stratum, counts] : noise.last)
    last.push_back({stratum,
                    doc::Value(doc::Array{counts.canary_events, counts.canary_exposure, counts.control_events,
                                          counts.control_exposure}),
                    {}});
  return doc::Value::object(
      {{"last", doc::Value(std::move(last))},
       {"canary", to_value(noise.canary)},
       {"control", to_value(noise.control)},
       {"ratios", to_value(noise.ratios)},
       {"batch", doc::Value(doc::Array{noise.batch.canary, noise.batch.control, noise.batch.expected,
                                       noise.batch.canary_exposure, noise.batch.control_exposure})}});
}

Result<Noise> noise_from_value(const doc::Value& value) {
  const auto amounts = [](const doc::Value& array, std::size_t count) -> Result<std::vector<double>> {
    std::vector<double> out;
    if (!array.is_array() || array.as_array().size() != count) return broken("a list of amounts is cut");
    for (const doc::Value& item : array.as_array()) {
      if (!item.is_number() || !std::isfinite(item.as_double()) || item.as_double() < 0)
        return broken("a list holds something that is no amount");
      out.push_back(item.as_double());
    }
    return out;
  };
  Noise out;
  const doc::Value* last = TRY(value.object_at("last"));
  if (last->as_object().size() > most_strata) return broken("too many strata");
  for (const doc::Member& member : last->as_object()) {
    const auto four = TRY(amounts(member.value, 4));
    out.last[member.key] = {four[0], four[1], four[2], four[3]};
  }
  out.canary = TRY(read_scatter(value, "canary"));
  out.control = TRY(read_scatter(value, "control"));
  const doc::Value* ratios = TRY(value.object_at("ratios"));
  out.ratios = TRY(running_sums_from_value(*ratios));
  const auto five = TRY(amounts(*TRY(value.array_at("batch")), 5));
  out.batch = {five[0], five[1], five[2], five[3], five[4]};
  return out;
}

}  // namespace tranche::gate
