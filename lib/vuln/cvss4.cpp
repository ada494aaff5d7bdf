// CVSS 4.0 (first.org/cvss/v4.0/specification-document, section 8). A vector belongs to one of 270 sets that
// experts have ranked, a "macro vector" of six digits, EQ1 to EQ6. Its score is that of its set, less a part
// of the way down to the next lower sets: how far the vector lies below the worst one of its own set.
//
// Scores are tenths and distances are whole steps, so the mean is a fraction of integers, and a tie is
// rounded up because it is one, not because of how a sum of doubles came out.
#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "base/text.hpp"
#include "vuln/cvss.hpp"

namespace tranche::vuln {
namespace {

// Each row is one pair of EQ1 and EQ2. Within it: EQ3 = 0 and 1, each by EQ4, then EQ5, then EQ6; EQ3 = 2, by
// EQ4, then EQ5 (EQ6 is 1 there). The numbers of FIRST's table, in tenths.
constexpr std::array<std::array<std::uint8_t, 45>, 6> scores_of_sets{{
    {100, 99, 98, 95, 95, 92, 100, 96, 93, 87, 91, 81, 93, 90, 89, 80, 81, 68, 98, 95, 95, 92, 90,
     84,  93, 92, 89, 81, 81, 65,  88, 80, 78, 70, 69, 48, 92, 82, 72, 79, 69, 50, 69, 55, 27},
    {99, 97, 95, 92, 92, 85, 95, 91, 90, 83, 84, 71, 92, 81, 82, 71, 72, 53, 95, 93, 92, 85, 85,
     73, 92, 82, 80, 72, 70, 59, 84, 70, 71, 52, 50, 30, 86, 75, 52, 71, 52, 29, 63, 29, 17},
    {98, 95, 94, 87, 91, 81, 94, 89, 86, 74, 77, 64, 87, 75, 74, 63, 63, 49, 94, 89, 88, 77, 76,
     67, 86, 76, 74, 58, 59, 50, 72, 57, 57, 52, 52, 25, 83, 70, 54, 65, 58, 26, 53, 21, 13},
    {95, 90, 88, 76, 76, 70, 90, 77, 75, 62, 61, 53, 77, 66, 68, 59, 52, 30, 89, 78, 76, 67, 62,
     58, 74, 59, 57, 57, 47, 23, 61, 52, 57, 29, 24, 16, 71, 59, 30, 58, 26, 15, 23, 13, 6},
    {93, 87, 86, 72, 75, 58, 86, 74, 74, 61, 56, 34, 70, 54, 52, 40, 40, 22, 85, 75, 74, 55, 62,
     51, 72, 57, 55, 41, 46, 19, 53, 36, 34, 19, 19, 8,  64, 51, 20, 47, 21, 11, 24, 9,  4},
    {88, 75, 73, 53, 60, 50, 73, 55, 59, 40, 41, 20, 54, 43, 45, 22, 20, 11, 75, 55, 58, 45, 40,
     21, 61, 51, 48, 18, 20, 9,  46, 18, 17, 7,  8,  2,  53, 24, 14, 24, 12, 5,  10, 3,  1},
}};

struct Metric {
  std::string_view name;
  std::string_view values;  // the worst first; its place is the distance from the worst
};
// What a score is made of, base metrics first. S (safety) is there for MSI and MSA alone.
enum : std::size_t { av, pr, ui, ac, at, vc, vi, va, sc, si, sa, e, cr, ir, ar, metric_count };
constexpr std::array<Metric, metric_count> metrics{{{"AV", "NALP"},
                                                    {"PR", "NLH"},
                                                    {"UI", "NPA"},
                                                    {"AC", "LH"},
                                                    {"AT", "NP"},
                                                    {"VC", "HLN"},
                                                    {"VI", "HLN"},
                                                    {"VA", "HLN"},
                                                    {"SC", "SHLN"},
                                                    {"SI", "SHLN"},
                                                    {"SA", "SHLN"},
                                                    {"E", "APU"},
                                                    {"CR", "HML"},
                                                    {"IR", "HML"},
                                                    {"AR", "HML"}}};
constexpr std::size_t base_count = e;
constexpr std::array<Metric, 5> supplemental{
    {{"S", "XNP"}, {"AU", "XNY"}, {"R", "XAUI"}, {"V", "XDC"}, {"RE", "XLMH"}}};
constexpr std::array<std::string_view, 5> urgencies{"X", "Clear", "Green", "Amber", "Red"};

// The place of each metric's value among its values.
using Levels = std::array<int, metric_count>;
// Worst vectors of a set: the levels of the metrics that it is about, in the order of `metrics`.
template <std::size_t N>
using Worst = std::array<int, N>;

struct Vector {
  Levels base{};      // threat and requirements as they are by default: the worst
  Levels modified{};  // all that is said
};

std::size_t place_of(std::string_view values, char value) { return values.find(value); }

// One metric into the vector. False: no metric or no value of it.
bool take(std::string_view name, std::string_view value, Vector& into, std::array<bool, base_count>& given) {
  if (name == "U") return std::ranges::find(urgencies, value) != urgencies.end();
  if (value.size() != 1) return false;
  if (const auto extra = std::ranges::find(supplemental, name, &Metric::name); extra != supplemental.end())
    return place_of(extra->values, value[0]) != std::string_view::npos;
  const bool changed = name.starts_with('M');
  const auto metric = std::ranges::find(metrics, changed ? name.substr(1) : name, &Metric::name);
  const auto i = static_cast<std::size_t>(metric - metrics.begin());
  if (metric == metrics.end() || (changed && i >= base_count)) return false;
  if (value == "X") return changed || i >= base_count;
  const std::size_t level = place_of(metric->values, value[0]);
  const bool safety = value == "S" && !(changed && (i == si || i == sa));
  if (level == std::string_view::npos || safety) return false;
  if (changed || i >= base_count) {
    into.modified[i] = static_cast<int>(level);
  } else {
    into.base[i] = static_cast<int>(level);
    given[i] = true;
  }
  return true;
}

std::optional<Vector> parse(std::string_view text) {
  constexpr std::string_view prefix = "CVSS:4.0/";
  if (!text.starts_with(prefix) || text.size() > 512) return std::nullopt;
  Vector out;
  out.modified.fill(-1);
  std::array<bool, base_count> given{};
  std::vector<std::string_view> seen;
  for (const std::string_view part : split(text.substr(prefix.size()), '/')) {
    const std::size_t colon = part.find(':');
    if (colon == part.npos) return std::nullopt;
    const std::string_view name = part.substr(0, colon);
    if (std::ranges::find(seen, name) != seen.end()) return std::nullopt;
    seen.push_back(name);
    if (!take(name, part.substr(colon + 1), out, given)) return std::nullopt;
  }
  if (!std::ranges::all_of(given, std::identity())) return std::nullopt;
  for (std::size_t i = 0; i < metric_count; ++i)
    if (out.modified[i] < 0) out.modified[i] = out.base[i];
  return out;
}

constexpr int none_below = -1;

struct Set {
  int eq1 = 0, eq2 = 0, eq3 = 0, eq4 = 0, eq5 = 0, eq6 = 0;

