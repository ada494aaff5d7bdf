#include "gate/rivals.hpp"

#include <array>
#include <cmath>
#include <deque>

#include "gate/kayenta.hpp"
#include "gate/kayenta_math.hpp"

namespace tranche::gate {

namespace {

void add_counts(PooledCounts& to, const PooledCounts& counts) {
  to.canary_events += counts.canary_events;
  to.canary_exposure += counts.canary_exposure;
  to.control_events += counts.control_events;
  to.control_exposure += counts.control_exposure;
}

// The polls of the last `length` seconds, summed.
class Window {
 public:
  explicit Window(std::int64_t length) : length_(length) {}
  PooledCounts add(std::int64_t at, const PooledCounts& counts) {
    polls_.push_back({at, counts});
    while (polls_.front().at <= at - length_) polls_.pop_front();
    PooledCounts sum;
    for (const Timed& poll : polls_) add_counts(sum, poll.counts);
    return sum;
  }

 private:
  struct Timed {
    std::int64_t at;
    PooledCounts counts;
  };
  std::int64_t length_;
  std::deque<Timed> polls_;
};

// The rate a fixed rule objects to, given or measured.
class Threshold {
 public:
  explicit Threshold(const RivalConfig& config)
      : rate_(config.threshold), times_(config.times), left_(config.baseline_polls) {}
  // Absent while it is being measured.
  std::optional<double> after(const PooledCounts& counts) {
    if (rate_) return rate_;
    if (counts.control_exposure > 0) {
      add_counts(baseline_, counts);
      if (--left_ <= 0) rate_ = times_ * baseline_.control_events / baseline_.control_exposure;
    }
    return std::nullopt;
  }

 private:
  std::optional<double> rate_;
  double times_;
  int left_;
  PooledCounts baseline_;
};

// A query over the window at every poll; an answer above the threshold is a failed measurement, and more than
// `limit` of them fail the analysis. No data is an error, which is no measurement.
class FixedThreshold : public Rival {
 public:
  FixedThreshold(const RivalConfig& config, int limit)
      : threshold_(config), window_(config.window_seconds), limit_(limit) {}
  void observe(std::int64_t at, const PooledCounts& counts) override {
    see(counts);
    const PooledCounts sum = window_.add(at, counts);
    const std::optional<double> threshold = threshold_.after(counts);
    if (!threshold || sum.canary_exposure <= 0) return;
    if (sum.canary_events / sum.canary_exposure > *threshold && ++failures_ > limit_) fail();
  }

 private:
  Threshold threshold_;
  Window window_;
  int limit_, failures_ = 0;
};

// Flagger: each check looks at the last interval, failed checks are counted for ever, missing data is one.
class FlaggerCounter : public Rival {
 public:
  explicit FlaggerCounter(const RivalConfig& config) : threshold_(config) {}
  void observe(std::int64_t, const PooledCounts& counts) override {
    see(counts);
    const std::optional<double> threshold = threshold_.after(counts);
    if (!threshold) return;
    const bool bad =
        counts.canary_exposure <= 0 || counts.canary_events / counts.canary_exposure > *threshold;
    if (bad && ++failed_checks_ >= 5) fail();
  }

 private:
  Threshold threshold_;
  int failed_checks_ = 0;
};

class RatioRule : public Rival {
 public:
  explicit RatioRule(const RivalConfig& config) : window_(config.window_seconds), ratio_(config.ratio) {}
  void observe(std::int64_t at, const PooledCounts& counts) override {
    see(counts);
    const PooledCounts sum = window_.add(at, counts);
    if (sum.canary_exposure <= 0 || sum.control_exposure <= 0) return;
    const double canary = sum.canary_events / sum.canary_exposure;
    const double control = sum.control_events / sum.control_exposure;
    // As a query would have it: x / 0 is infinite, 0 / 0 is no number and fails nothing.
    if (canary / control > ratio_ && ++failures_ > 2) fail();
  }

 private:
  Window window_;
  double ratio_;
  int failures_ = 0;
};

// Two proportions with a pooled variance, one-sided.
class ZTest : public Rival {
 public:
  ZTest(const RivalConfig& config, bool every_poll)
      : critical_(-normal_quantile(config.error_rate)), every_poll_(every_poll) {}
  void observe(std::int64_t, const PooledCounts& counts) override {
    see(counts);
    add_counts(sum_, counts);
    if (every_poll_) look();
  }
  void finish() override { look(); }

 private:
  void look() {
    const double x = sum_.canary_exposure, y = sum_.control_exposure;
    if (x <= 0 || y <= 0) return;
    const double p = (sum_.canary_events + sum_.control_events) / (x + y);
    const double variance = p * (1 - p) * (1 / x + 1 / y);
    if (!(variance > 0)) return;
    if ((sum_.canary_events / x - sum_.control_events / y) / std::sqrt(variance) > critical_) fail();
  }

  double critical_;
  bool every_poll_;
  PooledCounts sum_;
};

// ln Gamma for x > 0, by Stirling's series above 10 and the recurrence below. Absolute error below 1e-11.
// Ours because libm's writes a global.
double log_gamma(double x) {
  double shift = 0;
  while (x < 10) {
    shift += std::log(x);
    x += 1;
  }
  const double y = 1 / (x * x);
  const double series = (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y / 1188)))) / x;
  return (x - 0.5) * std::log(x) - x + 0.91893853320467274178 + series - shift;
}

