#include "vuln/cvss.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "base/text.hpp"

namespace tranche::vuln {
namespace {

struct Weight {
  char value;
  double weight;
};
struct Metric {
  std::string_view name;
  std::array<Weight, 4> weights;  // unused ones have value '\0'
};
// Section 7.4. S has no weight; PR's depend on it.
constexpr std::array<Metric, 7> metrics{{{"AV", {{{'N', 0.85}, {'A', 0.62}, {'L', 0.55}, {'P', 0.2}}}},
                                         {"AC", {{{'L', 0.77}, {'H', 0.44}}}},
                                         {"PR", {{{'N', 0.85}, {'L', 0.62}, {'H', 0.27}}}},
                                         {"UI", {{{'N', 0.85}, {'R', 0.62}}}},
                                         {"C", {{{'H', 0.56}, {'L', 0.22}, {'N', 0}}}},
                                         {"I", {{{'H', 0.56}, {'L', 0.22}, {'N', 0}}}},
                                         {"A", {{{'H', 0.56}, {'L', 0.22}, {'N', 0}}}}}};

double power(double base, int exponent) {
  double out = 1;
  for (int i = 0; i < exponent; ++i) out *= base;
  return out;
}

// Appendix A: the smallest tenth that is not below, computed over integers.
int round_up(double score) {
  const auto scaled = static_cast<std::int64_t>(score * 100'000 + 0.5);
  return static_cast<int>(scaled % 10'000 == 0 ? scaled / 10'000 : scaled / 10'000 + 1);
}

// Section 3.2.1 of the guide to v2.
constexpr std::array<Metric, 6> metrics2{{{"AV", {{{'L', 0.395}, {'A', 0.646}, {'N', 1.0}}}},
                                          {"AC", {{{'H', 0.35}, {'M', 0.61}, {'L', 0.71}}}},
                                          {"Au", {{{'M', 0.45}, {'S', 0.56}, {'N', 0.704}}}},
                                          {"C", {{{'N', 0}, {'P', 0.275}, {'C', 0.66}}}},
                                          {"I", {{{'N', 0}, {'P', 0.275}, {'C', 0.66}}}},
                                          {"A", {{{'N', 0}, {'P', 0.275}, {'C', 0.66}}}}}};

using Given = std::map<std::string_view, char>;
// "AV:N/AC:L": nullopt when a part is no such pair or a name stands twice. A value of several letters is
// '\0'.
std::optional<Given> split_vector(std::string_view text) {
  Given out;
  for (const std::string_view part : split(text, '/')) {
    const std::size_t colon = part.find(':');
    if (colon == part.npos || colon == 0 || colon + 1 == part.size()) return std::nullopt;
    if (!out.emplace(part.substr(0, colon), colon + 2 == part.size() ? part[colon + 1] : '\0').second)
      return std::nullopt;
  }
  return out;
}

template <std::size_t N>
std::optional<std::array<double, N>> weights_in(const Given& given, const std::array<Metric, N>& metrics_of) {
  std::array<double, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto metric = given.find(metrics_of[i].name);
    if (metric == given.end() || metric->second == '\0') return std::nullopt;
    const auto found = std::ranges::find(metrics_of[i].weights, metric->second, &Weight::value);
    if (found == metrics_of[i].weights.end()) return std::nullopt;
    out[i] = found->weight;
  }
  return out;
}

}  // namespace

std::string_view to_text(Severity severity) {
  constexpr std::array<std::string_view, 6> words{"none", "low", "medium", "high", "critical", "unknown"};
  return words[static_cast<std::size_t>(severity)];
}

std::optional<Severity> severity_of_word(std::string_view word) {
  const std::string low = lower(word);
  if (low == "low" || low == "negligible") return Severity::low;
  if (low == "medium" || low == "moderate") return Severity::medium;
  if (low == "high" || low == "important") return Severity::high;
  if (low == "critical") return Severity::critical;
  return std::nullopt;
}

Severity severity_of_score(int tenths) {
  if (tenths <= 0) return Severity::none;
  return tenths < 40   ? Severity::low
         : tenths < 70 ? Severity::medium
         : tenths < 90 ? Severity::high
                       : Severity::critical;
}

std::optional<int> cvss3_base_score(std::string_view vector) {
  if (!vector.starts_with("CVSS:3.0/") && !vector.starts_with("CVSS:3.1/")) return std::nullopt;
  const auto split = split_vector(vector.substr(9));
  if (!split) return std::nullopt;
  const Given& given = *split;
  const auto scope = given.find("S");
  if (scope == given.end() || (scope->second != 'U' && scope->second != 'C')) return std::nullopt;
  const bool changed = scope->second == 'C';
  const auto weights = weights_in(given, metrics);
  if (!weights) return std::nullopt;
  auto [av, ac, pr, ui, c, i, a] = *weights;
  if (changed && given.at("PR") != 'N') pr = given.at("PR") == 'L' ? 0.68 : 0.5;
  const double sub_score = 1 - (1 - c) * (1 - i) * (1 - a);
  const double impact =
      changed ? 7.52 * (sub_score - 0.029) - 3.25 * power(sub_score - 0.02, 15) : 6.42 * sub_score;
  if (impact <= 0) return 0;
  const double exploitability = 8.22 * av * ac * pr * ui;
  return round_up(std::min((changed ? 1.08 : 1.0) * (impact + exploitability), 10.0));
}

std::optional<int> cvss2_base_score(std::string_view vector) {
  const auto given = split_vector(vector);
  if (!given) return std::nullopt;
  const auto weights = weights_in(*given, metrics2);
  if (!weights) return std::nullopt;
  const auto [av, ac, au, c, i, a] = *weights;
  const double impact = 10.41 * (1 - (1 - c) * (1 - i) * (1 - a));
  if (impact == 0) return 0;
  const double exploitability = 20 * av * ac * au;
  return static_cast<int>((0.6 * impact + 0.4 * exploitability - 1.5) * 1.176 * 10 + 0.5);
}

}  // namespace tranche::vuln
