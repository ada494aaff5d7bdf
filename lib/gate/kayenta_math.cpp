#include "gate/kayenta_math.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace tranche::gate {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

// Sum over groups of equal values of t^3 - t, within one sorted sample.
double tie_sum(const std::vector<double>& sorted) {
  double sum = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t j = i;
    while (j < sorted.size() && sorted[j] == sorted[i]) ++j;
    const double t = static_cast<double>(j - i);
    sum += t * t * t - t;
    i = j;
  }
  return sum;
}

double deviation(double n, double m, double ties) {
  return std::sqrt(n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1))));
}

// Pairs whose difference is above mu.
double pairs_above(const Shift& shift, double mu) {
  double count = 0;
  std::size_t below = 0;
  for (const double x : shift.canary) {
    while (below < shift.control.size() && x - mu > shift.control[below]) ++below;
    count += static_cast<double>(below);
  }
  return count;
}

// Least mu, to the precision of a double, where `beyond` holds; it is false, then true. True at `high`.
double first_where(const std::function<bool(double)>& beyond, double low, double high, double grain) {
  if (beyond(low)) return low;
  for (int i = 0; i < 1'100 && high - low > grain; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (beyond(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

// Abramowitz and Stegun 26.2.23 is within 4.5e-4; three steps of Halley's method cube the error each time.
double normal_quantile(double p) {
  if (!(p > 0 && p < 1)) return nan;
  if (p > 0.5) return -normal_quantile(1 - p);
  const double t = std::sqrt(-2 * std::log(p));
  double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (int i = 0; i < 3; ++i) {
    const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    const double step = (normal_cdf(x) - p) / density;
    x -= step / (1 + x * step / 2);
  }
  return x;
}

double percentile(std::span<const double> samples, double percent) {
  if (samples.empty()) return nan;
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const double position = percent / 100 * static_cast<double>(sorted.size() - 1);
  const double whole = std::floor(std::clamp(position, 0.0, static_cast<double>(sorted.size() - 1)));
  const auto i = static_cast<std::size_t>(whole);
  if (i + 1 >= sorted.size()) return sorted.back();
  return sorted[i] + (position - whole) * (sorted[i + 1] - sorted[i]);
}

double mean(std::span<const double> samples) {
  if (samples.empty()) return nan;
  double sum = 0;
  for (const double sample : samples) sum += sample;
  return sum / static_cast<double>(samples.size());
}

double common_language_effect(std::span<const double> canary, std::span<const double> control) {
  if (canary.empty() || control.empty()) return nan;
  const Shift shift(canary, control);
  // Above counts strictly greater pairs; the mirror gives those below; the rest are ties.
  const Shift mirror(control, canary);
  const double pairs = static_cast<double>(canary.size()) * static_cast<double>(control.size());
  const double above = pairs_above(shift, 0);
  const double below = pairs_above(mirror, 0);
  return (above + (pairs - above - below) / 2) / pairs;
}

double cohen_d(std::span<const double> canary, std::span<const double> control) {
  const double x = mean(canary), y = mean(control);
  double squares = 0;
  for (const double sample : canary) squares += (sample - x) * (sample - x);
  for (const double sample : control) squares += (sample - y) * (sample - y);
  return std::abs(x - y) / std::sqrt(squares / (static_cast<double>(canary.size() + control.size()) - 2));
}

Shift::Shift(std::span<const double> canary_samples, std::span<const double> control_samples)
    : canary(canary_samples.begin(), canary_samples.end()),
      control(control_samples.begin(), control_samples.end()) {
  std::sort(canary.begin(), canary.end());
  std::sort(control.begin(), control.end());
}

double Shift::least() const { return canary.front() - control.back(); }
double Shift::greatest() const { return canary.back() - control.front(); }

// Ranks of the canary's samples by merging: a group of equal values shares its average rank. Ranks are half
// integers, so their sum is exact in any order.
std::optional<double> Shift::statistic(double mu, double quantile) const {
  const double n = static_cast<double>(canary.size()), m = static_cast<double>(control.size());
  double ranks = 0, ties = 0, before = 0;
  std::size_t i = 0, j = 0;
  while (i < canary.size() || j < control.size()) {
    double value = 0;
    if (i < canary.size() && (j >= control.size() || canary[i] - mu <= control[j]))
      value = canary[i] - mu;
    else
      value = control[j];
    double own = 0, other = 0;
    for (; i < canary.size() && canary[i] - mu == value; ++i) ++own;
    for (; j < control.size() && control[j] == value; ++j) ++other;
    const double group = own + other;
    ranks += own * (before + (group + 1) / 2);
    ties += group * group * group - group;
    before += group;
  }
  const double z = ranks - n * (n + 1) / 2 - n * m / 2;
  const double sigma = deviation(n, m, ties);
  if (!(sigma > 0)) return std::nullopt;
  return (z - 0.5 * sign(z)) / sigma - quantile;
}

double find_zero(const std::function<double(double)>& f, double a, double b, double fa, double fb,
                 double tolerance) {
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  if (fa == 0) return a;
  if (fb == 0) return b;
  // b: best so far; a: the one before it; c: on the other side of the zero.
  double c = a, fc = fa;
  for (int i = 0; i <= 1'000; ++i) {
    const double previous = b - a;
    if (std::abs(fc) < std::abs(fb)) {
      a = b, b = c, c = a;
      fa = fb, fb = fc, fc = fa;
    }
    const double close = 2 * epsilon * std::abs(b) + tolerance / 2;
    double step = (c - b) / 2;
    if (std::abs(step) <= close || fb == 0) return b;
    if (std::abs(previous) >= close && std::abs(fa) > std::abs(fb)) {
      const double width = c - b;
      double p = 0, q = 0;
      const double t = fb / fa;
      if (a == c) {  // a line through two points
        p = width * t;
        q = 1 - t;
      } else {  // an inverse parabola through three
        const double u = fa / fc, v = fb / fc;
        p = t * (width * u * (u - v) - (b - a) * (v - 1));
        q = (u - 1) * (v - 1) * (t - 1);
      }
      if (p > 0)
        q = -q;
      else
        p = -p;
      if (p < 0.75 * width * q - std::abs(close * q) / 2 && p < std::abs(previous * q / 2)) step = p / q;
    }
    if (std::abs(step) < close) step = step > 0 ? close : -close;
    a = b, fa = fb;
    b += step, fb = f(b);
    if ((fb > 0 && fc > 0) || (fb < 0 && fc < 0)) c = a, fc = fa;
  }
  return b;
}

std::optional<ShiftInterval> published_interval(const Shift& shift, double confidence) {
  const double z = -normal_quantile((1 - confidence) / 2);
  const double least = shift.least(), greatest = shift.greatest();
  bool tied = false;
  const auto root = [&](double quantile) {
    const auto f = [&](double mu) {
      const std::optional<double> at = shift.statistic(mu, quantile);
      tied = tied || !at;
      return at.value_or(0);
    };
    const double low = f(least), high = f(greatest);
    if (low <= 0) return least;
    if (high >= 0) return greatest;
    return find_zero(f, least, greatest, low, high, 1e-4);
  };
  const double lower = root(z), upper = root(-z), estimate = root(0);
  if (tied) return std::nullopt;
  return ShiftInterval{lower, upper, estimate};
}

ShiftInterval exact_interval(const Shift& shift, double confidence) {
  const double z = -normal_quantile((1 - confidence) / 2);
  const double n = static_cast<double>(shift.canary.size()), m = static_cast<double>(shift.control.size());
  const double sigma = deviation(n, m, tie_sum(shift.canary) + tie_sum(shift.control));
  const double least = shift.least(), greatest = shift.greatest();
  const double grain = 1e-14 * std::max({std::abs(shift.canary.front()), std::abs(shift.canary.back()),
                                         std::abs(shift.control.front()), std::abs(shift.control.back())});
  // Just right of mu no canary sample ties with a control sample, so sigma is constant and the statistic is a
  // falling staircase with its steps at the pairwise differences.
  const auto root = [&](double quantile) {
    const auto statistic = [&](double mu) {
      const double d = pairs_above(shift, mu) - n * m / 2;
      return (d - 0.5 * sign(d)) / sigma - quantile;
    };
    if (statistic(greatest) >= 0) return greatest;
    const double from = first_where([&](double mu) { return statistic(mu) <= 0; }, least, greatest, grain);
    const double to = first_where([&](double mu) { return statistic(mu) < 0; }, least, greatest, grain);
    return from + (to - from) / 2;
  };
  const double top = (n * m / 2 - 0.5) / sigma;  // left of the least difference
  return {top <= z ? least : root(z), root(-z), root(0)};
}

}  // namespace tranche::gate
