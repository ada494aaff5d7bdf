// What a `judge: kayenta` gate means: metrics, groups, weights, scores.
#include <algorithm>
#include <set>

#include "spec/grammar.hpp"
#include "spec/meaning.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

struct KayentaCheck {
  const Gate& gate;
  const Value& document;
  Problems& problems;

  void say(std::string_view key, std::string message, std::string hint) const {
    problems.add(place_at(document, {"gates", gate.name, key}), std::move(message), std::move(hint));
  }

  void check_metrics(std::set<std::string>& groups) const {
    std::set<std::string> names;
    for (const KayentaMetric& metric : gate.kayenta.metrics) {
      groups.insert(metric.groups.begin(), metric.groups.end());
      const std::string name = printable(metric.name, 64);
      if (!names.insert(metric.name).second)
        problems.add(metric.place, fmt::format("two metrics of gate '{}' are named '{}'", gate.name, name),
                     "give each metric a name of its own");
      if (!query_uses(metric.query, "$arm") && !query_uses(metric.query, "$version"))
        problems.add(metric.place,
                     fmt::format("metric '{}' of gate '{}' asks the same of both arms", name, gate.name),
                     "select the arm in the query: {arm=\"$arm\"}");
    }
  }

  void check_weights(const std::set<std::string>& groups) const {
    double sum = 0;
    for (const auto& [group, weight] : gate.kayenta.weights) {
      sum += weight;
      if (!groups.contains(group))
        say("weights",
            fmt::format("gate '{}' gives a weight to group '{}', which no metric is in", gate.name,
                        printable(group, 64)),
            name_hint(group, {groups.begin(), groups.end()}, "group"));
    }
    const bool all = std::all_of(groups.begin(), groups.end(), [&](const std::string& group) {
      return gate.kayenta.weights.contains(group);
    });
    if (sum > 100 + 1e-9 || (all && sum < 100 - 1e-9))
      say("weights", fmt::format("the weights of gate '{}' add up to {:.6g}", gate.name, sum),
          "make them add up to 100; groups without a weight share what is left");
  }

  void run() const {
    if (gate.kayenta.metrics.empty())
      return say("metrics", fmt::format("gate '{}' has no metrics", gate.name),
                 "add `metrics: [{ name: errors, query: QUERY with $arm }]`");
    std::set<std::string> groups;
    check_metrics(groups);
    check_weights(groups);
    if (gate.kayenta.marginal > gate.kayenta.pass)
      say("marginal",
          fmt::format("marginal of gate '{}', {}, is above pass, {}", gate.name, gate.kayenta.marginal,
                      gate.kayenta.pass),
          "a marginal score is below a passing one: 75 and 95 are usual");
    if (gate.kayenta.lookback.count() > 0 && gate.kayenta.lookback / gate.kayenta.step < gate.kayenta.points)
      say("lookback",
          fmt::format("lookback of gate '{}' holds fewer than its {} points", gate.name, gate.kayenta.points),
          "make lookback longer, or step or points smaller");
  }
};

}  // namespace

void check_kayenta(const Gate& gate, const Value& document, Problems& problems) {
  KayentaCheck{gate, document, problems}.run();
}

}  // namespace tranche::spec
