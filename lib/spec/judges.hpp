// Gates that are judged by more than one number: Kayenta's canary judge, a language model, an Argo
// AnalysisTemplate. Their part of tranche.yaml; tables_<judge>.cpp has the keys.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "doc/value.hpp"

namespace tranche::spec {

using doc::Place;

// One metric of Kayenta's judge; meanings in gate/kayenta.hpp.
struct KayentaMetric {
  std::string name, query;  // the query holds $arm
  enum class Direction { either, increase, decrease } direction = Direction::either;
  enum class Nan { remove, replace } nan = Nan::remove;  // replace: with zero
  bool critical = false, muted = false, must_have_data = false;
  std::vector<std::string> groups{"metrics"};  // yaml: group
  enum class Outliers { keep, remove } outliers = Outliers::keep;
  double outlier_factor = 3;
  enum class Measure { mean_ratio, cles } measure = Measure::mean_ratio;  // yaml: effect: { measure: ... }
  std::optional<double> allowed_increase, allowed_decrease, critical_increase, critical_decrease;
  Place place;
};

// `judge: kayenta`: Kayenta's NetflixACAJudge over series of both arms.
struct Kayenta {
  std::vector<KayentaMetric> metrics;
  std::map<std::string, double> weights;  // percent a group; groups without share what is left
  double pass = 95, marginal = 75;        // least scores, 0..100
  Duration step = std::chrono::minutes(1);
  Duration lookback{};  // 0: since the stage began
  bool unit_safe = false;
  int points = 11;
  Place place;
};

// `judge: model`: a language model reads log excerpts of both arms. It may hold or veto, never promote.
struct Model {
  Place place;
};

// `argo: FILE`: an Argo Rollouts AnalysisTemplate, run unchanged.
struct Argo {
  std::string file;  // within the repository
  Place place;
};

}  // namespace tranche::spec
