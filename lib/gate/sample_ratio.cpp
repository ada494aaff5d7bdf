#include "gate/sample_ratio.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "gate/exact_math.hpp"
#include "gate/judging.hpp"

namespace tranche::gate {

namespace {

// ln Gamma(z), z > 0: shifted up to 16, then Stirling's series, whose next term is below 1e-14 there.
double log_gamma(double z) {
  double shift = 0;
  while (z < 16) {
    shift += log_exact(z);
    z += 1;
  }
  const double u = 1 / (z * z);
  const double series =
      (1.0 / 12 +
       u * (-1.0 / 360 + u * (1.0 / 1260 + u * (-1.0 / 1680 + u * (1.0 / 1188 - u * 691.0 / 360360))))) /
      z;
  constexpr double half_log_two_pi = 0x1.d67f1c864beb5p-1;
  return (z - 0.5) * log_exact(z) - z + half_log_two_pi + series - shift;
}

bool proper(double share) { return share > 0 && share < 1; }

double log_evidence(const SampleRatioEvidence& evidence, double k) {
  double out = evidence.closed;
  for (const auto& [stratum, segment] : evidence.segments) out += log_mismatch(segment, k);
  return out;
}

}  // namespace

double log_mismatch(const SampleRatioEvidence::Segment& segment, double k) {
  const auto [share, canary, control] = segment;
  if (!(canary + control > 0)) return 0;
  const double a = k * share, b = k * (1 - share);
  return log_gamma(k) - log_gamma(k + canary + control) + log_gamma(a + canary) - log_gamma(a) +
         log_gamma(b + control) - log_gamma(b) - canary * log_exact(share) - control * log1p_exact(-share);
}

doc::Value to_value(const SampleRatioEvidence& evidence) {
  doc::Value segments = doc::Value::object();
  for (const auto& [stratum, segment] : evidence.segments)
    segments.set(stratum,
                 doc::Value::object(
                     {{"share", segment.share}, {"canary", segment.canary}, {"control", segment.control}}));
  return doc::Value::object({{"segments", segments},
                             {"closed", evidence.closed},
                             {"largest", evidence.largest},
                             {"canary", evidence.canary},
                             {"control", evidence.control},
                             {"expected", evidence.expected},
                             {"polls", evidence.polls}});
}

Result<SampleRatioEvidence> sample_ratio_from_value(const doc::Value& value) {
  SampleRatioEvidence out;
  const doc::Value* segments = TRY(value.object_at("segments"));
  if (segments->as_object().size() > largest_strata) return broken_evidence("'segments' has too many strata");
  for (const doc::Member& member : segments->as_object()) {
    SampleRatioEvidence::Segment segment;
    segment.share = TRY(member.value.number("share"));
    if (!proper(segment.share)) return broken_evidence("'share' is none");
    segment.canary = TRY(read_count(member.value, "canary"));
    segment.control = TRY(read_count(member.value, "control"));
    out.segments.emplace(member.key, segment);
  }
  out.closed = TRY(value.number("closed"));
  if (!std::isfinite(out.closed)) return broken_evidence("'closed' is no number");
  out.largest = TRY(read_count(value, "largest"));
  out.canary = TRY(read_count(value, "canary"));
  out.control = TRY(read_count(value, "control"));
  out.expected = TRY(read_count(value, "expected"));
  out.polls = TRY(read_tally(value, "polls"));
  return out;
}

Result<> observe(SampleRatioEvidence& evidence, const Poll& poll, const std::map<std::string, double>& shares,
                 double k) {
  TRY(check_poll(poll));
  if (!(k >= 1 && k <= 1e9))
    return fail_hint(ErrorKind::invalid, "1000 is usual", "the sample-ratio test's k is {}", k);
  for (const auto& [stratum, share] : shares)
    if (!proper(share))
      return fail_hint(ErrorKind::invalid, "a stratum's share lies between 0 and 1",
                       "stratum '{}' has the expected share {}", printable(stratum, 40), share);
  bool any = false;
  for (const auto& [stratum, counts] : poll) {
    const auto share = shares.find(stratum);
    const double canary = counts.canary.exposure, control = counts.control.exposure;
    if (share == shares.end() || !(canary + control > 0)) continue;
    auto known = evidence.segments.find(stratum);
    if (known == evidence.segments.end()) {
      if (evidence.segments.size() >= largest_strata) continue;
      known = evidence.segments.emplace(stratum, SampleRatioEvidence::Segment{share->second, 0, 0}).first;
    }
    SampleRatioEvidence::Segment& segment = known->second;
    if (segment.share != share->second) {
      evidence.closed += log_mismatch(segment, k);
      segment = {share->second, 0, 0};
    }
    segment.canary += canary;
    segment.control += control;
    evidence.canary += canary;
    evidence.control += control;
    evidence.expected += share->second * (canary + control);
    any = true;
  }
  if (!any) return {};
  ++evidence.polls;
  evidence.largest = std::max(evidence.largest, log_evidence(evidence, k));
  return {};
}

SampleRatio judge(const SampleRatioEvidence& evidence, double alpha, double k) {
  SampleRatio out;
  out.log_evidence = log_evidence(evidence, k);
  out.p = exp_exact(-evidence.largest);
  out.mismatch = evidence.largest >= log_exact(1 / alpha);
  const double devices = evidence.canary + evidence.control;
  if (!(devices > 0)) {
    out.observed = out.expected = std::numeric_limits<double>::quiet_NaN();
    out.explanation = "no devices were heard from";
    return out;
  }
  out.observed = evidence.canary / devices;
  out.expected = evidence.expected / devices;
  out.explanation = fmt::format(
      "{:.6g} of {:.6g} devices heard from are canaries, {:.4g}% where {:.4g}% were expected; evidence for a "
      "mismatch "
      "was {} at most ({:.4g} is an alarm){}",
      evidence.canary, devices, 100 * out.observed, 100 * out.expected, odds_text(evidence.largest),
      1 / alpha,
      out.mismatch ? ": devices of one arm are missing or counted twice, so the arms cannot be compared"
                   : "");
  return out;
}

}  // namespace tranche::gate
