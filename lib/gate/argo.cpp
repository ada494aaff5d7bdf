// Reading AnalysisTemplates: shape, flattening, validation.
#include "gate/argo.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/text.hpp"
#include "gate/argo_reading.hpp"
#include "gate/pattern.hpp"

namespace tranche::gate {

namespace internal {
namespace {

constexpr std::size_t most_wrongs = 50;
constexpr std::size_t most_metrics = 200;
constexpr std::size_t most_templates = 20;
constexpr std::size_t most_rules = 200;

}  // namespace

void Wrongs::say(const doc::Place& place, std::string message, std::string hint) {
  if (errors_.size() >= most_wrongs) return;
  Error error(ErrorKind::invalid, std::move(message), std::move(hint));
  if (place.line > 0) error.mark = doc::to_mark(place);
  errors_.push_back(std::move(error));
}

Error Wrongs::take() {
  const auto place = [](const Error& error) {
    return error.mark ? std::tuple(std::string_view(error.mark->file), error.mark->line, error.mark->column)
                      : std::tuple(std::string_view(), 0, 0);
  };
  std::stable_sort(errors_.begin(), errors_.end(),
                   [&](const Error& a, const Error& b) { return place(a) < place(b); });
  Error first = std::move(errors_.front());
  for (std::size_t i = 1; i < errors_.size(); ++i) first.others.push_back(std::move(errors_[i]));
  return first;
}

void refuse_unknown_keys(const doc::Value& map, const std::vector<std::string>& known, std::string_view what,
                         Wrongs& wrongs) {
  if (!map.is_object()) return;
  for (const doc::Member& member : map.as_object()) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const std::string near = nearest(member.key, known);
    wrongs.say(member.key_place, fmt::format("unknown key '{}' in {}", printable(member.key, 64), what),
               near.empty() ? "known are: " + join(known, ", ") : "did you mean '" + near + "'?");
  }
}

const std::string* text_at(const doc::Value& map, std::string_view key, Wrongs& wrongs) {
  const doc::Value* value = map.find(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (value->is_string()) return &value->as_string();
  wrongs.say(value->place, fmt::format("'{}' must be a string, not {}", key, value->kind_name()),
             "put it in quotes");
  return nullptr;
}

namespace {

const doc::Value* typed_at(const doc::Value& map, std::string_view key, bool list, Wrongs& wrongs) {
  const doc::Value* value = map.find(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (list ? value->is_array() : value->is_object()) return value;
  wrongs.say(value->place,
             fmt::format("'{}' must be {}, not {}", key, list ? "a list" : "a map", value->kind_name()),
             "see argo-rollouts' AnalysisTemplate");
  return nullptr;
}

}  // namespace

const doc::Value* list_at(const doc::Value& map, std::string_view key, Wrongs& wrongs) {
  return typed_at(map, key, true, wrongs);
}
const doc::Value* map_at(const doc::Value& map, std::string_view key, Wrongs& wrongs) {
  return typed_at(map, key, false, wrongs);
}

std::optional<Duration> duration_at(const doc::Value& map, std::string_view key, Wrongs& wrongs) {
  const std::string* text = text_at(map, key, wrongs);
  if (text == nullptr || text->empty()) return std::nullopt;
  const auto duration = parse_go_duration(*text);
  if (duration) return *duration;
  wrongs.say(map.find(key)->place, fmt::format("bad '{}': {}", key, duration.error().message),
             duration.error().hint);
  return std::nullopt;
}

std::optional<std::int64_t> integer_at(const doc::Value& map, std::string_view key, Wrongs& wrongs) {
  constexpr std::int64_t most = 1'000'000'000;
  const doc::Value* value = map.find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  std::optional<std::int64_t> out;
  if (value->is_int()) out = value->as_int();
  if (value->is_string()) {
    const std::string_view text = value->as_string();
    const bool minus = text.starts_with('-');
    if (const auto digits = parse_u64(minus ? text.substr(1) : text); digits && *digits <= most)
      out = minus ? -static_cast<std::int64_t>(*digits) : static_cast<std::int64_t>(*digits);
  }
  if (out && *out >= -most && *out <= most) return out;
  wrongs.say(value->place, fmt::format("'{}' must be a whole number", key), "write a number such as 3");
  return std::nullopt;
}

namespace {

class Reading {
 public:
  explicit Reading(const ArgoInput& input) : input_(input) {}

  Result<ArgoAnalysis> whole() {
    std::vector<const doc::Value*> specs;
    if (input_.templates.empty() || input_.templates.size() > most_templates)
      return fail_hint(ErrorKind::invalid, "name the file of one under `argo`",
                       "{} analysis templates, where 1 to {} are possible", input_.templates.size(),
                       most_templates);
    for (const doc::Value& document : input_.templates)
      if (const doc::Value* spec = spec_of(document)) specs.push_back(spec);
    if (specs.size() == input_.templates.size()) check_references(specs);
    for (const doc::Value* spec : specs) args_.read(*spec, input_, wrongs_);
    args_.finish(input_, input_.templates.front().place, wrongs_);
    for (const doc::Value* spec : specs) read_rules(*spec);
    for (const doc::Value* spec : specs) read_metrics(*spec);
    finish_rules();
    if (analysis_.metrics.empty() && wrongs_.empty())
      wrongs_.say(input_.templates.front().place, "no metrics are specified",
                  "list at least one under spec.metrics");
    const bool only_dry = std::all_of(analysis_.metrics.begin(), analysis_.metrics.end(),
                                      [](const ArgoMetric& metric) { return metric.dry_run; });
    if (only_dry && wrongs_.empty() && !input_.strict)
      wrongs_.say(input_.templates.front().place, "every metric is a dry run: this gate would always pass",
                  "let one metric decide, or write `dry-run: true` in the gate instead");
    if (!wrongs_.empty()) return fail(wrongs_.take());
    return std::move(analysis_);
  }

 private:
  struct Rule {
    Pattern pattern;
    std::int64_t limit = 0;  // of a retention
    doc::Place place;
    bool used = false;
  };

  const doc::Value* spec_of(const doc::Value& document) {
    if (!document.is_object()) {
      wrongs_.say(document.place,
                  fmt::format("an AnalysisTemplate must be a map, not {}", document.kind_name()),
                  "begin with apiVersion: argoproj.io/v1alpha1");
      return nullptr;
    }
    const std::string* kind = text_at(document, "kind", wrongs_);
    const std::string* version = text_at(document, "apiVersion", wrongs_);
    const doc::Value* at = document.find("kind");
    if (kind == nullptr || (*kind != "AnalysisTemplate" && *kind != "ClusterAnalysisTemplate")) {
      wrongs_.say(at != nullptr ? at->place : document.place,
                  kind == nullptr ? "the document has no kind"
                                  : fmt::format("the document is a '{}'", printable(*kind, 64)),
                  "give an AnalysisTemplate or a ClusterAnalysisTemplate, one a file");
      return nullptr;
    }
    if (version == nullptr || *version != "argoproj.io/v1alpha1")
      wrongs_.say(
          document.find("apiVersion") != nullptr ? document.find("apiVersion")->place : document.place,
          "the apiVersion is not argoproj.io/v1alpha1", "write: apiVersion: argoproj.io/v1alpha1");
    refuse_unknown_keys(document, {"apiVersion", "kind", "metadata", "spec", "status"}, "a template",
                        wrongs_);
    const doc::Value* spec = map_at(document, "spec", wrongs_);
    if (spec == nullptr) {
      wrongs_.say(document.place, "the template has no spec", "write: spec: { metrics: [...] }");
      return nullptr;
    }
    refuse_unknown_keys(*spec, {"metrics", "args", "dryRun", "measurementRetention", "templates"},
                        "a template's spec", wrongs_);
    return spec;
  }

  // Templates that are named must be among those that are given.
  void check_references(const std::vector<const doc::Value*>& specs) {
    std::vector<std::string> names;
    for (const doc::Value& document : input_.templates) {
      const doc::Value* metadata = document.find("metadata");
      const doc::Value* name = metadata == nullptr ? nullptr : metadata->find("name");
      if (name != nullptr && name->is_string()) names.push_back(name->as_string());
    }
    for (const doc::Value* spec : specs) {
      const doc::Value* list = list_at(*spec, "templates", wrongs_);
      if (list == nullptr) continue;
      for (const doc::Value& reference : list->as_array()) {
        refuse_unknown_keys(reference, {"templateName", "clusterScope"}, "a reference to a template",
                            wrongs_);
        const doc::Value* name = reference.find("templateName");
        const bool known = name != nullptr && name->is_string() &&
                           std::find(names.begin(), names.end(), name->as_string()) != names.end();
        if (!known)
          wrongs_.say(
              reference.place,
              fmt::format("the template '{}' is not here",
                          name != nullptr && name->is_string() ? printable(name->as_string(), 64) : "?"),
              "add its file: argo: [FILE, ITS-FILE]");
      }
    }
  }

  void read_rules(const doc::Value& spec) {
    for (const bool retention : {false, true}) {
      const char* key = retention ? "measurementRetention" : "dryRun";
      const doc::Value* list = list_at(spec, key, wrongs_);
      if (list == nullptr) continue;
      std::vector<Rule>& rules = retention ? retentions_ : dry_runs_;
      std::set<std::string>& seen = retention ? seen_retentions_ : seen_dry_runs_;
      for (const doc::Value& item : list->as_array()) {
        refuse_unknown_keys(item,
                            retention ? std::vector<std::string>{"metricName", "limit"}
                                      : std::vector<std::string>{"metricName"},
                            fmt::format("'{}'", key), wrongs_);
        const std::string* name = text_at(item, "metricName", wrongs_);
        if (name == nullptr) {
          wrongs_.say(item.place, fmt::format("'{}' without a metricName", key), "write: - metricName: .*");
          continue;
        }
        if (rules.size() >= most_rules)
          return wrongs_.say(item.place, "too many rules", "use one pattern for several");
        const std::string filled = args_.fill(*item.find("metricName"), nullptr, wrongs_);
        if (!seen.insert(filled).second)
          wrongs_.say(item.place, fmt::format("two rules of '{}' for '{}'", key, printable(filled, 64)),
                      "remove one");
        auto pattern = Pattern::compile(filled);
        if (!pattern) {
          wrongs_.say(item.find("metricName")->place, pattern.error().message, pattern.error().hint);
          continue;
        }
        Rule rule{std::move(*pattern), 0, item.place};
        if (retention) {
          rule.limit = integer_at(item, "limit", wrongs_).value_or(0);
          if (rule.limit < 0) wrongs_.say(item.place, "'limit' is negative", "write how many to keep");
        }
        rules.push_back(std::move(rule));
      }
    }
  }

  void finish_rules() {
    for (const std::vector<Rule>* rules : {&dry_runs_, &retentions_})
      for (const Rule& rule : *rules)
        if (!rule.used)
          wrongs_.say(rule.place, "this rule matches no metric",
                      "metricName is a pattern of the names above; .* is all");
  }

  void read_metrics(const doc::Value& spec) {
    const doc::Value* list = list_at(spec, "metrics", wrongs_);
    if (list == nullptr) return;
    for (const doc::Value& item : list->as_array()) {
      if (analysis_.metrics.size() >= most_metrics)
        return wrongs_.say(item.place, fmt::format("more than {} metrics", most_metrics),
                           "use several gates");
      if (!item.is_object()) {
        wrongs_.say(item.place, "a metric must be a map", "write: - name: errors");
        continue;
      }
      read_metric(item);
    }
  }

  void read_metric(const doc::Value& written) {
    refuse_unknown_keys(
        written,
        {"name", "interval", "initialDelay", "count", "successCondition", "failureCondition", "failureLimit",
         "inconclusiveLimit", "consecutiveErrorLimit", "consecutiveSuccessLimit", "provider"},
        "a metric", wrongs_);
    // The provider is filled in by its own reader, which knows where a secret may stand.
    doc::Value plain = written;
    plain.erase("provider");
    plain = args_.fill_all(plain, nullptr, wrongs_);
    ArgoMetric metric;
    const std::string* name = text_at(plain, "name", wrongs_);
    if (name == nullptr || name->empty())
      return wrongs_.say(written.place, "a metric without a name", "write: - name: errors");
    metric.name = *name;
    if (analysis_.metric(metric.name) != nullptr)
      wrongs_.say(plain.find("name")->place,
                  fmt::format("two metrics have the name '{}'", printable(*name, 64)), "rename one of them");
    for (Rule& rule : dry_runs_)
      if (rule.pattern.matches(metric.name)) metric.dry_run = rule.used = true;
    for (Rule& rule : retentions_)
      if (rule.pattern.matches(metric.name)) {
        rule.used = true;
        if (rule.limit > 0) metric.retention = rule.limit;
      }
    if (const doc::Value* provider = map_at(written, "provider", wrongs_))
      read_provider(metric, *provider, args_, input_, wrongs_);
    else if (written.find("provider") == nullptr)
      wrongs_.say(written.place, fmt::format("metric '{}' has no provider", printable(metric.name, 64)),
                  "write: provider: { prometheus: { address: ..., query: ... } }");
    read_limits(metric, plain);
    read_conditions(metric, plain);
    analysis_.metrics.push_back(std::move(metric));
  }

  void read_limits(ArgoMetric& metric, const doc::Value& plain) {
    const std::size_t before = wrongs_.count();
    ThresholdConfig& config = metric.config;
    config.strict = input_.strict;
    config.no_data_fails = input_.no_data_fails;
    config.count = integer_at(plain, "count", wrongs_).value_or(0);
    config.failure_limit = integer_at(plain, "failureLimit", wrongs_).value_or(0);
    config.inconclusive_limit = integer_at(plain, "inconclusiveLimit", wrongs_).value_or(0);
    config.consecutive_error_limit = integer_at(plain, "consecutiveErrorLimit", wrongs_).value_or(4);
    config.consecutive_success_limit = integer_at(plain, "consecutiveSuccessLimit", wrongs_).value_or(0);
    const auto interval = duration_at(plain, "interval", wrongs_);
    metric.interval = interval.value_or(Duration{0});
    metric.initial_delay = duration_at(plain, "initialDelay", wrongs_).value_or(Duration{0});
    if (wrongs_.count() > before) return;
    const auto complain = [&](std::string_view key, std::string message, std::string hint) {
      const doc::Value* at = plain.find(key);
      wrongs_.say(at != nullptr ? at->place : plain.place,
                  fmt::format("{} in metric '{}'", message, printable(metric.name, 64)), std::move(hint));
    };
    if (interval && *interval <= Duration{0})
      complain("interval", "'interval' is zero", "write for example 30s");
    if (config.count < 0) complain("count", "'count' is negative", "write how many measurements to make");
    if (config.count > 1 && !interval)
      complain("count", "several measurements without an interval", "write: interval: 1m");
    if (config.failure_limit < -1) complain("failureLimit", "'failureLimit' is below -1", "-1 is no limit");
    if (config.inconclusive_limit < 0)
      complain("inconclusiveLimit", "'inconclusiveLimit' is negative", "write 0 or more");
    if (config.consecutive_error_limit < 0)
      complain("consecutiveErrorLimit", "'consecutiveErrorLimit' is negative", "write 0 or more");
    if (config.consecutive_success_limit < 0)
      complain("consecutiveSuccessLimit", "'consecutiveSuccessLimit' is negative", "write 0 or more");
    if (config.failure_limit == -1 && config.consecutive_success_limit == 0)
      complain("failureLimit", "neither failureLimit nor consecutiveSuccessLimit is there: nothing decides",
               "set one of them");
    const std::int64_t wanted =
        std::max<std::int64_t>(config.failure_limit, 0) + config.consecutive_success_limit;
    if (config.count > 0 && config.count < wanted)
      complain(
          "count",
          fmt::format("'count' {} is below failureLimit + consecutiveSuccessLimit, {}", config.count, wanted),
          "measure more often, or lower the limits");
    if (config.count > 0 && config.count < config.inconclusive_limit)
      complain(
          "count",
          fmt::format("'count' {} is below inconclusiveLimit {}", config.count, config.inconclusive_limit),
          "measure more often, or lower the limit");
    if (config.count == 0 && !interval) config.count = 1;
  }

  void read_conditions(ArgoMetric& metric, const doc::Value& plain) {
    for (const auto& [key, into] : {std::pair{"successCondition", &metric.config.success_condition},
                                    {"failureCondition", &metric.config.failure_condition}}) {
      const std::string* text = text_at(plain, key, wrongs_);
      if (text == nullptr || trim(*text).empty()) continue;
      *into = *text;
      if (const auto condition = Condition::compile(*text); !condition)
        wrongs_.say(plain.find(key)->place,
                    fmt::format("bad '{}' in metric '{}': {}", key, printable(metric.name, 64),
                                condition.error().message),
                    condition.error().hint);
    }
    const bool bare = metric.config.success_condition.empty() && metric.config.failure_condition.empty();
    if (!bare || !metric.measured) return;
    if (!input_.strict && !metric.dry_run)
      wrongs_.say(plain.place,
                  fmt::format("metric '{}' has no condition: it would pass whatever is measured",
                              printable(metric.name, 64)),
                  "add successCondition, for example: result[0] < 2.5");
    metric.config.strict = metric.config.strict || metric.dry_run;  // as Argo: measured and Successful
  }

  const ArgoInput& input_;
  Wrongs wrongs_;
  Args args_;
  ArgoAnalysis analysis_;
  std::vector<Rule> dry_runs_, retentions_;
  std::set<std::string> seen_dry_runs_, seen_retentions_;
};

}  // namespace
}  // namespace internal

const ArgoMetric* ArgoAnalysis::metric(std::string_view name) const {
  for (const ArgoMetric& one : metrics)
    if (one.name == name) return &one;
  return nullptr;
}

Result<ArgoAnalysis> read_argo(const ArgoInput& input) { return internal::Reading(input).whole(); }

Result<Duration> parse_go_duration(std::string_view text) {
  constexpr double most = 365.0 * 24 * 3600 * 1000;  // a year, in milliseconds
  const auto bad = [&] {
    return fail_hint(
        ErrorKind::invalid,
        text.ends_with('d') ? "Go's durations have no days: write 24h" : "write 30s, 5m or 1h30m",
        "'{}' is no duration", printable(text, 40));
  };
  std::string_view rest = text;
  if (rest == "0") return Duration{0};
  if (rest.empty()) return bad();
  double total = 0;
  while (!rest.empty()) {
    std::size_t size = 0;
    double number = 0, scale = 1;
    bool digits = false, point = false;
    for (; size < rest.size(); ++size) {
      const char c = rest[size];
      if (c == '.' && !point) {
        point = true;
        continue;
      }
      if (c < '0' || c > '9') break;
      digits = true;
      number = number * 10 + (c - '0');
      if (point) scale *= 10;
      if (number > 1e15) return bad();
    }
    if (!digits) return bad();
    rest.remove_prefix(size);
    struct Unit {
      std::string_view name;
      double milliseconds;
    };
    constexpr Unit units[] = {{"ms", 1},    {"ns", 1e-6}, {"us", 1e-3}, {"µs", 1e-3},
                              {"h", 3.6e6}, {"m", 6e4},   {"s", 1e3}};
    const Unit* found = nullptr;
    for (const Unit& unit : units)
      if (found == nullptr && rest.starts_with(unit.name)) found = &unit;
    if (found == nullptr) return bad();
    rest.remove_prefix(found->name.size());
    total += number / scale * found->milliseconds;
    if (total > most)
      return fail_hint(ErrorKind::invalid, "at most a year", "'{}' is too long", printable(text, 40));
  }
  const double whole = std::floor(total + 0.5);
  if (total > 0 && whole < 1)
    return fail_hint(ErrorKind::invalid, "at least 1ms", "'{}' is too short", printable(text, 40));
  return Duration{static_cast<std::int64_t>(whole)};
}

}  // namespace tranche::gate