// Lindon and Malek's anytime-valid multinomial test: each event comes from the canary with the canary's share
// of the exposure; Dirichlet mixture around it. Two-sided: any difference is a rejection. The share must not
// change, so the average so far stands for it; through a ramp that is Simpson's paradox.
class LindonMalek : public Rival {
 public:
  explicit LindonMalek(const RivalConfig& config)
      : k_(config.concentration), critical_(std::log(1 / config.error_rate)) {}
  void observe(std::int64_t, const PooledCounts& counts) override {
    see(counts);
    add_counts(sum_, counts);
    if (sum_.canary_exposure <= 0 || sum_.control_exposure <= 0) return;
    const double share = sum_.canary_exposure / (sum_.canary_exposure + sum_.control_exposure);
    const double evidence = log_gamma(k_) - log_gamma(k_ + sum_.canary_events + sum_.control_events) +
                            term(sum_.canary_events, share) + term(sum_.control_events, 1 - share);
    if (evidence >= critical_) fail();
  }

 private:
  [[nodiscard]] double term(double events, double share) const {
    return log_gamma(k_ * share + events) - log_gamma(k_ * share) - events * std::log(share);
  }
  double k_, critical_;
  PooledCounts sum_;
};

// Kayenta's judge over the rates of every poll so far, asked again at every poll.
class KayentaEveryPoll : public Rival {
 public:
  explicit KayentaEveryPoll(const RivalConfig& config) : points_(config.kayenta_points) {
    metric_.direction = KayentaMetric::Direction::increase;
  }
  void observe(std::int64_t, const PooledCounts& counts) override {
    if (!see(counts)) return;
    series_.canary.push_back(counts.canary_events / counts.canary_exposure);
    series_.control.push_back(counts.control_events / counts.control_exposure);
    if (series_.canary.size() < points_ || series_.canary.size() > most_kayenta_samples) return;
    if (classify(metric_, series_).classification == KayentaClass::high) fail();
  }

 private:
  std::size_t points_;
  KayentaMetric metric_;
  KayentaSeries series_;
};

using Made = std::unique_ptr<Rival>;
constexpr std::array<RivalKind, 8> kinds{{
    {"fixed-threshold", "fixed threshold",
     "a rate above twice the usual one over 5 minutes fails, as Argo's successCondition does with "
     "failureLimit 0",
     [](const RivalConfig& config) -> Made { return std::make_unique<FixedThreshold>(config, 0); }},
    {"fixed-threshold-3", "fixed threshold, failureLimit 3", "the same, and three failures are forgiven",
     [](const RivalConfig& config) -> Made { return std::make_unique<FixedThreshold>(config, 3); }},
    {"flagger-counter", "Flagger's counter",
     "five checks in all with a rate above twice the usual one, or without data, fail",
     [](const RivalConfig& config) -> Made { return std::make_unique<FlaggerCounter>(config); }},
    {"ratio-rule", "ratio rule",
     "canary's rate above 1.5 times control's over 5 minutes, three times in all, fails",
     [](const RivalConfig& config) -> Made { return std::make_unique<RatioRule>(config); }},
    {"z-test-every-poll", "z-test at every poll",
     "a one-sided test of two proportions at 5%, looked at after every poll",
     [](const RivalConfig& config) -> Made { return std::make_unique<ZTest>(config, true); }},
    {"one-look", "one look at the end", "the same test, looked at once, when the time is over",
     [](const RivalConfig& config) -> Made { return std::make_unique<ZTest>(config, false); }},
    {"lindon-malek", "Lindon-Malek, k = 100",
     "a two-sided sequential test of counts that holds while the arms' shares of the exposure do not change",
     [](const RivalConfig& config) -> Made { return std::make_unique<LindonMalek>(config); }},
    {"kayenta", "Kayenta every minute",
     "Kayenta's judge over the rates of all polls so far, from 11 points, asked after every poll",
     [](const RivalConfig& config) -> Made { return std::make_unique<KayentaEveryPoll>(config); }},
}};

}  // namespace

PooledCounts pool(const Poll& poll) {
  PooledCounts out;
  for (const auto& [stratum, counts] : poll)
    add_counts(
        out, {counts.canary.events, counts.canary.exposure, counts.control.events, counts.control.exposure});
  return out;
}

std::span<const RivalKind> rival_kinds() { return kinds; }

RivalAnswer run(const RivalKind& kind, const RivalConfig& config, std::span<const TimedPoll> series) {
  const std::unique_ptr<Rival> rival = kind.make(config);
  RivalAnswer out;
  for (const TimedPoll& poll : series) {
    const PooledCounts counts = pool(poll.poll);
    rival->observe(poll.at, counts);
    out.canary_exposure += counts.canary_exposure;
    if (rival->verdict() != Verdict::fail) continue;
    out.verdict = Verdict::fail;
    out.at = poll.at;
    return out;
  }
  rival->end();
  out.verdict = rival->verdict();
  if (out.verdict == Verdict::fail && !series.empty()) out.at = series.back().at;
  return out;
}

}  // namespace tranche::gate
