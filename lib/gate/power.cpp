#include "gate/power.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "gate/exact_math.hpp"

namespace tranche::gate {

namespace {

constexpr int most_runs = 2'400;  // half width 2 points at a chance of one half
constexpr int fewest_runs = 200;
constexpr int batch = 200;
// Polls simulated; one that is judged costs as much as some twenty, the more so where the second test is
// asked.
constexpr double most_steps = 1'000'000;
constexpr double judging_steps = 20, judging_noise_steps = 25;
constexpr double sizing = 0.25;  // of these, for each size that is tried
constexpr std::int64_t most_polls = 500, most_noisy_polls = 250;
constexpr std::array<double, 8> shares{0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5};
constexpr std::array<std::int64_t, 10> bake_minutes{30, 60, 120, 240, 360, 720, 1440, 2880, 4320, 10080};

// splitmix64 (Steele, Lea, Flood 2014) of a counter: draw i of a run is a function of (seed, run, i).
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t run) : counter_(mixed(mixed(seed) + run)) {}

  double uniform() {  // (0, 1)
    counter_ += 0x9e3779b97f4a7c15U;
    return (static_cast<double>(mixed(counter_) >> 11) + 0.5) * 0x1.0p-53;
  }
  double normal() {  // Marsaglia's polar method
    for (;;) {
      const double u = 2 * uniform() - 1, v = 2 * uniform() - 1, s = u * u + v * v;
      if (s < 1 && s > 0) return u * std::sqrt(-2 * log_exact(s) / s);
    }
  }
  double poisson(double mean) {
    if (!(mean > 0)) return 0;
    if (mean > 1e6) return std::max(0.0, std::floor(mean + std::sqrt(mean) * normal() + 0.5));
    if (mean < 10) {
      const double limit = exp_exact(-mean);
      double count = 0;
      double product = uniform();
      while (product > limit) {
        product *= uniform();
        count += 1;
      }
      return count;
    }
    // Transformed rejection with squeeze: Hoermann 1993, PTRS.
    const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), accept = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
      const double u = uniform() - 0.5, v = uniform(), us = 0.5 - std::abs(u);
      const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= accept) return k;
      if (k < 0 || (us < 0.013 && v > us)) continue;
      if (log_exact(v * inverse_alpha / (a / (us * us) + b)) <= k * log_exact(mean) - mean - log_factorial(k))
        return k;
    }
  }
  // Exact for few trials or few events, else the normal law, rounded.
  double binomial(double trials, double chance) {
    if (chance > 0.5) return trials - binomial(trials, 1 - chance);
    if (!(trials > 0) || !(chance > 0)) return 0;
    if (trials * chance > 30) {
      const double mean = trials * chance;
      const double drawn = std::floor(mean + std::sqrt(mean * (1 - chance)) * normal() + 0.5);
      return std::clamp(drawn, 0.0, trials);
    }
    // Waiting times between events are geometric.
    const double log_miss = log1p_exact(-chance);
    double count = 0;
    double at = std::floor(log_exact(uniform()) / log_miss);
    while (at < trials) {
      at += 1 + std::floor(log_exact(uniform()) / log_miss);
      count += 1;
    }
    return count;
  }

 private:
  static std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // Stirling's series above 9.
  static double log_factorial(double k) {
    double x = k + 1, product = 1;
    while (x < 10) {
      product *= x;
      x += 1;
    }
    return (x - 0.5) * log_exact(x) - x + 0.91893853320467274178 + (1.0 / 12 - 1 / (360 * x * x)) / x -
           log_exact(product);
  }
  std::uint64_t counter_;
};

double worse(const PowerQuestion& question, double base) {
  if (question.config.statistic != Statistic::proportion) return base * question.ratio;
  const double odds = base / (1 - base) * question.ratio;
  return odds / (1 + odds);
}

// What one run saw, in polls from 1; 0: never.
struct Seen {
  std::int64_t failed = 0, passed = 0;
  double exposure = 0;  // canary's, at the fail
  double steps = 0;
};

// When there are too many polls to simulate, the first ones are simulated one by one and the later ones put
// together: what is large is seen early, and what is small late.
struct Schedule {
  std::int64_t single = 0;    // polls one by one
  std::int64_t together = 1;  // of the later ones
  std::int64_t most = 0;      // polls of the gate
};
Schedule schedule_of(const PowerQuestion& question) {
  const std::int64_t polls = question.within / question.every;
  const std::int64_t most = question.noise > 0 ? most_noisy_polls : most_polls;
  if (polls <= most) return {polls, 1, polls};
  const std::int64_t later = most - most / 2;
  return {most / 2, (polls - most / 2 + later - 1) / later, polls};
}

