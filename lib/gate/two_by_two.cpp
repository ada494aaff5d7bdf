#include "gate/two_by_two.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "gate/exact_math.hpp"

namespace tranche::gate {

namespace {

constexpr double small_table = 128;

struct Margins {
  double x, y, n, rest;  // trials of the arms, events, trials without
  [[nodiscard]] double trials() const { return x + y; }
  [[nodiscard]] double lowest() const { return std::max(0.0, n - y); }  // of a
  [[nodiscard]] double highest() const { return std::min(x, n); }
};

bool whole(double value) { return value == std::floor(value); }

// Z as it stands, over C(x, lowest) C(y, n - lowest) psi^lowest. At most 65 terms below 2^64 1e5^64: in
// range.
class Sum {
 public:
  explicit Sum(const Margins& margins) {
    double weight = 1;
    double k = margins.lowest();
    while (k <= margins.highest()) {
      weights_[size_++] = weight;
      weight *= (margins.x - k) * (margins.n - k) / ((k + 1) * (margins.y - margins.n + k + 1));
      k += 1;
    }
  }
  [[nodiscard]] double log_at(double psi) const {
    double sum = 0;
    for (std::size_t i = size_; i > 0; --i) sum = sum * psi + weights_[i - 1];
    return log_exact(sum);
  }

 private:
  std::array<double, 66> weights_{};
  std::size_t size_ = 0;
};

// The cell of `row` and `column` where its odds ratio is psi: r (other - column + r) = psi (row - r)(column -
// r), solved without cancellation.
double cell(double row, double other, double column, double psi) {
  const double b = other - column + psi * (row + column);
  const double root = std::sqrt(std::max(0.0, b * b + 4 * (1 - psi) * psi * row * column));
  return b >= 0 ? 2 * psi * row * column / (b + root) : (root - b) / (2 * (1 - psi));
}

// The table that fits the margins and psi. Each cell is solved for by itself: the difference of two margins
// of 1e12 would be rounding where a cell is small.
struct Point {
  double psi;
  double canary_events, canary_rest, control_events, control_rest;
  Point(const Margins& m, double ratio)
      : psi(ratio),
        canary_events(cell(m.x, m.y, m.n, ratio)),
        canary_rest(cell(m.x, m.y, m.rest, 1 / ratio)),
        control_events(cell(m.y, m.x, m.n, 1 / ratio)),
        control_rest(cell(m.y, m.x, m.rest, ratio)) {}
  [[nodiscard]] bool inside() const {
    return canary_events > 0 && canary_rest > 0 && control_events > 0 && control_rest > 0;
  }
};

// ln Z(to) - ln Z(from), from above.
double log_quotient_bound(const Margins& m, const Point& from, const Point& to) {
  const double control_rest = log_exact(from.control_rest / to.control_rest);
  const double saddle = m.x * log_exact(from.canary_rest / to.canary_rest) + m.y * control_rest -
                        m.n * (log_exact(to.control_events / from.control_events) + control_rest);
  const double range = m.highest() - m.lowest(), trials = m.trials();
  double rest = 0;
  if (to.psi > from.psi && to.psi > 1) {
    const double highest = std::min(m.highest(), to.canary_events + (to.psi - 1) * range / (4 * trials));
    rest = (to.psi - 1) * (highest - (from.psi > 1 ? from.canary_events : cell(m.x, m.y, m.n, 1))) / trials;
  } else if (to.psi < from.psi && to.psi < 1) {
    const double lowest = std::max(m.lowest(), to.canary_events - (1 / to.psi - 1) * range / (4 * trials));
    rest =
        (1 / to.psi - 1) * ((from.psi < 1 ? from.canary_events : cell(m.x, m.y, m.n, 1)) - lowest) / trials;
  }
  return saddle + rest;
}

}  // namespace

void add_log_likelihood_ratios(const TwoByTwo& counts, double null, std::span<const double> factors,
                               std::vector<double>& gains) {
  const Margins m{
      counts.canary_trials, counts.control_trials, counts.canary_events + counts.control_events,
      (counts.canary_trials - counts.canary_events) + (counts.control_trials - counts.control_events)};
  if (!(m.x > 0 && m.y > 0 && m.highest() > m.lowest())) return;
  const bool exact = m.trials() <= small_table && whole(m.x) && whole(m.y) && whole(counts.canary_events) &&
                     whole(counts.control_events);
  if (exact) {
    const Sum sum(m);
    const double log_at_null = sum.log_at(null), above = counts.canary_events - m.lowest();
    for (std::size_t i = 0; i < factors.size(); ++i)
      gains[i] += above * log_exact(factors[i]) + log_at_null - sum.log_at(null * factors[i]);
    return;
  }
  const Point from(m, null);
  if (!from.inside()) return;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const Point to(m, null * factors[i]);
    if (to.inside())
      gains[i] += counts.canary_events * log_exact(factors[i]) - log_quotient_bound(m, from, to);
  }
}

}  // namespace tranche::gate