  // none_below: there is no such set.
  [[nodiscard]] int score() const {
    if (eq1 > 2 || eq2 > 1 || eq3 > 2 || eq4 > 2 || eq5 > 2 || eq6 > 1) return none_below;
    if (eq3 == 2 && eq6 == 0) return none_below;
    const int at = eq3 == 2 ? 36 + eq4 * 3 + eq5 : eq3 * 18 + eq4 * 6 + eq5 * 2 + eq6;
    return scores_of_sets[static_cast<std::size_t>(eq1 * 2 + eq2)][static_cast<std::size_t>(at)];
  }
};

// Tables 24 to 29 of the specification.
Set set_of(const Levels& v) {
  constexpr int safety = 0, subsequent_high = 1;  // of SC, SI, SA
  Set out;
  const bool any = v[av] == 0 || v[pr] == 0 || v[ui] == 0;
  out.eq1 = v[av] == 0 && v[pr] == 0 && v[ui] == 0 ? 0 : any && v[av] != 3 ? 1 : 2;
  out.eq2 = v[ac] == 0 && v[at] == 0 ? 0 : 1;
  out.eq3 = v[vc] == 0 && v[vi] == 0 ? 0 : v[vc] == 0 || v[vi] == 0 || v[va] == 0 ? 1 : 2;
  const bool high = v[sc] == subsequent_high || v[si] == subsequent_high || v[sa] == subsequent_high;
  out.eq4 = v[si] == safety || v[sa] == safety ? 0 : high ? 1 : 2;
  out.eq5 = v[e];
  const bool required =
      (v[cr] == 0 && v[vc] == 0) || (v[ir] == 0 && v[vi] == 0) || (v[ar] == 0 && v[va] == 0);
  out.eq6 = required ? 0 : 1;
  return out;
}

// Steps from the first of the worst vectors that is nowhere better than `v`; the metrics stand in `of`.
template <std::size_t N, std::size_t M>
int steps_below(const Levels& v, const std::array<std::size_t, N>& of, const std::array<Worst<N>, M>& worst) {
  for (const Worst<N>& top : worst) {
    int sum = 0;
    bool below = true;
    for (std::size_t i = 0; i < N; ++i) {
      below = below && v[of[i]] >= top[i];
      sum += v[of[i]] - top[i];
    }
    if (below) return sum;
  }
  return 0;
}

int steps_in_eq1(const Levels& v, int eq1) {
  constexpr std::array<std::size_t, 3> of{av, pr, ui};
  if (eq1 == 0) return 0;
  if (eq1 == 1) return steps_below(v, of, std::array<Worst<3>, 3>{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}});
  return steps_below(v, of, std::array<Worst<3>, 2>{{{3, 0, 0}, {1, 1, 1}}});
}
int steps_in_eq2(const Levels& v, int eq2) {
  if (eq2 == 0) return 0;
  return steps_below(v, std::array<std::size_t, 2>{ac, at}, std::array<Worst<2>, 2>{{{1, 0}, {0, 1}}});
}
int steps_in_eq3_and_eq6(const Levels& v, int eq3, int eq6) {
  constexpr std::array<std::size_t, 6> of{vc, vi, va, cr, ir, ar};
  if (eq3 == 0 && eq6 == 0) return steps_below(v, of, std::array<Worst<6>, 1>{{{0, 0, 0, 0, 0, 0}}});
  if (eq3 == 0) return steps_below(v, of, std::array<Worst<6>, 2>{{{0, 0, 1, 1, 1, 0}, {0, 0, 0, 1, 1, 1}}});
  if (eq3 == 1 && eq6 == 0)
    return steps_below(v, of, std::array<Worst<6>, 2>{{{1, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}}});
  if (eq3 == 1)
    return steps_below(v, of,
                       std::array<Worst<6>, 5>{{{1, 0, 1, 0, 1, 0},
                                                {1, 0, 0, 0, 1, 1},
                                                {0, 1, 0, 1, 0, 1},
                                                {0, 1, 1, 1, 0, 0},
                                                {1, 1, 0, 0, 0, 1}}});
  return steps_below(v, of, std::array<Worst<6>, 1>{{{1, 1, 1, 0, 0, 0}}});
}
int steps_in_eq4(const Levels& v, int eq4) {
  constexpr std::array<std::size_t, 3> of{sc, si, sa};
  if (eq4 == 0) return steps_below(v, of, std::array<Worst<3>, 1>{{{1, 0, 0}}});
  if (eq4 == 1) return steps_below(v, of, std::array<Worst<3>, 1>{{{1, 1, 1}}});
  return steps_below(v, of, std::array<Worst<3>, 1>{{{2, 2, 2}}});
}

// Steps from the top of a set to the top of the next, section 8.3.
constexpr std::array<int, 3> depth_of_eq1{1, 4, 5}, depth_of_eq4{6, 5, 4};
constexpr std::array<int, 2> depth_of_eq2{1, 2};
constexpr std::array<std::array<int, 2>, 3> depth_of_eq3_and_eq6{{{7, 6}, {8, 8}, {10, 10}}};

// The next lower set by EQ3 and EQ6 together: of two ways down the shorter.
int score_below_eq3_and_eq6(Set set) {
  if (set.eq3 == 0 && set.eq6 == 0) {
    Set left = set, right = set;
    ++left.eq6, ++right.eq3;
    return std::max(left.score(), right.score());
  }
  if (set.eq3 == 1 && set.eq6 == 0)
    ++set.eq6;
  else
    ++set.eq3;
  return set.score();
}

int score_of(const Levels& v) {
  constexpr int nothing = 2, nothing_subsequent = 3;
  if (v[vc] == nothing && v[vi] == nothing && v[va] == nothing && v[sc] == nothing_subsequent &&
      v[si] == nothing_subsequent && v[sa] == nothing_subsequent)
    return 0;
  constexpr int common = 840;  // a multiple of every depth
  const Set set = set_of(v);
  const int score = set.score();
  int ways = 0, sum = 0;  // of (score - below) * steps / depth, in 840ths
  const auto way_down = [&](int below, int steps, int depth) {
    if (below == none_below) return;
    ++ways;
    sum += (score - below) * steps * (common / depth);
  };
  const auto at = [](int eq) { return static_cast<std::size_t>(eq); };
  const auto next = [&](int Set::* eq) {
    Set lower = set;
    ++(lower.*eq);
    return lower.score();
  };
  way_down(next(&Set::eq1), steps_in_eq1(v, set.eq1), depth_of_eq1[at(set.eq1)]);
  way_down(next(&Set::eq2), steps_in_eq2(v, set.eq2), depth_of_eq2[at(set.eq2)]);
  way_down(score_below_eq3_and_eq6(set), steps_in_eq3_and_eq6(v, set.eq3, set.eq6),
           depth_of_eq3_and_eq6[at(set.eq3)][at(set.eq6)]);
  way_down(next(&Set::eq4), steps_in_eq4(v, set.eq4), depth_of_eq4[at(set.eq4)]);
  way_down(next(&Set::eq5), 0, 1);
  if (ways == 0) return score;
  const int whole = common * ways;
  const int exact = score * whole - sum;  // in parts of `whole`
  return std::clamp((2 * exact + whole) / (2 * whole), 0, 100);
}

}  // namespace

std::optional<int> cvss4_score(std::string_view vector) {
  const auto parsed = parse(vector);
  if (!parsed) return std::nullopt;
  return std::max(score_of(parsed->base), score_of(parsed->modified));
}

}  // namespace tranche::vuln
