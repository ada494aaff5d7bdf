// Gates that are judged by more than one number: Kayenta's canary judge, a language model, an Argo
// AnalysisTemplate. Their part of tranche.yaml; tables_<judge>.cpp has the keys.
#pragma once

#include <cstdint>
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

// Where a model gate gets the log of one arm: exactly one of file, command, url. $variables of queries may
// stand in each; $version is the release for the canary and the baseline for the control.
struct LogSource {
  std::string file;                  // within the repository
  std::vector<std::string> command;  // argv, run in the repository; prints the log, oldest line first
  std::string url;                   // of a log system's query
  std::string token;                 // of the url: secret reference, sent as bearer; or empty
  Place place;
  [[nodiscard]] bool given() const { return !file.empty() || !command.empty() || !url.empty(); }
};

// `judge: model`: a language model reads log excerpts of both arms. It may hold or veto, never promote.
struct Model {
  enum class Protocol { none, anthropic, openai } protocol = Protocol::none;
  std::string url;    // empty: the maker's own address
  std::string model;  // as the API names it
  std::string key;    // secret reference; may be empty (a model on this machine)
  LogSource canary, control;
  std::string extra_prompt;  // what to look for; trusted, as all of tranche.yaml
  int confidence = 80;       // percent: less is no opinion
  enum class OnWorse { hold, fail } on_worse = OnWorse::hold;  // what a confident "worse" is: suspect or fail
  Duration ask_every = std::chrono::minutes(5);                // at most one opinion in this time
  Duration timeout = std::chrono::minutes(1);  // for one opinion: logs, retries, control question
  std::int64_t max_excerpt = 64 << 10;         // bytes of one arm's excerpt
  std::vector<std::string> redact;             // literal text, or globs of whole words
  bool redact_addresses = false;               // IP addresses too
  Place place;
};

// `argo: FILE` or `argo: [FILE, ...]`: Argo Rollouts AnalysisTemplates, run unchanged. The gate's `source`,
// when it names one, stands in for the address of the metrics whose provider is of its kind.
struct ArgoFile {
  std::string path;  // within the repository
  Place place;
};
struct Argo {
  std::vector<ArgoFile> files;
  std::map<std::string, std::string> args;  // values of the template's args; env:... and file:... are secrets
  // What the files hold, one document each: read when tranche.yaml is loaded, part of a frozen plan.
  std::vector<doc::Value> templates;
  Place place;
};

}  // namespace tranche::spec