class Simulation {
 public:
  explicit Simulation(const PowerQuestion& question)
      : question_(question), schedule_(schedule_of(question)), canary_base_(worse(question, question.base)) {}

  Seen run(std::uint64_t number) {
    Draws draws(question_.seed, number);
    Process process = begin(question_.config);
    Seen seen;
    StratumCounts& counts = poll_["all"];
    put_together(1);
    for (std::int64_t at = 0; at < schedule_.most;) {
      if (at == schedule_.single) put_together(schedule_.together);
      at += together_;
      counts.canary.exposure = draws.poisson(canary_);
      counts.control.exposure = draws.poisson(control_);
      counts.canary.events = events(draws, counts.canary.exposure, canary_base_);
      counts.control.events = events(draws, counts.control.exposure, question_.base);
      seen.exposure += counts.canary.exposure;
      ++seen.steps;
      if (!observe(process, question_.config, poll_)) continue;
      if (!may_decide(process, question_.config, seen.passed == 0)) continue;
      seen.steps += question_.noise > 0 ? judging_noise_steps : judging_steps;
      const Verdict verdict = judge(process, question_.config, false).verdict;
      if (verdict == Verdict::pass && seen.passed == 0) seen.passed = at;
      if (verdict != Verdict::fail) continue;
      seen.failed = at;
      break;
    }
    return seen;
  }

 private:
  double events(Draws& draws, double exposure, double rate) const {
    const double factor = noise_ > 0 ? exp_exact(noise_ * draws.normal()) : 1;
    if (question_.config.statistic == Statistic::proportion)
      return draws.binomial(exposure, std::min(1.0, rate * factor));
    return draws.poisson(exposure * rate * factor);
  }

  void put_together(std::int64_t polls) {
    together_ = polls;
    const double seconds = static_cast<double>(question_.every.count() * polls) / 1000;
    // Log-sd of the mean of several lognormal factors, nearly one itself (Fenton 1960).
    const double variance = question_.noise * question_.noise;
    noise_ = std::sqrt(log1p_exact((exp_exact(variance) - 1) / static_cast<double>(polls)));
    canary_ = question_.canary_rate * seconds;
    control_ = question_.control_rate * seconds;
  }

  const PowerQuestion& question_;
  Schedule schedule_;
  double canary_base_;
  std::int64_t together_ = 1;
  double canary_ = 0, control_ = 0, noise_ = 0;
  Poll poll_;
};

// Half width of a 95% interval (Agresti and Coull 1998).
double half_width(double count, double runs) {
  const double p = (count + 2) / (runs + 4);
  return 1.96 * std::sqrt(p * (1 - p) / (runs + 4));
}

// The poll by which `part` of the runs were there; 0: fewer ever were.
std::int64_t reached(std::vector<std::int64_t>& polls, double runs, double part) {
  const auto wanted = static_cast<std::size_t>(std::ceil(runs * part));
  if (wanted == 0 || polls.size() < wanted) return 0;
  std::sort(polls.begin(), polls.end());
  return polls[wanted - 1];
}

std::optional<Duration> time_of(std::int64_t poll, const PowerQuestion& question) {
  if (poll == 0) return std::nullopt;
  return std::min(question.within, poll * question.every);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

Result<Power> simulate(const PowerQuestion& question, double budget);

}  // namespace

Result<> check(const PowerQuestion& question) {
  TRY(check(question.config.compare));
  const auto refuse = [](std::string_view what, std::string hint) {
    return fail_hint(ErrorKind::invalid, std::move(hint), "{}", what);
  };
  const auto inside = [](double value, double low, double high) { return value >= low && value <= high; };
  if (question.config.statistic != Statistic::rate && question.config.statistic != Statistic::proportion)
    return refuse("power is known for rates and proportions, not for quantiles and means",
                  "replay recorded series instead: tranche gate replay");
  if (!inside(question.canary_rate, 1e-9, 1e9) || !inside(question.control_rate, 1e-9, 1e9))
    return refuse("an arm's exposure is not between 1e-9 and 1e9 a second", "write it as 30/min");
  const bool proportion = question.config.statistic == Statistic::proportion;
  if (!inside(question.base, 1e-9, proportion ? 0.999 : 100))
    return refuse("the base rate is out of range", "write events an exposure: 0.5%, or 0.005");
  if (!inside(question.ratio, 0.01, 1000))
    return refuse("the regression is out of range", "write a ratio: 2x");
  if (!inside(question.noise, 0, 2)) return refuse("the noise is out of range", "write a log-sd of 0 to 2");
  if (question.every < std::chrono::milliseconds(100) || question.within < question.every)
    return refuse("there is no poll within that time", "give it at least the gate's `every`");
  if (question.within > std::chrono::hours(24 * 365))
    return refuse("that is more than a year", "give it at most 365d");
  return {};
}

Result<Power> simulate_power(const PowerQuestion& question) { return simulate(question, most_steps); }

namespace {

Result<Power> simulate(const PowerQuestion& question, double budget) {
  TRY(check(question));
  Power out;
  out.together = schedule_of(question).together;
  Simulation simulation(question);
  std::vector<std::int64_t> failed, passed;
  std::vector<double> exposures;
  double steps = 0;
  while (out.runs < most_runs) {
    for (int i = 0; i < batch; ++i) {
      const Seen seen = simulation.run(static_cast<std::uint64_t>(++out.runs));
      steps += seen.steps;
      if (seen.failed > 0) failed.push_back(seen.failed);
      if (seen.failed > 0) exposures.push_back(seen.exposure);
      if (seen.passed > 0) passed.push_back(seen.passed);
    }
    const auto width = half_width(static_cast<double>(failed.size()), out.runs);
    const bool known = width <= 0.02 && half_width(static_cast<double>(passed.size()), out.runs) <= 0.02;
    if (out.runs >= fewest_runs && (known || steps > budget)) break;
  }
  const double runs = out.runs;
  out.fails = static_cast<double>(failed.size()) / runs;
  out.passes = static_cast<double>(passed.size()) / runs;
  out.half_width = std::max(half_width(static_cast<double>(failed.size()), runs),
                            half_width(static_cast<double>(passed.size()), runs));
  out.fail_median = time_of(reached(failed, static_cast<double>(failed.size()), 0.5), question);
  out.pass_median = time_of(reached(passed, static_cast<double>(passed.size()), 0.5), question);
  out.fails_90 = time_of(reached(failed, runs, 0.9), question);
  out.passes_90 = time_of(reached(passed, runs, 0.9), question);
  out.fail_exposure_median = median(std::move(exposures));
  return out;
}

}  // namespace

double expected_seconds(const PowerQuestion& question) {
  const CompareConfig& config = question.config.compare;
  const double gain = question.ratio / config.worse_than;
  if (!(gain > 1)) return std::numeric_limits<double>::infinity();
  // Information of the best alternative, an exposure-weighted event at a time, with rare events.
  const double canary = question.canary_rate * question.base * question.ratio;
  const double boundary = question.canary_rate * config.worse_than /
                          (question.canary_rate * config.worse_than + question.control_rate);
  const double events = canary + question.control_rate * question.base;
  const double growth = canary * log_exact(gain) - events * log1p_exact(boundary * (gain - 1));
  return growth > 0 ? (log_exact(1 / config.false_rollback) + 1.5) / growth
                    : std::numeric_limits<double>::infinity();
}

Result<std::optional<StageSize>> size_stage(PowerQuestion question, double whole_rate, double share) {
  const Duration most = question.within;
  question.canary_rate = whole_rate * share;
  question.control_rate = whole_rate * (1 - share);
  if (1.2 * expected_seconds(question) > static_cast<double>(most.count()) / 1000)
    return std::optional<StageSize>{};
  const Power seen = TRY(simulate(question, sizing * most_steps));
  if (!seen.fails_90) return std::optional<StageSize>{};
  PowerQuestion good = question;
  good.ratio = 1;
  const Power passed = TRY(simulate(good, sizing * most_steps));
  const Duration wanted = std::max(*seen.fails_90, passed.passes_90.value_or(most));
  Duration bake = most;
  for (const std::int64_t minutes : bake_minutes)
    if (std::chrono::minutes(minutes) >= wanted) {
      bake = std::min(most, Duration(std::chrono::minutes(minutes)));
      break;
    }
  question.within = bake;
  const Power power = TRY(simulate(question, sizing * most_steps));
  return StageSize{share, bake, power};
}

Result<std::optional<StageSize>> suggest_stage(PowerQuestion question, double whole_rate) {
  for (const double share : shares)
    if (auto size = TRY(size_stage(question, whole_rate, share))) return size;
  return std::optional<StageSize>{};
}

}  // namespace tranche::gate
